"""``paidan doctor``: is all there that a server needs, and how far is everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adapters.settings import flags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.operations.findings import Finding

MARKS = {"ok": "ok", "warn": "WARN", "fail": "FAIL", "unreachable": "AWAY"}


def register(app: typer.Typer) -> None:
    """Put the command at the top of the tree."""
    app.command("doctor")(doctor)


def doctor(
    listen: flags.Listen = None,
    data: flags.Data = None,
    postgres: flags.Postgres = None,
    nats: flags.Nats = None,
    workspace: flags.Workspace = None,
    config: flags.Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
) -> None:
    """Check configuration, versions, PostgreSQL, NATS, the server, and who lags behind."""
    from adapters.operations.doctor import examine, exit_code, versions
    from adapters.operations.findings import fail
    from adapters.settings.sources import WrongSettingsError, resolve

    given = {"listen": listen, "data": data, "postgres": postgres, "nats": nats, "workspace": workspace}
    try:
        findings = _shown(examine(resolve(given, config)), as_json)
    except WrongSettingsError as error:
        wrong = [fail("configuration", line, "correct it there") for line in str(error).splitlines()]
        findings = _shown([*wrong, *versions()], as_json)
    raise typer.Exit(exit_code(findings))


def _shown(found: Iterable[Finding], as_json: bool) -> list[Finding]:
    findings = list(found)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode({"findings": findings}).decode())
        return findings
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from adapters.cli.rendering import console

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "What", "Found", "What to do"):
        table.add_column(heading, overflow="fold")
    for item in findings:
        table.add_row(*(Text(text) for text in (MARKS[item.state], item.subject, item.message, item.remedy)))
    console().print(table)
    return findings
