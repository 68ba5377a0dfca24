"""What was sent in over NATS against the log: each message that NATS had is one task."""

from __future__ import annotations

from collections import Counter

from engine import events as ev
from engine.events import Recorded
from tests.crash.history import Findings

MOST = 5


def check_sent(sent: list[str], log: list[Recorded]) -> Findings:
    """By the customer that each names, which no other task does."""
    created = Counter(one.event.row.customer for one in log if isinstance(one.event, ev.TaskCreated))
    wrong = {name: created[name] for name in sent if created[name] != 1}
    return [f"message {name}: expected one task, but there are {count}" for name, count in list(wrong.items())[:MOST]]
