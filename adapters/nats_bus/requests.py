"""Request and reply with whoever listens on a subject, for the connector's calls to the outside."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import nats

from adapters.nats_bus.connecting import connect
from adapters.nats_bus.intake_line import IntakeClient

CLOSE_S = 2.0
SERVICE_CODE, SERVICE_ERROR = "Nats-Service-Error-Code", "Nats-Service-Error"
"""Headers by which a NATS micro-service says that it failed."""


class NoReplyError(Exception):
    """Nobody answered, or with an error; ``again``: that may pass."""

    def __init__(self, reason: str, *, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again


class Requests:
    """One connection, made when it is first needed, and again when it has broken."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: IntakeClient | None = None
        self._connecting = asyncio.Lock()

    async def ask(self, subject: str, payload: bytes, headers: Mapping[str, str], seconds: float) -> bytes:
        """The reply. Raises NoReplyError."""
        try:
            client = await self._connected()
            reply = await client.request(subject, payload, timeout=seconds, headers=dict(headers))
        except nats.errors.NoRespondersError as error:
            raise NoReplyError(f"Expected somebody on {subject}, but nobody listens there") from error
        except nats.errors.MaxPayloadError as error:
            raise NoReplyError("Expected a message that NATS takes, but it is too large", again=False) from error
        except TimeoutError as error:
            raise NoReplyError(f"Expected a reply within {seconds:g} s, but there was none") from error
        except (nats.errors.Error, OSError) as error:
            raise NoReplyError(f"Expected NATS to answer, but {str(error).strip() or type(error).__name__}") from error
        code = (reply.headers or {}).get(SERVICE_CODE)
        if code is None:
            return bytes(reply.data)
        raise NoReplyError(f"service error {code[:20]}", again=not code.startswith("4"))

    async def close(self) -> None:
        """Give up the connection."""
        if self._client is not None:
            with suppress(nats.errors.Error, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._client.close()

    async def _connected(self) -> IntakeClient:
        async with self._connecting:
            if self._client is None or not self._client.is_connected:
                await self.close()
                client = IntakeClient()
                await connect(client, self._url, "paidan-outbound")
                self._client = client
            return self._client
