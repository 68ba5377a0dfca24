"""A call from its first attempt to its last: time limits, waits that grow, and what it comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import time
from typing import Protocol

import stamina
import stamina.instrumentation

from adapters.outbound.answers import MAX_REASON, AttemptFailedError, DeclinedError, result_of
from adapters.outbound.port import OutboundCall, Outcome
from adapters.outbound.signing import headers_of
from engine.rules.model import MAX_BACKOFF_MS

REPORT_S = 2.0
"""Kept back of a call's time, for its outcome to reach the server."""
JITTER = 0.25
"""Of the wait: calls that failed together do not come again together."""

stamina.instrumentation.set_on_retry_hooks([])  # attempts are counted here; it would log each with its arguments


class Transport(Protocol):
    """One attempt."""

    async def send(self, call: OutboundCall, headers: Mapping[str, str]) -> bytes:
        """The answer. Raises AttemptFailedError."""

    async def close(self) -> None:
        """Give up connections."""


class Attempts:
    """``secrets`` by name; ``tried`` hears of every attempt: the call's kind, and ``answered`` or ``failed``."""

    def __init__(
        self, http: Transport, nats: Transport, secrets: Mapping[str, str], tried: Callable[[str, str], None]
    ) -> None:
        self._http, self._nats, self._secrets, self._tried = http, nats, secrets, tried

    async def outcome(self, call: OutboundCall) -> Outcome:
        """Never raises but for a cancellation."""
        if call.secret and call.secret not in self._secrets:
            told = f"Expected secret {call.secret!r} in the connector's configuration, but there is none; see secrets"
            return Outcome("failed", reason=told)
        made = _Made()
        try:
            async with asyncio.timeout_at(call.ends - REPORT_S):
                body = await self._until_answered(call, made)
            return Outcome("succeeded", made.attempts, result_of(body) if call.asks else {})
        except DeclinedError as error:
            return Outcome("declined", made.attempts, reason=str(error))
        except AttemptFailedError as error:
            return Outcome("failed", made.attempts, reason=str(error)[:MAX_REASON])
        except TimeoutError:
            told = f"Expected an answer in time, but there was none; last: {made.last or 'under way'}"
            return Outcome("failed", made.attempts, reason=told[:MAX_REASON])

    async def close(self) -> None:
        """Give up connections."""
        await self._http.close()
        await self._nats.close()

    async def _until_answered(self, call: OutboundCall, made: _Made) -> bytes:
        again = stamina.AsyncRetryingCaller(
            attempts=call.attempts, timeout=None, wait_initial=call.backoff_s, wait_max=MAX_BACKOFF_MS / 1_000,
            wait_jitter=call.backoff_s * JITTER,
        )  # fmt: skip
        return await again(lambda error: _waits(error, call), self._once, call, made)

    async def _once(self, call: OutboundCall, made: _Made) -> bytes:
        made.attempts += 1
        headers = headers_of(call.key, int(time()), call.body, self._secrets.get(call.secret))
        if call.traceparent:
            headers["traceparent"] = call.traceparent
        try:
            async with asyncio.timeout(call.timeout_s):
                body = await (self._http if call.url else self._nats).send(call, headers)
        except TimeoutError as error:
            self._tried(call.kind, "failed")
            made.last = f"no answer within {call.timeout_s:g} s"
            raise AttemptFailedError(f"Expected an answer, but there was {made.last}", again=True) from error
        except AttemptFailedError as error:
            self._tried(call.kind, "failed")
            made.last = str(error)
            raise
        self._tried(call.kind, "answered")
        return body


class _Made:
    """What has been tried of a call."""

    def __init__(self) -> None:
        self.attempts = 0
        self.last = ""


def _waits(error: Exception, call: OutboundCall) -> bool | float:
    """Whether to try again; seconds, where the callee says how long to wait and that is not too long."""
    if not isinstance(error, AttemptFailedError) or not error.again:
        return False
    if error.after_s is None:
        return True
    left = call.ends - REPORT_S - asyncio.get_running_loop().time()
    return max(error.after_s, call.backoff_s) if error.after_s < left else False
