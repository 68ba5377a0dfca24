"""``paidan rules``: apply, show, list, diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.options import File, Limit, Reason, RequestId
from adapters.cli.session import Session, fail, read_text, remote

if TYPE_CHECKING:
    from paidan.v1.rules_pb2 import ApplyRulesResponse

app = typer.Typer(help="Rule documents: put in force, look at, compare.", no_args_is_help=True)


@app.command("apply")
@remote
def apply_rules(
    session: Session,
    file: File,
    reason: Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    request_id: RequestId = "",
) -> None:
    """Put a YAML document in force, after saying what it changes."""
    from adapters.cli.rule_changes import show_changes
    from adapters.grpc_api.client import fresh_request_id

    source = read_text(file)
    found = _ask(session, source, validate_only=True)
    if dry_run or not found.changed:
        show_changes(session, found)
        return
    if not session.as_json:
        show_changes(session, found)
    answer = _ask(session, source, reason=reason, expected=found.version, request_id=request_id or fresh_request_id())
    session.tell(answer, f"Version {answer.version} is in force (position {answer.position}).")


@app.command("show")
@remote
def show(
    session: Session,
    version: Annotated[int, typer.Argument(min=0, help="Version; 0: the one in force.")] = 0,
) -> None:
    """The document of a version, as it was written."""
    from paidan.v1.rules_pb2 import GetRuleSetRequest

    name = session.name("ruleSets", version or "current")
    found = session.query(session.client.rules.GetRuleSet, GetRuleSetRequest(name=name)).rule_set
    if session.as_json:
        session.show_json(found)
        return
    typer.echo(found.source, nl=not found.source.endswith("\n"))


@app.command("list")
@remote
def list_versions(session: Session, limit: Limit = 0) -> None:
    """All versions, newest first."""
    from paidan.v1.rules_pb2 import ListRuleSetsRequest

    from adapters.cli.rendering import field, number, time

    rows = session.pages(
        session.client.rules.ListRuleSets, ListRuleSetsRequest(parent=session.parent), "rule_sets", limit
    )
    columns = [
        ("version#", field("version")), ("applied", time("apply_time")), ("by", field("author")),
        ("rules#", number("rule_count")), ("position#", field("applied_position")), ("reason", field("reason")),
    ]  # fmt: skip
    session.show_rows(rows, columns, "No rules have been applied yet; apply some with: paidan rules apply FILE")


@app.command("diff")
@remote
def diff(
    session: Session,
    what: Annotated[str, typer.Argument(metavar="FILE|VERSION", help="A document, or the earlier version.")],
    to: Annotated[int, typer.Argument(min=0, metavar="VERSION", help="The later version; 0: the one in force.")] = 0,
) -> None:
    """What a document would change, or what differs between two versions."""
    from paidan.v1.rules_pb2 import DiffRuleSetsRequest

    from adapters.cli.rule_changes import show_changes

    if not what.isdigit():
        if not Path(what).is_file():
            raise fail(f"Expected a file or a version, but there is no file {what}")
        show_changes(session, _ask(session, read_text(Path(what)), validate_only=True))
        return
    request = DiffRuleSetsRequest(parent=session.parent, from_version=int(what), to_version=to)
    show_changes(session, session.query(session.client.rules.DiffRuleSets, request))


def _ask(
    session: Session,
    source: str,
    *,
    validate_only: bool = False,
    reason: str = "",
    expected: int | None = None,
    request_id: str = "",
) -> ApplyRulesResponse:
    from paidan.v1.rules_pb2 import ApplyRulesRequest

    request = ApplyRulesRequest(
        parent=session.parent, source=source, reason=reason, expected_version=expected,
        validate_only=validate_only, request_id=request_id,
    )  # fmt: skip
    return session.ask(session.client.rules.ApplyRules, request)
