"""The connector's part as a whole, against a server that is a stand-in: what it holds, drops, and says twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from adapters.outbound.answers import AttemptFailedError
from adapters.outbound.attempts import Attempts
from adapters.outbound.outbound import Outbound, OutboundLimits
from adapters.outbound.port import OutboundCall, Outcome, OverError, ServerAwayError
from tests.outbound.test_attempts import call


class Server:
    """Has calls under way; those reported are over."""

    def __init__(self) -> None:
        self.under_way: dict[str, OutboundCall] = {}
        self.reports: list[tuple[str, str]] = []
        self.requests: list[str] = []
        self.streams: list[int] = []
        self.away = 0
        """Reports that do not arrive."""
        self.news = asyncio.Event()

    def add(self, made: int, url: str = "http://a/", **fields: Any) -> None:
        one = msgspec.structs.replace(call(url, attempts=1, **fields), key=f"bank-{made}-{made}", task=made, made=made)
        self.under_way[one.key] = one
        self.news.set()

    async def calls(self, from_position: int) -> AsyncIterator[OutboundCall]:
        self.streams.append(from_position)
        while True:
            self.news.clear()
            for one in list(self.under_way.values()):
                if one.made >= from_position:
                    yield one
            await self.news.wait()

    async def report(self, one: OutboundCall, outcome: Outcome, request: str) -> None:
        self.requests.append(request)
        if self.away:
            self.away -= 1
            raise ServerAwayError("away")
        if self.under_way.pop(one.key, None) is None:
            raise OverError("stale")
        self.reports.append((one.key, outcome.word))


class Callee:
    """In place of HTTP: answers once ``open``; counts what is under way at each address."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.shut: set[str] = set()
        self.seen: Counter[str] = Counter()
        self.busy: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def send(self, one: OutboundCall, _headers: Mapping[str, str]) -> bytes:
        self.seen[one.key] += 1
        self.busy[one.url] += 1
        self.most[one.url] = max(self.most[one.url], self.busy[one.url])
        try:
            if one.url in self.shut:
                await asyncio.sleep(3_600)
            await self.open.wait()
            if one.url == "http://bad/":
                raise AttemptFailedError("HTTP 404", again=False)
            return b""
        finally:
            self.busy[one.url] -= 1

    async def close(self) -> None: ...


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


class Played:
    """Server, callee and the part between them, at work."""

    def __init__(self, at_once: int = 2, held: int = 1_000) -> None:
        self.server, self.callee = Server(), Callee()
        attempts = Attempts(self.callee, self.callee, {}, lambda *_: None)
        self.outbound = Outbound(self.server, attempts, OutboundLimits(at_once, held))

    async def __aenter__(self) -> Played:
        self.running = asyncio.create_task(self.outbound.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.callee.open.set()
        self.running.cancel()
        with suppress(asyncio.CancelledError):
            await self.running


def test_calls_are_made_and_reported() -> None:
    async def play() -> None:
        async with Played() as played:
            for made in range(1, 8):
                played.server.add(made, "http://bad/" if made % 3 == 0 else "http://a/")
            await until(lambda: not played.server.under_way)
            assert dict(played.server.reports)["bank-3-3"] == "failed" and set(played.callee.seen.values()) == {1}
            assert played.outbound.outcomes == {"succeeded": 5, "failed": 2}
            assert played.callee.most["http://a/"] <= 2

    asyncio.run(play())


def test_a_dead_address_holds_up_only_its_own() -> None:
    async def play() -> None:
        async with Played() as played:
            played.callee.shut.add("http://dead/")
            for made in range(1, 31):
                played.server.add(made, "http://dead/" if made % 2 else "http://a/", ends=1e9, timeout_s=3_600.0)
            await until(lambda: len(played.server.reports) == 15)
            assert played.callee.busy["http://dead/"] == 2
            for worker in list(played.outbound._workers):
                worker.cancel()

    asyncio.run(play())


def test_what_is_too_much_to_hold_stays_with_the_server_and_comes_later() -> None:
    async def play() -> None:
        async with Played(at_once=1, held=4) as played:
            played.callee.open.clear()
            for made in range(1, 41):
                played.server.add(made)
            await until(lambda: played.callee.busy["http://a/"])
            await asyncio.sleep(0)
            assert len(played.outbound._lanes) <= 5
            played.callee.open.set()
            await until(lambda: not played.server.under_way)
            assert set(played.callee.seen.values()) == {1} and len(played.callee.seen) == 40
            assert played.server.streams[0] == 0 and len(played.server.streams) > 5

    asyncio.run(play())


def test_a_report_that_does_not_arrive_is_made_again_as_the_same_request() -> None:
    async def play() -> None:
        async with Played() as played:
            played.server.away = 2
            played.server.add(1)
            await until(lambda: played.server.reports)
            assert len(played.server.requests) == 3 and len(set(played.server.requests)) == 1
            assert played.callee.seen["bank-1-1"] == 1

    asyncio.run(play())


def test_dead_between_call_and_report_it_is_called_again_under_the_same_key() -> None:
    async def play() -> None:
        first = Played()
        async with first:
            first.server.away = 10**6
            first.server.add(1)
            await until(lambda: first.server.requests)
            first.running.cancel()
            for worker in list(first.outbound._workers):
                worker.cancel()
        second = Played()
        second.server = first.server
        second.outbound._port = second.server
        second.callee.seen = first.callee.seen
        first.server.away = 0
        async with second:
            await until(lambda: first.server.reports)
        assert first.callee.seen == {"bank-1-1": 2} and first.server.reports == [("bank-1-1", "succeeded")]

    asyncio.run(play())


def test_what_is_over_for_the_server_is_let_go() -> None:
    async def play() -> None:
        async with Played() as played:
            played.callee.open.clear()
            played.server.add(1)
            await until(lambda: played.callee.busy["http://a/"])
            played.server.under_way.clear()
            played.callee.open.set()
            await until(lambda: played.server.requests and not len(played.outbound._lanes))
            assert not played.server.reports and len(played.server.requests) == 1

    asyncio.run(play())


def test_what_came_too_late_is_not_called_any_more() -> None:
    async def play() -> None:
        async with Played() as played:
            played.server.add(1, ends=0.0)
            played.server.add(2)
            await until(lambda: played.server.reports)
            assert dict(played.callee.seen) == {"bank-2-2": 1}

    asyncio.run(play())


def test_told_to_end_it_ends_what_is_under_way_and_begins_nothing() -> None:
    async def play() -> None:
        played = Played(at_once=1)
        async with played:
            played.callee.open.clear()
            played.server.add(1)
            played.server.add(2)
            await until(lambda: played.callee.busy["http://a/"])
            played.running.cancel()
            await until(lambda: len(played.outbound._lanes) == 1)
        assert played.server.reports == [("bank-1-1", "succeeded")] and "bank-2-2" in played.server.under_way

    asyncio.run(play())
