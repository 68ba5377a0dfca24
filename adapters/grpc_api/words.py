"""Times and stable words between rows and the wire."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from paidan.v1.agents_pb2 import Presence
from paidan.v1.audit_pb2 import AssignmentOutcome
from paidan.v1.packages_pb2 import PackageStatus
from paidan.v1.rules_pb2 import ChangeKind
from paidan.v1.tasks_pb2 import TaskStatus

TASK_STATUS: dict[str, TaskStatus.ValueType] = {
    name.removeprefix("TASK_STATUS_").lower(): number for name, number in TaskStatus.items()
}
PACKAGE_STATUS: dict[str, PackageStatus.ValueType] = {
    name.removeprefix("PACKAGE_STATUS_").lower(): number for name, number in PackageStatus.items()
}
PRESENCE: dict[str, Presence.ValueType] = {
    name.removeprefix("PRESENCE_").lower(): number for name, number in Presence.items()
}
OUTCOME: dict[str, AssignmentOutcome.ValueType] = {
    name.removeprefix("ASSIGNMENT_OUTCOME_").lower(): number for name, number in AssignmentOutcome.items()
}
CHANGE: dict[str, ChangeKind.ValueType] = {
    name.removeprefix("CHANGE_KIND_").lower(): number for name, number in ChangeKind.items()
}

_PRESENCE_WORDS = {number: word for word, number in PRESENCE.items() if number}


def timestamp(milliseconds: int) -> Timestamp | None:
    """The message for a time; None for 0, which is not yet."""
    if not milliseconds:
        return None
    seconds, rest = divmod(milliseconds, 1_000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000_000)


def presence_word(presence: Presence.ValueType) -> str | None:
    """The engine's word; None for a value that is not set or not known."""
    return _PRESENCE_WORDS.get(presence)
