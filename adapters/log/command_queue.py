"""Commands that wait for the writer: as many, and for as long, as the server takes on."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf

import msgspec

from engine.answers import Answer
from engine.commands import Order
from engine.refusals import Refusal

Reply = asyncio.Future[Answer | Refusal]


class OverloadedError(Exception):
    """More commands wait, or they wait for longer, than the server takes on."""


class LateError(Exception):
    """The caller's deadline passed before the command's turn came; it was not decided and has no effect."""


class Queued(msgspec.Struct):
    """A command. Times are those of the event loop, in seconds."""

    order: Order
    reply: Reply
    since: float
    until: float
    """Its caller's deadline."""


class CommandQueue:
    """In order of arrival. ``refused`` and ``given_up`` count what was not taken on and what was not decided."""

    def __init__(self, most: int, longest_s: float) -> None:
        self._most, self._longest_s = most, longest_s
        self._waiting: deque[Queued] = deque()
        self._unanswered: set[Reply] = set()
        self.appending_since = inf
        """When the append under way began; what it holds has waited for that long at least."""
        self.refused = 0
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._waiting)

    async def answer(self, order: Order, until: float) -> Answer | Refusal:
        """Wait for the command's outcome. Raises OverloadedError, LateError, and what the writer sets.

        A caller that is cancelled before the command's turn takes it back; afterwards the command takes its effect.
        """
        loop = asyncio.get_running_loop()
        self._check_room()
        reply: Reply = loop.create_future()
        self._unanswered.add(reply)
        self._waiting.append(Queued(order, reply, loop.time(), until))
        try:
            return await reply
        finally:
            self._unanswered.discard(reply)
            if reply.done() and not reply.cancelled():
                reply.exception()  # a caller who goes at this moment never asks for it, which is no news

    def take(self) -> Queued | None:
        """The next command that somebody still waits for; None: there is none."""
        now = asyncio.get_running_loop().time()
        while self._waiting:
            queued = self._waiting.popleft()
            if not queued.reply.done() and now < queued.until:
                return queued
            self._give_up(queued)
        return None

    def waited(self) -> float:
        """Seconds that the oldest unanswered command has waited, for its turn or for its append; 0: none waits."""
        oldest = min(self.appending_since, self._waiting[0].since if self._waiting else inf)
        return max(0.0, asyncio.get_running_loop().time() - oldest) if oldest < inf else 0.0

    async def answered(self) -> None:
        """Return once all that was accepted is answered."""
        await asyncio.gather(*self._unanswered, return_exceptions=True)

    def drop(self, error: Exception) -> None:
        """Answer all with an error."""
        self._waiting.clear()
        self.appending_since = inf
        for reply in list(self._unanswered):
            if not reply.done():
                reply.set_exception(error)

    def _check_room(self) -> None:
        count, waited = len(self._unanswered), self.waited()
        if count < self._most and waited <= self._longest_s:
            return
        self.refused += 1
        told = f"Expected room for one more command, but {count} wait, the oldest for {waited:.1f} s; ask again shortly"
        raise OverloadedError(told)

    def _give_up(self, queued: Queued) -> None:
        self.given_up += 1
        if not queued.reply.done():
            told = "Expected the command's turn before its deadline, but it came later; it has no effect, ask again"
            queued.reply.set_exception(LateError(told))
