"""A fact as a message: CloudEvents 1.0, NATS protocol binding, structured content mode (one JSON document a message).

Structured rather than binary: a message is then whole in itself when it is stored or handed on, names in any script
need no percent-encoding, and a tenth of the header bytes are to be parsed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.nats_bus.facts import FACTS, Fact, type_of
from adapters.nats_bus.fan_out import PackageOf, facts_of
from adapters.nats_bus.subjects import Subjects
from adapters.nats_bus.times import time_of
from engine.events import Recorded

CONTENT_TYPE = "application/cloudevents+json"
ROOM_FOR_HEADERS = 4_096


class Message(msgspec.Struct, frozen=True, gc=False):
    """What is handed to NATS."""

    subject: str
    id: str
    """The address of the fact, which is both ``Nats-Msg-Id`` and the CloudEvents ``id``."""
    position: int
    place: int
    payload: bytes


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
_SUBJECTS = (("package", "packages"), ("agent", "agents"), ("rule_set_version", "ruleSets"))
_GAP: Any = msgspec.Raw(b"\0")
"""Stands where a fact's own part belongs: no other part of a JSON document holds this byte."""


class Messages:
    """Makes the messages of one workspace. ``max_payload``: bytes that NATS takes."""

    def __init__(self, workspace: str, max_payload: int = 1_048_576) -> None:
        self._source = f"/workspaces/{workspace}"
        self._subjects = Subjects(workspace)
        self._largest = max_payload - ROOM_FOR_HEADERS

    def of(self, recorded: Recorded, package_of: PackageOf, after: int = 0) -> Iterator[Message]:
        """The messages of an event, without the first ``after``."""
        position, subject_of = recorded.position, self._subjects.of
        around: dict[type[Fact], bytes] = {}
        for index, fact in enumerate(facts_of(recorded, package_of)):
            if index < after:
                continue
            kind, address, about = type(fact), f"{position}.{index}", _about(fact)
            if index == 0:  # of most events the only one
                payload = self._event(recorded, kind, address, msgspec.Raw(about), data=fact)
            else:
                frame = around.get(kind) or around.setdefault(kind, self._around(recorded, kind))
                payload = frame % (address.encode(), about, _encode(fact))
            if len(payload) > self._largest:
                where = f"{self._source}/events/{position}"
                payload = self._event(recorded, kind, address, msgspec.Raw(about), dataref=where)
            yield Message(subject_of(fact), address, position, index, payload)

    def _around(self, recorded: Recorded, kind: type[Fact]) -> bytes:
        """The JSON around the facts of one kind in an event, which differ in id, subject and data: ``%b`` for each."""
        made = self._event(recorded, kind, msgspec.Raw(b'"\0"'), _GAP, data=_GAP)
        return made.replace(b"%", b"%%").replace(b"\0", b"%b")

    def _event(self, recorded: Recorded, kind: type[Fact], address: Any, about: Any, **rest: Any) -> bytes:
        event = CloudEvent(
            address, self._source, _TYPES[kind], about, time_of(recorded.at), recorded.actor,
            requestid=recorded.request, correlationid=recorded.correlation, traceparent=recorded.trace, **rest,
        )  # fmt: skip
        return _encode(event)


def _about(fact: Fact) -> bytes:
    """JSON of the name of what a fact is about."""
    task = getattr(fact, "task", None)
    if task is not None:  # as of nearly all of them
        return b'"tasks/%d"' % task
    for name, collection in _SUBJECTS:
        value = getattr(fact, name, None)
        if value is not None:
            return _encode(f"{collection}/{value}")
    return _encode(fact.kind.partition(".")[0])
