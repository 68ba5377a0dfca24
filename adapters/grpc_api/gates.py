"""Gates: so many at a time, and whoever comes beyond that is told at once to come again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.grpc_api.failures import Failure, overloaded


class Gate:
    """Lets ``most`` in at a time, and of them ``most_each`` from one connection; counts whom it refused."""

    def __init__(self, name: str, most: int, most_each: int = 0) -> None:
        self.name, self.most = name, most
        self.inside = 0
        self.refused = 0
        self._most_each = most_each
        self._each: Counter[str] = Counter()

    def enter(self, peer: str) -> None:
        """Raises Failure where there is no room; who entered has to ``leave``."""
        if self.inside >= self.most:
            self.refused += 1
            told = f"Expected fewer than {self.most} {self.name} under way, but as many are; ask again shortly"
            raise overloaded("TOO_MANY_CALLS", told)
        if self._most_each:
            self._enter_one_of(peer)
        self.inside += 1

    def leave(self, peer: str) -> None:
        """Make room."""
        self.inside -= 1
        if self._most_each:
            self._each[peer] -= 1
            if not self._each[peer]:
                del self._each[peer]

    def _enter_one_of(self, peer: str) -> None:
        if self._each[peer] >= self._most_each:
            self.refused += 1
            told = f"Expected fewer than {self._most_each} {self.name} on one connection, but it has as many; end one"
            raise overloaded("TOO_MANY_CALLS", told)
        self._each[peer] += 1


class Turns:
    """Lets ``at_once`` work at a time; ``waiting`` more wait ``wait_s`` seconds for their turn."""

    def __init__(self, name: str, at_once: int, waiting: int, wait_s: float) -> None:
        self.name = name
        self.refused = 0
        self.waiting = 0
        self._most_waiting, self._wait_s = waiting, wait_s
        self._free = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Work while inside. Raises Failure: too many wait, or the turn did not come in time."""
        if self._free.locked() and self.waiting >= self._most_waiting:
            raise self._refusal(f"Expected fewer {self.name} to wait, but {self.waiting} do; ask again shortly")
        await self._come()
        try:
            yield
        finally:
            self._free.release()

    async def _come(self) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError as error:
            told = f"Expected a turn for {self.name} within {self._wait_s:g} s, but others take long; ask again later"
            raise self._refusal(told) from error
        finally:
            self.waiting -= 1

    def _refusal(self, message: str) -> Failure:
        self.refused += 1
        return overloaded(f"TOO_MANY_{self.name.upper()}", message)
