"""Signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body, so that neither can be changed.

A secret is ``whsec_`` and the base64 of its bytes. Two of them with a space between sign both, which lets a callee
change his: he takes the one he knows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
"""Headers, over HTTP and NATS alike."""
PREFIX = "whsec_"


def headers_of(key: str, seconds: int, body: bytes, secret: str | None) -> dict[str, str]:
    """Headers of one attempt made at ``seconds`` since 1970 UTC. Without a secret it is not signed."""
    headers = {ID: key, TIMESTAMP: str(seconds)}
    if secret:
        headers[SIGNATURE] = " ".join(_signature(one, key, seconds, body) for one in secret.split())
    return headers


def _signature(secret: str, key: str, seconds: int, body: bytes) -> str:
    signed = b".".join((key.encode(), str(seconds).encode(), body))
    digest = hmac.new(base64.b64decode(secret.removeprefix(PREFIX)), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
