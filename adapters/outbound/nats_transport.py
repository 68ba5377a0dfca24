"""One attempt over NATS: a request; whoever listens replies, and where a stream stores a result that is its reply."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from adapters.nats_bus.requests import NoReplyError, Requests
from adapters.outbound.answers import AttemptFailedError
from adapters.outbound.port import OutboundCall

MESSAGE_ID = "Nats-Msg-Id"
"""By this a stream knows a result that it has already."""


class NatsTransport:
    """``requests`` None: NATS is switched off."""

    def __init__(self, requests: Requests | None, answer_bytes: int) -> None:
        self._requests, self._answer_bytes = requests, answer_bytes

    async def send(self, call: OutboundCall, headers: Mapping[str, str]) -> bytes:
        """The reply. Raises AttemptFailedError."""
        if self._requests is None:
            raise AttemptFailedError(f"Expected NATS for {call.subject}, but it is switched off", again=False)
        said = {**headers, MESSAGE_ID: call.key}
        try:
            reply = await self._requests.ask(call.subject, call.body, said, call.timeout_s)
        except NoReplyError as error:
            raise AttemptFailedError(str(error), again=error.again) from error
        if len(reply) > self._answer_bytes:
            told = f"Expected a reply of at most {self._answer_bytes} bytes, but it is longer"
            raise AttemptFailedError(told, again=False)
        if not call.asks and _is_refused(reply):
            raise AttemptFailedError("Expected the stream to store the result, but it refused it", again=True)
        return reply if call.asks else b""

    async def close(self) -> None:
        """Give up the connection."""
        if self._requests is not None:
            await self._requests.close()


def _is_refused(reply: bytes) -> bool:
    """Whether JetStream says that it did not store what was published."""
    try:
        found = msgspec.json.decode(reply)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("error"), dict)
