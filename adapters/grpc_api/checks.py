"""Edge checks: every request is looked at whole before anything is done, and all that is wrong is told at once."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from adapters.grpc_api.failures import invalid, not_found
from engine.refusals import Violation
from engine.rules.durations import MAX_DURATION_MS

MAX_ID = 128
MAX_TEXT = 4_096
MAX_SOURCE = 1024 * 1024
"""Characters of a rule document: a thousand rules with all their fields are some 800 KB."""
LATEST_MS = 253_402_300_800_000
"""The end of 9999."""
MAX_NUMBER = 2**40 - 1
"""Task numbers stand in the low 40 bits of a rank."""

_NAME = re.compile(r"workspaces/([^/]*)(?:/([A-Za-z]+)/(.*))?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Checks:
    """Collects violations of one request; ``end`` raises them."""

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self._wrong: list[Violation] = []
        self._prefix = ""

    def within(self, prefix: str) -> Checks:
        """For a part of the same request, whose fields stand behind this prefix: ``requests[3].``."""
        part = Checks(self._workspace)
        part._wrong, part._prefix = self._wrong, self._prefix + prefix
        return part

    def wrong(self, field: str, description: str) -> None:
        """Note a violation."""
        self._wrong.append(Violation(self._prefix + field, description))

    def end(self) -> None:
        """Raises Failure if anything was wrong."""
        if self._wrong:
            raise invalid(*self._wrong)

    def parent(self, text: str, field: str = "parent") -> None:
        """``workspaces/{workspace}``. Raises Failure for a workspace that is not served here."""
        found = _NAME.fullmatch(text)
        if found is None or found[2] is not None:
            self.wrong(field, f"Expected workspaces/{self._workspace}, but got {_shown(text)}")
            return
        self._served(found[1])

    def id_in(self, collection: str, text: str, field: str = "name") -> str:
        """Last segment of ``workspaces/{workspace}/{collection}/{id}``; empty when it is wrong."""
        found = _NAME.fullmatch(text)
        if found is None or found[2] != collection or not 0 < len(found[3]) <= MAX_ID or _CONTROL.search(found[3]):
            self.wrong(field, f"Expected workspaces/{self._workspace}/{collection}/…, but got {_shown(text)}")
            return ""
        self._served(found[1])
        return found[3]

    def number_in(self, collection: str, text: str, field: str = "name") -> int:
        """The number in ``workspaces/{workspace}/{collection}/{number}``; 0 when it is wrong."""
        found = self.id_in(collection, text, field)
        number = int(found) if found.isascii() and found.isdigit() else 0
        if found and not 0 < number <= MAX_NUMBER:
            self.wrong(field, f"Expected a number from 1 after {collection}/, but got {_shown(found)}")
            return 0
        return number

    def text(self, field: str, value: str, limit: int = MAX_TEXT, *, required: bool = False) -> str:
        """The text, of at most ``limit`` characters."""
        if required and not value.strip():
            self.wrong(field, "Expected a value, but it is empty")
        elif len(value) > limit:
            self.wrong(field, f"Expected at most {limit} characters, but got {len(value)}")
        elif "\x00" in value:
            self.wrong(field, "Expected text without NUL characters")
        return value

    def line(self, field: str, value: str, limit: int = MAX_ID, *, required: bool = False) -> str:
        """A text on one line, as ids and types are."""
        if _CONTROL.search(value):
            self.wrong(field, f"Expected text without control characters, but got {_shown(value)}")
            return value
        return self.text(field, value, limit, required=required)

    def printable(self, field: str, value: str, limit: int = MAX_ID) -> str:
        """A name that shows in a log as it is, in any script: nothing turns its direction or has no width."""
        if not value.isprintable():
            self.wrong(field, f"Expected printable characters in UTF-8, but got {_shown(value)}")
            return value
        return self.text(field, value, limit, required=True)

    def number(self, field: str, value: int, low: int = 0, high: int = MAX_NUMBER) -> int:
        """The number, from ``low`` to ``high``."""
        if not low <= value <= high:
            self.wrong(field, f"Expected {low} to {high}, but got {value}")
        return value

    def period(self, field: str, value: Duration) -> int:
        """Milliseconds, from 1 to ten years; what is finer is cut off."""
        found = value.seconds * 1_000 + value.nanos // 1_000_000
        if not (1 <= found <= MAX_DURATION_MS and 0 <= value.nanos < 10**9):
            told = f"{value.seconds} s and {value.nanos} ns"
            self.wrong(field, f"Expected 1 ms to {MAX_DURATION_MS // 86_400_000} days, but got {told}")
        return found

    def moment(self, field: str, request: Message) -> int:
        """Milliseconds since 1970 UTC of a request's time; what is finer is cut off. 0 where it is left out."""
        if not request.HasField(field):
            return 0
        time: Timestamp = getattr(request, field)
        milliseconds = time.seconds * 1_000 + time.nanos // 1_000_000
        if not 0 <= milliseconds < LATEST_MS or not 0 <= time.nanos < 1_000_000_000:
            self.wrong(field, "Expected a time from 1970 to 9999, or none, but got another")
            return 0
        return milliseconds

    def page(self, request: Any) -> None:
        """Size, token and position of a request for a page; filters are read by the query itself."""
        self.number("page_size", request.page_size)
        self.line("page_token", request.page_token, MAX_TEXT)
        self.number("min_position", request.min_position)

    def _served(self, workspace: str) -> None:
        if workspace != self._workspace:
            raise not_found(
                "WORKSPACE_UNKNOWN",
                f"Expected workspace {self._workspace!r}, which is served here, but got {_shown(workspace)}",
            )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:79] + "…")
