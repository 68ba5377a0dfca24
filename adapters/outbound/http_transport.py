"""One attempt over HTTP: a POST that follows no redirect, reads a bounded answer, and asks no proxy."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from adapters.outbound.answers import AttemptFailedError
from adapters.outbound.port import OutboundCall

AGAIN = (408, 425, 429)
"""Of the client errors, those that may pass."""
IDLE_CONNECTIONS = 100

logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log every address with what stands in its query


class HttpTransport:
    """``allowed``: hosts that may be called, ``*.bank.example`` for all below one; none: all."""

    def __init__(self, answer_bytes: int, allowed: tuple[str, ...] = ()) -> None:
        self._answer_bytes, self._allowed = answer_bytes, tuple(host.lower() for host in allowed)
        self._client = httpx.AsyncClient(
            timeout=None, follow_redirects=False, trust_env=False, verify=ssl.create_default_context(),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=IDLE_CONNECTIONS),
        )  # fmt: skip

    async def send(self, call: OutboundCall, headers: Mapping[str, str]) -> bytes:
        """The body of a 2xx answer; empty where it is only told. Raises AttemptFailedError."""
        said = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "Paidan", **headers}
        try:
            self._check_allowed(call.url)
            async with self._client.stream("POST", call.url, content=call.body, headers=said) as response:
                _check(response)
                return await self._read(response) if call.asks else b""
        except httpx.InvalidURL as error:
            raise AttemptFailedError(f"Expected a URL that can be called, but {error}", again=False) from error
        except httpx.HTTPError as error:
            raise AttemptFailedError(f"{type(error).__name__}: {error}", again=True) from error

    async def close(self) -> None:
        """Give up the connections."""
        await self._client.aclose()

    def _check_allowed(self, url: str) -> None:
        host = (httpx.URL(url).host or "").lower()
        if not self._allowed or any(_is(host, pattern) for pattern in self._allowed):
            return
        told = f"Expected a host that may be called, but {host} is not among limits.outbound_hosts"
        raise AttemptFailedError(told, again=False)

    async def _read(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise AttemptFailedError("Expected an answer that is not packed, as was asked for, but it is", again=False)
        read = bytearray()
        async for part in response.aiter_raw():
            read += part
            if len(read) > self._answer_bytes:
                told = f"Expected an answer of at most {self._answer_bytes} bytes, but it is longer"
                raise AttemptFailedError(told, again=False)
        return bytes(read)


def _is(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    if status >= 500 or status in AGAIN:
        raise AttemptFailedError(f"HTTP {status}", again=True, after_s=_after(response.headers.get("retry-after", "")))
    why = ": redirects are not followed" if 300 <= status < 400 else ""
    raise AttemptFailedError(f"HTTP {status}{why}", again=False)


def _after(value: str) -> float | None:
    """Seconds of a Retry-After, which has them or a date; None where it has neither."""
    if value.isascii() and value.isdecimal() and len(value) < 10:
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
