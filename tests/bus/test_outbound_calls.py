"""Calls to the outside over a real NATS: services that reply, nobody, errors, streams that store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import nats
import pytest
from nats.aio.msg import Msg

from adapters.nats_bus.requests import Requests
from adapters.outbound.attempts import Attempts
from adapters.outbound.nats_transport import NatsTransport
from adapters.outbound.port import Outcome
from adapters.processes.embedded_nats import EmbeddedNats
from tests.outbound.test_attempts import TRACE, call
from tests.outbound.test_signing import SECRET, verified

Reply = Callable[[Msg, int], Awaitable[None]]


@pytest.fixture
def url(shared_nats: EmbeddedNats) -> str:
    return shared_nats.start()


def asked(url: str, reply: Reply | None, *, stream: bool = False, **fields: Any) -> tuple[Outcome, list[Msg], Any]:
    """What comes of a call on a subject where somebody replies, or a stream stores."""
    came: list[Msg] = []

    async def asking() -> tuple[Outcome, Any]:
        client = await nats.connect(url)
        js = client.jetstream()
        if stream:
            await js.add_stream(name="outbound", subjects=["crm.told"])
        if reply is not None:

            async def take(message: Msg) -> None:
                came.append(message)
                await reply(message, len(came))

            await client.subscribe("crm.ask", cb=take)
            await client.flush()
        requests = Requests(url)
        attempts = Attempts(NatsTransport(None, 1), NatsTransport(requests, 1_000), {"desk": SECRET}, lambda *_: None)
        try:
            subject = "crm.told" if stream else "crm.ask"
            outcomes = [await attempts.outcome(call(subject=subject, **fields)) for _ in range(2 if stream else 1)]
            stored = (await js.stream_info("outbound")).state.messages if stream else None
            return outcomes[-1], stored
        finally:
            await attempts.close()
            if stream:
                await js.delete_stream("outbound")
            await client.close()

    outcome, stored = asyncio.run(asking())
    return outcome, came, stored


def test_a_service_replies(url: str) -> None:
    outcome, (sent,), _ = asked(url, lambda m, _: m.respond(b'{"balance": 12}'), secret="desk", traceparent=TRACE)
    assert outcome == Outcome("succeeded", 1, {"balance": "12"})
    assert sent.headers is not None and sent.data == b'{"a": 1}'
    assert verified(SECRET, sent.headers, sent.data)
    assert (sent.headers["webhook-id"], sent.headers["traceparent"]) == ("bank-8-41", TRACE)


def test_nobody_listens_is_tried_again(url: str) -> None:
    outcome, _, _ = asked(url, None)
    assert (outcome.word, outcome.attempts) == ("failed", 3) and "nobody listens" in outcome.reason


def test_silence_is_tried_again_under_the_same_key(url: str) -> None:
    async def late(message: Msg, times: int) -> None:
        if times == 2:
            await message.respond(b'{"handled": false, "reason": "unknown"}')

    outcome, came, _ = asked(url, late, timeout_s=0.15)
    assert outcome == Outcome("declined", 2, reason="unknown")
    assert {message.headers["webhook-id"] for message in came if message.headers} == {"bank-8-41"} and len(came) == 2


@pytest.mark.parametrize(("code", "attempts"), [("503", 3), ("400", 1)])
def test_a_micro_services_error(url: str, code: str, attempts: int) -> None:
    async def failing(message: Msg, _: int) -> None:
        await message._client.publish(message.reply, b"", headers={"Nats-Service-Error-Code": code})

    outcome, _, _ = asked(url, failing)
    assert (outcome.word, outcome.attempts, outcome.reason) == ("failed", attempts, f"service error {code}")


def test_a_reply_has_its_bounds(url: str) -> None:
    outcome, _, _ = asked(url, lambda message, _: message.respond(b'"' + b"x" * 1_001 + b'"'))
    assert outcome == Outcome("failed", 1, reason="Expected a reply of at most 1000 bytes, but it is longer")


def test_a_stream_stores_a_result_once(url: str) -> None:
    outcome, _, stored = asked(url, None, stream=True, asks=False)
    assert outcome == Outcome("succeeded", 1) and stored == 1, "told twice under one key, it is there once"


def test_a_stream_is_nobody_who_answers(url: str) -> None:
    outcome, _, _ = asked(url, None, stream=True)
    assert (outcome.word, outcome.attempts) == ("failed", 1) and "stream has stored" in outcome.reason


def test_a_connection_that_broke_is_made_again(url: str) -> None:
    async def asking() -> list[str]:
        async def answer(message: Msg) -> None:
            await message.respond(b"{}")

        client = await nats.connect(url)
        await client.subscribe("crm.ask", cb=answer)
        await client.flush()
        requests = Requests(url)
        attempts = Attempts(NatsTransport(None, 1), NatsTransport(requests, 1_000), {}, lambda *_: None)
        words = [(await attempts.outcome(call(subject="crm.ask"))).word]
        assert requests._client is not None
        await requests._client.close()
        words.append((await attempts.outcome(call(subject="crm.ask"))).word)
        await attempts.close()
        await client.close()
        return words

    assert asyncio.run(asking()) == ["succeeded", "succeeded"]
