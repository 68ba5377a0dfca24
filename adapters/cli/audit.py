"""``paidan events``, ``history``, ``explain``, ``verify``, ``stats``: what the log says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.measures import Bucket, By, From, To, show_measures
from adapters.cli.options import File, Limit, TaskNumber
from adapters.cli.session import REFUSED, Session, fail, read_text, remote

if TYPE_CHECKING:
    from paidan.v1.audit_pb2 import VerifyReport


def register(app: typer.Typer) -> None:
    """Put the commands at the top of the tree."""
    for command in (events, history, explain, verify, simulate, stats):
        app.command(command.__name__)(command)


@remote
def events(
    session: Session,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new events as they come.")] = False,
    start: Annotated[int, typer.Option("--from", min=0, help="First position wanted.")] = 0,
    limit: Limit = 0,
) -> None:
    """The log, event by event."""
    from paidan.v1.audit_pb2 import ReadEventsRequest

    from adapters.cli.event_lines import event_line

    request = ReadEventsRequest(parent=session.parent, from_position=start, follow=follow, limit=limit)
    for batch in session.stream(session.client.audit.ReadEvents, request):
        for event in batch.events:
            if session.as_json:
                session.show_json(event)
            else:
                session.say(event_line(event))


@remote
def history(session: Session, task: TaskNumber) -> None:
    """Every event that concerns a task."""
    from paidan.v1.audit_pb2 import GetTaskHistoryRequest

    from adapters.cli.event_lines import EVENT_COLUMNS

    request = GetTaskHistoryRequest(name=session.name("tasks", task))
    events = session.pages(session.client.audit.GetTaskHistory, request, "events", 0)
    session.show_rows(events, EVENT_COLUMNS, f"No event concerns task {task}.")


@remote
def explain(
    session: Session,
    task: TaskNumber,
    grant: Annotated[int, typer.Option("--grant", min=0, help="Which assignment; 0: the last, or why it waits.")] = 0,
) -> None:
    """Why a task went where it went, or why it waits."""
    from paidan.v1.audit_pb2 import ExplainTaskRequest

    from adapters.cli.explaining import show_explanation

    request = ExplainTaskRequest(name=session.name("tasks", task), grant=grant)
    found = session.ask(session.client.audit.ExplainTask, request)
    if session.as_json:
        session.show_json(found)
        return
    show_explanation(session, found)


@remote
def verify(session: Session) -> None:
    """Check that the log is whole and that a replay gives every view again."""
    from paidan.v1.audit_pb2 import VerifyRequest

    from adapters.cli.waiting import Steps

    report = None
    steps = session.stream(session.client.audit.Verify, VerifyRequest(parent=session.parent))
    with Steps(quiet=session.as_json) as shown:
        for step in steps:
            if step.WhichOneof("content") == "progress":
                shown.at(step.progress.step, step.progress.done, step.progress.total)
            else:
                report = step.report
    if report is None:
        raise fail("Expected a report, but the server ended without one", REFUSED)
    _show_report(session, report)
    if not report.ok:
        raise fail("Expected the log to hold together, but it does not", REFUSED)


@remote
def simulate(session: Session, file: File) -> None:
    """What would have come of everything so far under the rules of a file."""
    from paidan.v1.audit_pb2 import SimulateRequest

    from adapters.cli.simulation import show_report
    from adapters.cli.waiting import Steps

    report = None
    request = SimulateRequest(parent=session.parent, source=read_text(file))
    with Steps(quiet=session.as_json) as shown:
        for step in session.stream(session.client.audit.Simulate, request):
            if step.WhichOneof("content") == "progress":
                shown.at(step.progress.step, step.progress.done, step.progress.total)
            else:
                report = step.report
    if report is None:
        raise fail("Expected a report, but the server ended without one", REFUSED)
    show_report(session, report)


@remote
def stats(session: Session, since: From = "", until: To = "", by: By = "", bucket: Bucket = "") -> None:
    """How things stand: tasks by type, rule and status, and how they lie on agents. With --from, --to, --by or
    --bucket: what was done in that time, how fast, and how much of it on time."""
    if since or until or by or bucket:
        show_measures(session, since, until, by, bucket)
        return
    _show_standing(session)


def _show_standing(session: Session) -> None:
    from paidan.v1.pools_pb2 import GetStatisticsRequest, ListPoolsRequest

    from adapters.cli.statistics import COUNTS, POOLS, SPREAD

    found = session.query(session.client.pools.GetStatistics, GetStatisticsRequest(parent=session.parent))
    if session.as_json:
        session.show_json(found)
        return
    session.show_rows(iter(found.counts), COUNTS, "No tasks.")
    session.show_rows(iter(found.spread), SPREAD, "No agent holds a task.")
    request = ListPoolsRequest(parent=session.parent)
    session.show_rows(session.pages(session.client.pools.ListPools, request, "pools", 50), POOLS, "Nothing waits.")


def _show_report(session: Session, report: VerifyReport) -> None:
    if session.as_json:
        session.show_json(report)
        return
    for finding in report.findings:
        session.say(f"{'ok   ' if finding.ok else 'WRONG'} {finding.subject}: {finding.message}")
    session.say(f"{report.events:,} events, the last with hash {report.head_hash}")
