"""Attempts at a call over HTTP: what is tried again, how long, and what it comes to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from adapters.outbound.answers import AttemptFailedError
from adapters.outbound.attempts import Attempts
from adapters.outbound.http_transport import HttpTransport, _after
from adapters.outbound.nats_transport import NatsTransport
from adapters.outbound.port import OutboundCall, Outcome
from tests.outbound.callee import Reply, Sent, callee
from tests.outbound.test_signing import SECRET, verified

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def call(url: str = "", **fields: Any) -> OutboundCall:
    """One that waits a hundredth of a second between attempts; to be made within an event loop."""
    given: dict[str, Any] = {"timeout_s": 5.0, "attempts": 3, "backoff_s": 0.01, "asks": True, "body": b'{"a": 1}'}
    given |= {
        "ends": asyncio.get_running_loop().time() + 60.0,
        "secret": "",
        "traceparent": "",
        "subject": "",
        **fields,
    }
    return OutboundCall(key="bank-8-41", task=8, made=41, url=url, **given)


def tried(url: str, http: HttpTransport | None = None, **fields: Any) -> tuple[Outcome, list[tuple[str, str]]]:
    counted: list[tuple[str, str]] = []

    async def making() -> Outcome:
        transport = http or HttpTransport(1_000)
        attempts = Attempts(transport, NatsTransport(None, 1_000), {"desk": SECRET}, lambda *told: counted.append(told))
        try:
            return await attempts.outcome(call(url, **fields))
        finally:
            await attempts.close()

    return asyncio.run(making()), counted


def test_a_callback_is_answered() -> None:
    with callee(Reply(body=b'{"handled": true, "balance": 12}')) as running:
        outcome, counted = tried(f"{running.url}/ask?x=1", secret="desk", traceparent=TRACE)
    assert outcome == Outcome("succeeded", 1, {"balance": "12"})
    (sent,) = running.sent
    assert (sent.path, sent.key, sent.body) == ("/ask?x=1", "bank-8-41", b'{"a": 1}')
    assert verified(SECRET, sent.headers, sent.body) and sent.headers["traceparent"] == TRACE
    assert sent.headers["content-type"] == "application/json" and counted == [("callback", "answered")]


def test_what_fails_is_tried_again_under_the_same_key() -> None:
    def failing(_sent: Sent, before: int) -> Reply:
        return Reply(503) if before < 2 else Reply()

    with callee(failing) as running:
        outcome, counted = tried(running.url, secret="desk")
    assert outcome == Outcome("succeeded", 3)
    assert [sent.key for sent in running.sent] == ["bank-8-41"] * 3 and len({sent.body for sent in running.sent}) == 1
    assert all(verified(SECRET, sent.headers, sent.body) for sent in running.sent)
    assert [word for _, word in counted] == ["failed", "failed", "answered"]


@pytest.mark.parametrize(
    ("status", "attempts"), [(500, 3), (503, 3), (429, 3), (408, 3), (400, 1), (401, 1), (404, 1), (410, 1), (302, 1)]
)
def test_what_is_worth_another_attempt(status: int, attempts: int) -> None:
    with callee(Reply(status, headers={"location": "/elsewhere"})) as running:
        outcome, _ = tried(running.url)
    assert (outcome.word, outcome.attempts, len(running.sent)) == ("failed", attempts, attempts)
    assert outcome.reason.startswith(f"HTTP {status}") and {sent.path for sent in running.sent} == {"/"}


def test_an_attempt_takes_no_longer_than_its_time() -> None:
    hold = threading.Event()

    def slow_at_first(_sent: Sent, before: int) -> Reply:
        return Reply() if before else Reply(hold=hold)

    with callee(slow_at_first) as running:
        outcome, _ = tried(running.url, timeout_s=0.2)
        hold.set()
    assert outcome == Outcome("succeeded", 2)


def test_a_call_takes_no_longer_than_it_may_in_all() -> None:
    hold = threading.Event()

    async def making(url: str) -> Outcome:
        attempts = Attempts(HttpTransport(1_000), NatsTransport(None, 1_000), {}, lambda *_: None)
        ends = asyncio.get_running_loop().time() + 2.2
        outcome = await attempts.outcome(call(url, ends=ends, timeout_s=60.0))
        await attempts.close()
        return outcome

    with callee(Reply(hold=hold)) as running:
        outcome = asyncio.run(making(running.url))
        hold.set()
    assert outcome.word == "failed" and "in time" in outcome.reason and outcome.attempts == 1


def test_nobody_listens() -> None:
    with callee() as running:
        url = running.url
    outcome, _ = tried(url)
    assert (outcome.word, outcome.attempts) == ("failed", 3) and "ConnectError" in outcome.reason


def test_an_answer_has_its_bounds() -> None:
    with callee(Reply(body=b'"' + b"x" * 2_000 + b'"')) as running:
        outcome, _ = tried(running.url)
    assert outcome == Outcome("failed", 1, reason="Expected an answer of at most 1000 bytes, but it is longer")
    with callee(Reply(headers={"content-encoding": "gzip"})) as running:
        assert "not packed" in tried(running.url)[0].reason
    with callee(Reply(body=b"x" * 2_000)) as running:
        assert tried(running.url, asks=False)[0] == Outcome("succeeded", 1), "what a channel says is not read"


def test_declined_is_no_failure() -> None:
    with callee(Reply(body=b'{"handled": false, "reason": "unknown number"}')) as running:
        assert tried(running.url)[0] == Outcome("declined", 1, reason="unknown number")


def test_a_secret_that_is_not_configured_is_named() -> None:
    with callee() as running:
        outcome, _ = tried(running.url, secret="crm")
    assert not running.sent and outcome.word == "failed" and "'crm'" in outcome.reason and outcome.attempts == 0


@pytest.mark.parametrize(("allowed", "may"), [(("127.0.0.1",), True), (("*.bank.example", "crm.local"), False)])
def test_only_hosts_that_are_allowed(allowed: tuple[str, ...], may: bool) -> None:
    with callee() as running:
        outcome, _ = tried(running.url, HttpTransport(1_000, allowed))
    assert (outcome.word == "succeeded", len(running.sent)) == (may, int(may))


def test_a_callee_may_say_how_long_to_wait_but_not_beyond_what_is_left() -> None:
    with callee(lambda _sent, before: Reply() if before else Reply(429, headers={"retry-after": "0"})) as running:
        assert tried(running.url, backoff_s=0.01)[0] == Outcome("succeeded", 2)
    with callee(Reply(503, headers={"retry-after": "3600"})) as running:
        assert tried(running.url)[0] == Outcome("failed", 1, reason="HTTP 503")


def test_how_a_wait_is_written() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < (_after(soon) or 0) <= 30
    assert (_after("7"), _after(""), _after("soon"), _after("-1")) == (7.0, None, None, None)


def test_the_unforeseen_is_not_swallowed() -> None:
    class Broken:
        async def send(self, _call: OutboundCall, _headers: Mapping[str, str]) -> bytes:
            raise KeyError("x")

        async def close(self) -> None: ...

    with pytest.raises(KeyError):
        tried("http://x/", Broken())  # type: ignore[arg-type]


def test_nats_that_is_off_is_a_clear_reason() -> None:
    outcome, _ = tried("", subject="crm.ask")
    assert outcome.attempts == 1 and "switched off" in outcome.reason


def test_an_address_that_is_none_is_not_tried_again() -> None:
    outcome, _ = tried("http://[::1", attempts=3)
    assert outcome.word == "failed" and outcome.attempts == 1
    assert issubclass(AttemptFailedError, Exception)
