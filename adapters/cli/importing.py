"""Handing a list in, and watching how it fares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from paidan.v1.packages_pb2 import (
    ImportPackageRequest,
    ImportPackageResponse,
    Package,
    PackageSpec,
    UploadHeader,
    UploadPackageRequest,
    UploadPackageResponse,
)
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adapters.cli.plain import word_of
from adapters.cli.rendering import console
from adapters.cli.session import Session, fail

PART = 256 * 1024
"""Bytes of one message of an upload."""
UPLOAD_S = 3_600.0


def hand_in(
    session: Session, uri: str, spec: PackageSpec, request_id: str, *, upload: bool
) -> ImportPackageResponse | UploadPackageResponse:
    """The package is registered."""
    if upload:
        return _upload(session, Path(uri), spec, request_id)
    found = uri if "://" in uri or "::" in uri else str(Path(uri).absolute())
    request = ImportPackageRequest(parent=session.parent, uri=found, spec=spec, request_id=request_id)
    return session.client.ask(session.client.packages.ImportPackage, request, UPLOAD_S)


def _upload(session: Session, file: Path, spec: PackageSpec, request_id: str) -> UploadPackageResponse:
    if not file.is_file():
        raise fail(f"Expected a file to upload, but there is none at {file}")
    header = UploadHeader(parent=session.parent, file_name=file.name, spec=spec, request_id=request_id)
    return session.client.ask(session.client.packages.UploadPackage, _parts(header, file), UPLOAD_S)


def _parts(header: UploadHeader, file: Path) -> Iterator[UploadPackageRequest]:
    yield UploadPackageRequest(header=header)
    with file.open("rb") as source:
        while data := source.read(PART):
            yield UploadPackageRequest(data=data)


def show_progress(session: Session, packages: Iterable[Package]) -> Package | None:
    """The package as it was last seen: a bar on a terminal, a line a status elsewhere, every step as JSON."""
    if session.as_json:
        return _as_json(session, packages)
    return _as_bar(packages) if console().is_terminal else _as_lines(session, packages)


def _as_json(session: Session, packages: Iterable[Package]) -> Package | None:
    last = None
    for last in packages:
        session.show_json(last)
    return last


def _as_lines(session: Session, packages: Iterable[Package]) -> Package | None:
    last, said = None, ""
    for last in packages:
        status = _status(last)
        if status != said:
            session.say(f"package {last.number}: {status}, {last.rows:,} rows in, {last.distributed:,} given to agents")
            said = status
    return last


def _as_bar(packages: Iterable[Package]) -> Package | None:
    last = None
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("given to agents"), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console(), transient=True) as progress:
        bar = progress.add_task("registered", total=None)
        for last in packages:
            total = last.rows if _is_parsed(last) else None
            text = f"{_status(last)}, {last.rows:,} rows in"
            progress.update(bar, description=text, completed=last.distributed, total=total)
    return last


def _is_parsed(package: Package) -> bool:
    return _status(package) not in ("initialized", "parsing")


def _status(package: Package) -> str:
    return word_of(package.DESCRIPTOR.fields_by_name["status"].enum_type, package.status).replace("_", " ")
