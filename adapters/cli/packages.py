"""``paidan packages``: import, show, list, rejected, withdraw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapters.cli import import_options as to
from adapters.cli.options import Filter, Limit, OrderBy, PackageNumber, Reason, RequestId
from adapters.cli.session import REFUSED, Session, fail, remote

if TYPE_CHECKING:
    from paidan.v1.packages_pb2 import Package

app = typer.Typer(help="Packages: imported lists of tasks.", no_args_is_help=True)


@app.command("import")
@remote
def import_package(
    session: Session, uri: to.Uri, *, task_type: to.TaskType, business_type: to.BusinessType = "",
    segment: to.Segment = "", priority: to.Priority = 0, mapping: to.Mapping = None,
    column: to.Columns = [], attribute: to.Attributes = [],  # noqa: B006 - typer asks for lists
    delimiter: to.Delimiter = "", encoding: to.Encoding = "", upload: to.Upload = False, follow: to.Follow = True,
    request_id: RequestId = "",
) -> None:  # fmt: skip
    """Import a list: CSV or CSV.gz. Follows it until every row has an agent or waits for a reason."""
    from paidan.v1.packages_pb2 import PackageSpec

    from adapters.cli.importing import hand_in
    from adapters.cli.mapping import mapping_of
    from adapters.grpc_api.client import fresh_request_id

    spec = PackageSpec(
        segment=segment, task_type=task_type, business_type=business_type, priority=priority,
        mapping=mapping_of(mapping, column, attribute, delimiter=delimiter, encoding=encoding),
    )  # fmt: skip
    answer = hand_in(session, uri, spec, request_id or fresh_request_id(), upload=upload)
    same = "" if answer.changed else ": the same content is in already"
    if not follow:
        session.tell(answer, f"Package {answer.number}{same} (position {answer.position}).")
        return
    if same and not session.as_json:
        session.say(f"Package {answer.number}{same}.")
    _follow(session, answer.number, answer.position)


@app.command("show")
@remote
def show(session: Session, package: PackageNumber) -> None:
    """One package and its counts."""
    from paidan.v1.packages_pb2 import GetPackageRequest

    request = GetPackageRequest(name=session.name("packages", package))
    _show(session, session.query(session.client.packages.GetPackage, request).package)


@app.command("list")
@remote
def list_packages(session: Session, filter: Filter = "", order_by: OrderBy = "", limit: Limit = 50) -> None:  # noqa: A002
    """Packages with their counts."""
    from paidan.v1.packages_pb2 import ListPackagesRequest

    from adapters.cli.rendering import field, number, time, word

    request = ListPackagesRequest(parent=session.parent, filter=filter, order_by=order_by)
    rows = session.pages(session.client.packages.ListPackages, request, "packages", limit)
    columns = [
        ("package#", field("number")), ("segment", field("segment")), ("type", field("task_type")),
        ("status", word("status")), ("rows#", number("rows")), ("given#", number("distributed")),
        ("set aside#", number("rejected")), ("ended#", number("ended")), ("created", time("create_time")),
        ("from", field("uri")),
    ]  # fmt: skip
    session.show_rows(rows, columns, "No packages; import one with: paidan packages import URI --task-type TYPE")


@app.command("rejected")
@remote
def rejected(
    session: Session,
    package: PackageNumber,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="Write all of them as CSV.")
    ] = None,
    limit: Limit = 50,
) -> None:
    """Rows that were set aside, each with line, column and reason."""
    from paidan.v1.packages_pb2 import ListRejectedRowsRequest

    from adapters.cli.rendering import field

    name = session.name("packages", package)
    if output is not None:
        _download(session, name, output)
        return
    rows = session.pages(
        session.client.packages.ListRejectedRows, ListRejectedRowsRequest(parent=name), "rejected_rows", limit
    )
    columns = [
        ("line#", field("line")),
        ("column", field("column")),
        ("reason", field("reason")),
        ("row", field("text")),
    ]
    session.show_rows(rows, columns, f"No row of package {package} was set aside.")


@app.command("withdraw")
@remote
def withdraw(session: Session, package: PackageNumber, reason: Reason = "", request_id: RequestId = "") -> None:
    """Take back what is not yet in progress."""
    from paidan.v1.packages_pb2 import WithdrawPackageRequest

    from adapters.grpc_api.client import fresh_request_id

    request = WithdrawPackageRequest(
        name=session.name("packages", package), reason=reason, request_id=request_id or fresh_request_id()
    )
    answer = session.ask(session.client.packages.WithdrawPackage, request)
    session.tell(answer, f"Package {package} is taken back" + ("." if answer.changed else ", as before."))


def _follow(session: Session, package: int, position: int) -> None:
    from paidan.v1.packages_pb2 import PackageStatus, WatchPackageRequest

    from adapters.cli.importing import show_progress

    request = WatchPackageRequest(name=session.name("packages", package), min_position=position)
    steps = session.stream(session.client.packages.WatchPackage, request)
    last = show_progress(session, (step.package for step in steps))
    if last is None:
        return
    if not session.as_json:
        _show(session, last)
    if last.status == PackageStatus.PACKAGE_STATUS_FAILED:
        raise fail(f"Expected package {package} to be imported, but it failed: {last.failure}", REFUSED)


def _show(session: Session, package: Package) -> None:
    from adapters.cli.rendering import field, number, pairs, time, word

    session.show_record(
        package,
        [
            ("package", field("number")), ("segment", field("segment")), ("from", field("uri")),
            ("task type", field("task_type")), ("business type", field("business_type")), ("status", word("status")),
            ("failure", field("failure")), ("rules version", field("rule_set_version")), ("rows", number("rows")),
            ("given to agents", number("distributed")), ("not given", pairs("not_distributed")),
            ("ended", number("ended")), ("set aside", number("rejected")), ("created", time("create_time")),
            ("updated", time("update_time")),
        ],
    )  # fmt: skip


def _download(session: Session, name: str, output: Path) -> None:
    import csv
    import json

    from paidan.v1.packages_pb2 import DownloadRejectedRowsRequest

    request = DownloadRejectedRowsRequest(parent=name, min_position=session.head())
    batches: Any = session.stream(session.client.packages.DownloadRejectedRows, request)
    count = 0
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("line", "column", "reason", "row"))
            for batch in batches:
                writer.writerows((row.line, row.column, row.reason, row.text) for row in batch.rejected_rows)
                count += len(batch.rejected_rows)
    except OSError as error:
        raise fail(f"Expected to write {output}, but {error}") from error
    if session.as_json:
        typer.echo(json.dumps({"rows": count, "output": str(output)}, ensure_ascii=False))
    else:
        session.say(f"{count} rows are in {output}.")
