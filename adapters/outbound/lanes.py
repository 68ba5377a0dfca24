"""Calls of one address wait for each other and for nobody else: one that is dead holds up only its own."""

from __future__ import annotations

from collections import deque
from urllib.parse import urlsplit

from adapters.outbound.port import OutboundCall


class Lane:
    """The calls to one address. What is too much to hold stays with the server, from ``left`` on."""

    def __init__(self) -> None:
        self.waiting: deque[OutboundCall] = deque()
        self.under_way = 0
        self.left: int | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing here, nothing left with the server."""
        return not self.waiting and not self.under_way and self.left is None


class Lanes:
    """All of them; ``most`` calls wait in each."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lanes: dict[str, Lane] = {}
        self._keys: set[str] = set()
        """Of all calls that wait or are under way."""

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, call: OutboundCall) -> Lane | None:
        """The lane where it waits now; None: it is there already, or has to stay with the server for now."""
        if call.key in self._keys:
            return None
        lane = self._lanes.setdefault(address_of(call), Lane())
        if len(lane.waiting) >= self._most:
            lane.left = call.made if lane.left is None else min(lane.left, call.made)
            return None
        lane.waiting.append(call)
        self._keys.add(call.key)
        return lane

    def done(self, call: OutboundCall) -> None:
        """It is over here, whatever came of it."""
        self._keys.discard(call.key)

    def tidy(self, lane: Lane) -> bool:
        """After a call: forget lanes that are empty; whether the lane has room for what was left with the server."""
        for address in [address for address, one in self._lanes.items() if one.is_empty]:
            del self._lanes[address]
        return lane.left is not None and len(lane.waiting) <= self._most // 2

    def resume(self) -> int:
        """Where to go on with what was left with the server; 0: nothing was."""
        left = [lane.left for lane in self._lanes.values() if lane.left is not None]
        for lane in self._lanes.values():
            lane.left = None
        return min(left, default=0)

    def clear(self) -> None:
        """Begin none of those that wait."""
        for lane in self._lanes.values():
            for call in lane.waiting:
                self._keys.discard(call.key)
            lane.waiting.clear()


def address_of(call: OutboundCall) -> str:
    """Scheme, host and port, or the subject: what is up or down as one."""
    if not call.url:
        return f"nats:{call.subject}"
    parts = urlsplit(call.url)
    return f"{parts.scheme}://{parts.netloc.lower()}"
