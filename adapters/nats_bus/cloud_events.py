"""A fact as a message: CloudEvents 1.0, NATS protocol binding, structured content mode (one JSON document a message).

Structured rather than binary: a message is then whole in itself when it is stored or handed on, names in any script
need no percent-encoding, and a tenth of the header bytes are to be parsed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from adapters.nats_bus.facts import FACTS, Fact, type_of
from adapters.nats_bus.fan_out import PackageOf, facts_of
from adapters.nats_bus.subjects import Subjects
from engine.events import Recorded

CONTENT_TYPE = "application/cloudevents+json"
ROOM_FOR_HEADERS = 4_096


class Message(NamedTuple):
    """What is handed to NATS."""

    subject: str
    position: int
    place: int
    payload: bytes

    @property
    def id(self) -> str:
        """The address of the fact, which is both ``Nats-Msg-Id`` and the CloudEvents ``id``."""
        return f"{self.position}.{self.place}"


class CloudEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """The JSON of a message. ``id`` with ``source`` is unique for ever."""

    id: str
    source: str
    type: str
    subject: str
    """Name of what the fact is about: ``tasks/4711``."""
    time: str
    """When it was decided, RFC 3339, UTC, milliseconds."""
    actor: str
    data: Any = None
    specversion: str = msgspec.field(default_factory=lambda: "1.0")
    datacontenttype: str = msgspec.field(default_factory=lambda: "application/json")
    requestid: str = ""
    """Of the command that caused it."""
    correlationid: str = ""
    traceparent: str = ""
    """W3C trace context (the extension "distributed tracing")."""
    dataref: str = ""
    """In place of data too large for a message (the extension "claim check")."""


_encode = msgspec.json.Encoder().encode
_TYPES: dict[type[Fact], str] = {fact: type_of(fact) for fact in FACTS.values()}
_SUBJECTS = (("task", "tasks"), ("package", "packages"), ("agent", "agents"), ("rule_set_version", "ruleSets"))


class Messages:
    """Makes the messages of one workspace. ``max_payload``: bytes that NATS takes."""

    def __init__(self, workspace: str, max_payload: int = 1_048_576) -> None:
        self._source = f"/workspaces/{workspace}"
        self._subjects = Subjects(workspace)
        self._largest = max_payload - ROOM_FOR_HEADERS

    def of(self, recorded: Recorded, package_of: PackageOf, after: int = 0) -> Iterator[Message]:
        """The messages of an event, without the first ``after``."""
        position, time = recorded.position, time_of(recorded.at)
        for index, fact in enumerate(facts_of(recorded, package_of)):
            if index >= after:
                yield Message(self._subjects.of(fact), position, index, self._payload(recorded, index, time, fact))

    def _payload(self, recorded: Recorded, index: int, time: str, fact: Fact) -> bytes:
        event = CloudEvent(
            f"{recorded.position}.{index}", self._source, _TYPES[type(fact)], _about(fact), time, recorded.actor, fact,
            requestid=recorded.request, correlationid=recorded.correlation, traceparent=recorded.trace,
        )  # fmt: skip
        payload = _encode(event)
        if len(payload) <= self._largest:
            return payload
        where = f"{self._source}/events/{recorded.position}"
        return _encode(msgspec.structs.replace(event, data=None, dataref=where))


def time_of(at: int) -> str:
    """Milliseconds since 1970 as RFC 3339."""
    return f"{datetime.fromtimestamp(at // 1_000, UTC):%Y-%m-%dT%H:%M:%S}.{at % 1_000:03}Z"


def _about(fact: Fact) -> str:
    for name, collection in _SUBJECTS:
        value = getattr(fact, name, None)
        if value is not None:
            return f"{collection}/{value}"
    return fact.kind.partition(".")[0]
