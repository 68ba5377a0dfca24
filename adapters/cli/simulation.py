"""How a simulation looks to people."""

from __future__ import annotations

from paidan.v1.audit_pb2 import SimulateReport

from adapters.cli.rendering import Column, number, show_table
from adapters.cli.session import Session


def show_report(session: Session, report: SimulateReport) -> None:
    """What happened beside what would have."""
    if session.as_json:
        session.show_json(report)
        return
    moved, tasks = report.went_elsewhere, report.tasks
    session.say(f"{report.events:,} events lived through again: {moved:,} of {tasks:,} tasks go elsewhere.")
    for title, counts in (("rule", report.rules), ("agent", report.agents), ("waiting for", report.waiting)):
        if counts:
            show_table(list(counts), _columns(title), "")
    for reason, count in sorted(report.refused.items()):
        session.say(f"{count:,} times the document does not allow what was done: {reason}")


def _columns(title: str) -> list[Column]:
    what = "tasks" if title == "waiting for" else "assignments"
    return [
        (title, lambda count: count.subject or "(none)"), (f"{what} then#", number("before")),
        (f"{what} under the file#", number("after")),
    ]  # fmt: skip
