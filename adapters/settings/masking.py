"""Secrets in connection strings, made unreadable wherever such a string is shown."""

from __future__ import annotations

import re

MASK = "***"

_URL_PASSWORD = re.compile(r"(?<=://)([^:@/\s]*):([^@\s]*)@")
_URL_TOKEN = re.compile(r"(?<=nats://|.tls://)([^:@/\s,]+)@")
_KEYWORD = re.compile(r"(?i)\b(password|sslpassword|passwd|token|secret)(\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)")


def masked(text: str) -> str:
    """The text without passwords and tokens: ``postgresql://bank:***@db/paidan``."""
    text = _URL_PASSWORD.sub(lambda found: f"{found[1]}:{MASK}@", text)
    text = _URL_TOKEN.sub(f"{MASK}@", text)
    return _KEYWORD.sub(lambda found: found[1] + found[2] + MASK, text)
