"""What an answer to a callback means."""

from __future__ import annotations

from typing import Any

import msgspec

MAX_FIELDS = 100
"""Of a result."""
MAX_TEXT = 4_000
"""Characters of one field of a result."""
MAX_REASON = 500
"""Characters kept of why a call failed."""


class AttemptFailedError(Exception):
    """One attempt came to nothing. The text says why; it holds nothing of what was sent or answered.

    ``again``: another attempt may do better; ``after_s``: not before so many seconds, where the callee said so.
    """

    def __init__(self, reason: str, *, again: bool, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.again, self.after_s = again, after_s


class DeclinedError(Exception):
    """Whoever was asked does not do it; the text is his reason."""


def result_of(body: bytes) -> dict[str, str]:
    """The fields of an answer as text: ``{"handled": false}`` declines, no body at all is a result without fields.

    Raises DeclinedError, and AttemptFailedError where nobody can tell what it means.
    """
    answer = _object(body)
    handled = answer.pop("handled", True)
    if handled is False:
        raise DeclinedError(str(answer.get("reason") or "").replace("\0", "�")[:MAX_REASON])
    if handled is not True:
        raise _odd(f"handled to be true or false, but it is {type(handled).__name__}")
    if {"stream", "seq"} <= answer.keys():
        raise _odd("somebody to answer, but a JetStream stream has stored the question")
    result = {name: _text(value) for name, value in answer.items() if value is not None}
    if len(result) > MAX_FIELDS or any(len(text) > MAX_TEXT for text in (*result, *result.values())):
        raise _odd(f"at most {MAX_FIELDS} fields of {MAX_TEXT} characters, but there is more")
    return result


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _odd("a JSON object, but it is no JSON") from error
    if not isinstance(found, dict):
        raise _odd(f"a JSON object, but it is a {type(found).__name__}")
    return found


def _text(value: Any) -> str:
    """What is no text is written as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _odd(what: str) -> AttemptFailedError:
    """The same question would get the same answer."""
    return AttemptFailedError(f"Expected {what}", again=False)
