"""Calls to the outside that are under way: who is asked before people are, and who is told how a task ended.

They stand in the state so that a connector may come and go: it is given all of them, and says what came of each.
"""

from __future__ import annotations

import msgspec

from engine.events import AttributeValue
from engine.rules.model import Channel
from engine.state.task import Origin


class Result(msgspec.Struct, frozen=True, gc=False):
    """How a task ended. Times in milliseconds since 1970 UTC."""

    at: int
    agent: str
    """Who did it; empty: whoever was asked by its callback."""
    fields: dict[str, str]
    """The wrap-up, or what the callback answered."""
    respond_by: int
    """0: it had no such limit."""
    resolve_by: int


class Call(msgspec.Struct, frozen=True, gc=False):
    """One call with all that is told by it, as it was when the call was made: a repeat tells the same."""

    task: int
    made: int
    """Position of the event that made it."""
    at: int
    to: Channel
    due: int
    """When it is over if nobody has said what came of it."""
    origin: Origin
    priority: int
    customer: str | None
    owner: str | None
    region: str | None
    attributes: tuple[AttributeValue, ...]
    trace: str = ""
    """W3C ``traceparent`` of what caused it."""
    result: Result | None = None
    """None: it is a callback, which asks."""

    def key(self, workspace: str) -> str:
        """The same for every attempt, in this life or the next; no other call has it."""
        return f"{workspace}-{self.task}-{self.made}"


class Calls(msgspec.Struct):
    """Mutable, written only by ``engine.evolve``. Both in the order they were made."""

    callbacks: dict[int, Call] = {}
    """By task."""
    results: dict[int, Call] = {}
    """By the position of the event that ended the task: that event speaks of no other."""
