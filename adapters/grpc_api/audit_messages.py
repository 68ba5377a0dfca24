"""Assignments, explanations, checks and views as messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from paidan.v1 import audit_pb2 as pb

from adapters.audit.findings import Progress, Report
from adapters.grpc_api.words import OUTCOME, timestamp
from engine.explain import Explanation
from engine.simulation import SimulationReport
from projections.masking import masked_text
from projections.rows import AssignmentView, PositionView


def assignment_message(name: str, row: AssignmentView) -> pb.Assignment:
    """One time that one agent had one task."""
    return pb.Assignment(
        name=name,
        grant=row.grant,
        task=row.task,
        agent=row.agent,
        rule=row.rule,
        rule_set_version=row.version,
        package=row.package,
        round=row.round,
        picked_by=row.picked_by,
        passed=row.passed,
        assign_time=timestamp(row.assigned_at),
        start_time=timestamp(row.started_at),
        end_time=timestamp(row.ended_at),
        outcome=OUTCOME[row.outcome or "in_force"],
    )


def explanation_message(found: Explanation) -> pb.ExplainTaskResponse:
    """Why a task went where it went."""
    return pb.ExplainTaskResponse(
        summary=found.summary,
        decision_position=found.decision_position,
        rule=found.rule,
        rule_set_version=found.version,
        agent=found.agent,
        picked_by=found.picked_by,
        passed=found.passed,
        rules=[pb.RuleVerdict(rule=item.rule, matches=item.matches, reason=item.reason) for item in found.rules],
        agents=[
            pb.AgentVerdict(
                agent=item.agent, chosen=item.chosen, eligible=item.eligible, reason=item.reason, load=item.load
            )
            for item in found.agents
        ],
        confirmed=found.confirmed,
        interventions=map(masked_text, found.interventions),
        position=found.position,
    )


def verify_message(step: Progress | Report) -> pb.VerifyResponse:
    """One message of a check."""
    if isinstance(step, Progress):
        progress = pb.VerifyProgress(step=step.step, done=step.done, total=step.total)
        return pb.VerifyResponse(progress=progress, position=step.done)
    findings = [pb.VerifyFinding(subject=item.subject, ok=item.ok, message=item.message) for item in step.findings]
    report = pb.VerifyReport(ok=step.ok, findings=findings, events=step.events, head_hash=step.head_hash)
    return pb.VerifyResponse(report=report, position=step.position)


def view_message(name: str, row: PositionView) -> pb.View:
    """How far a view has come."""
    return pb.View(name=name, view=row.view, view_position=row.position, update_time=timestamp(row.updated_at))


def simulate_message(step: Progress | SimulationReport) -> pb.SimulateResponse:
    """One message of a simulation."""
    if isinstance(step, Progress):
        progress = pb.SimulateProgress(step=step.step, done=step.done, total=step.total)
        return pb.SimulateResponse(progress=progress, position=step.done)
    report = pb.SimulateReport(
        events=step.events,
        tasks=step.tasks,
        went_elsewhere=step.went_elsewhere,
        rules=_beside(step.rules_before, step.rules_after),
        agents=_beside(step.agents_before, step.agents_after),
        waiting=_beside(step.waiting_before, step.waiting_after),
        refused=step.refused,
    )
    return pb.SimulateResponse(report=report, position=step.events)


def _beside(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[pb.SimulatedCount]:
    for subject in sorted(before.keys() | after.keys()):
        yield pb.SimulatedCount(subject=subject, before=before.get(subject, 0), after=after.get(subject, 0))
