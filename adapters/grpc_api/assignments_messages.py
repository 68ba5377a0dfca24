"""Agents' work as messages of ``WatchAssignments``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from google.protobuf.message import Message
from paidan.v1 import tasks_pb2 as pb

from adapters.grpc_api.assignments_changes import SHOWN, Change
from adapters.grpc_api.words import timestamp

Part = TypeVar("Part", bound=Message)

LATER = (
    "status", "rule", "rule_set_version", "stage", "lane", "waiting_for", "agent", "grant", "picked_by", "passed",
    "pool_time", "assign_time", "start_time", "end_time", "wrap_up", "positions", "locked_until", "recycled",
    "handed_over", "escalated", "overdue", "merged_into", "comments", "offered_until_time", "let_pass",
)  # fmt: skip
"""What a task's message says of now; an assignment tells of the moment it was made."""


def change_message(name: str, change: Change, card: pb.Task | None) -> pb.AssignmentChange:
    """A change; ``card``: the task as far as it could be had."""
    message = pb.AssignmentChange(
        kind=change.kind, position=change.position, event_time=timestamp(change.at), name=name, number=change.task,
        held=change.held, grant=change.grant, method=change.method, given_to=change.given_to, reason=change.reason,
        until=timestamp(change.until),
    )  # fmt: skip
    if change.kind in SHOWN:
        message.task.CopyFrom(card or pb.Task(name=name, number=change.task))
        _stamp(message.task, change)
    return message


def _stamp(task: pb.Task, change: Change) -> None:
    for field in LATER:
        task.ClearField(field)  # type: ignore[arg-type]  # the stubs name every field
    status = pb.TASK_STATUS_OFFERED if change.until else pb.TASK_STATUS_ASSIGNED
    now = pb.Task(
        status=status, agent=change.agent, grant=change.grant, rule=change.rule, rule_set_version=change.version,
        picked_by=change.picked_by, passed=change.passed,
        assign_time=timestamp(change.at), offered_until_time=timestamp(change.until),
    )  # fmt: skip
    task.MergeFrom(now)


def snapshot_messages(tasks: Iterable[pb.Task], position: int, most: int) -> Iterator[pb.WatchAssignmentsResponse]:
    """One message, or several where it would be larger than ``most`` bytes; only the last has the position."""
    parts = in_parts(tasks, most) or [[]]
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        yield pb.WatchAssignmentsResponse(position=position if last else 0, snapshot=pb.AssignmentSnapshot(tasks=part))


def change_messages(
    changes: Sequence[pb.AssignmentChange], position: int, most: int
) -> Iterator[pb.WatchAssignmentsResponse]:
    """The same for changes: a message that ends in the midst of a position has none."""
    parts = in_parts(changes, most) or [[]]
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        reached = position if following is None else part[-1].position
        cut = following is not None and following[0].position == reached
        yield pb.WatchAssignmentsResponse(position=0 if cut else reached, changes=part)


def in_parts(messages: Iterable[Part], most: int) -> list[list[Part]]:
    """Lists of at most so many bytes, or of one message."""
    parts: list[list[Part]] = []
    size = 0
    for message in messages:
        more = message.ByteSize()
        if not parts or size + more > most:
            parts.append([])
            size = 0
        parts[-1].append(message)
        size += more
    return parts
