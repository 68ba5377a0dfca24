"""One durable-rules engine, held by its handle. The only module that knows durable-rules.

Single-message rules in event mode and nothing else: one flat message of small integers goes in, the rule that fired
comes out, nothing stays behind. What must never reach the library is stopped in front of it, by ``compiler``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

_FIRED, _NO_RULE = 0, 1
"""Codes of ``assert_event``; 2 is a repeated id, 3 a deferred event, and neither can happen here."""


class EngineError(RuntimeError):
    """durable-rules refused a definition, or answered what it must not answer."""


class DurableEngine:
    """Rules asked one message at a time. One thread; ``close`` frees the memory that Python does not see.

    ``definition`` maps ``<order>x<number>`` to a durable-rules rule; ``ask`` answers the number.
    Raises ``EngineError`` where the definition is refused.
    """

    def __init__(self, definition: Mapping[str, Any]) -> None:
        # Imported here: replay reads rule sets without durable-rules being installed.
        import durable_rules_engine

        self._native: Any = durable_rules_engine
        self._asked = 0
        self._handle: int | None = None
        text = msgspec.json.encode(definition).decode()
        try:
            self._handle = self._native.create_ruleset("rules", text)
        except self._native.error as error:
            raise EngineError(f"Expected durable-rules to take the rules, but {error}") from error

    def ask(self, message: Mapping[str, int]) -> int | None:
        """The number of the first rule that matches, or None. Raises ``EngineError`` on any other answer."""
        if self._handle is None:
            raise EngineError("Expected an open engine, but it is closed")
        self._asked += 1  # a message whose id the engine still holds would be dropped as a duplicate
        try:
            return self._fire({**message, "id": self._asked})
        except self._native.error as error:
            raise EngineError(f"Expected durable-rules to answer, but {error}") from error

    def _fire(self, message: Mapping[str, int]) -> int | None:
        code, place = self._native.assert_event(self._handle, msgspec.json.encode(message).decode())
        if code == _NO_RULE:
            return None
        if code != _FIRED:
            raise EngineError(f"Expected code 0 or 1 from durable-rules, but it answered {code}")
        return self._fired(place)

    def _fired(self, place: int) -> int:
        names: list[str] = []
        answer = self._native.start_action_for_state(self._handle, place)
        while answer is not None:
            names.extend(msgspec.json.decode(answer[1]))
            answer = self._native.complete_and_start_action(self._handle, place)
        if len(names) != 1:
            raise EngineError(f"Expected one rule to fire, but {len(names)} did")
        return int(names[0].partition("x")[2])

    def close(self) -> None:
        """Free the native memory; closing twice is fine."""
        if self._handle is not None:
            self._native.delete_ruleset(self._handle)
        self._handle = None
