"""Secrets that sign calls to the outside, by name. No message speaks of what one is."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""As Standard Webhooks has it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_REMEDY = 'make one with: echo "whsec_$(openssl rand -base64 32)"'


def checked_secrets(value: Any) -> dict[str, str]:
    """The table as it was given. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - pydantic reports this one
            'Expected a table of secrets by name, such as {"crm": "whsec_…"}, but it is none'
        )
    for name, secret in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError("Expected names of letters, digits, _ . - for secrets, but one has others in it")
        if not isinstance(secret, str) or not secret.split() or not all(map(_is_secret, secret.split())):
            told = f"Expected secret {name!r} as {PREFIX} and the base64 of {LEAST_BYTES} to {MOST_BYTES} bytes"
            raise ValueError(f"{told}, two of them with a space between while it changes, but it is not; {_REMEDY}")
    return value


def _is_secret(text: str) -> bool:
    if not text.startswith(PREFIX):
        return False
    try:
        return LEAST_BYTES <= len(base64.b64decode(text.removeprefix(PREFIX), validate=True)) <= MOST_BYTES
    except (binascii.Error, ValueError):
        return False
