"""Reads a message on ``paidan.<workspace>.in.tasks``: it is a wish, or there is a reason why it never will be one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TypeVar

import msgspec

from adapters.nats_bus.cloud_events import CONTENT_TYPE
from adapters.nats_bus.intake_message import NewTask, TaskEvent

LONGEST_ID = 128
"""Characters of a request id, as the server takes them. What is longer is hashed."""
LONGEST_TOLD = 1_000
"""Characters of what is told of a message that cannot be taken: it travels in a header."""

Read = TypeVar("Read")


class Wish(msgspec.Struct, frozen=True):
    """What a message asks for."""

    request: str
    """Request id: the same each time the message is delivered."""
    task: NewTask
    correlation: str = ""
    trace: str = ""
    """W3C ``traceparent``."""


class BadMessageError(Exception):
    """The message will never become a task; ``reason`` is for programs, the text for people, on one line."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(one_line(message))
        self.reason = reason


_event = msgspec.json.Decoder(TaskEvent).decode
_task = msgspec.json.Decoder(NewTask).decode


def read(headers: Mapping[str, str], payload: bytes, largest: int, otherwise: str) -> Wish:
    """The wish in a message of at most ``largest`` bytes; ``otherwise``: what names it, should it have no id.

    Raises BadMessageError, and nothing else whatever the message is.
    """
    if len(payload) > largest:
        raise BadMessageError("MESSAGE_TOO_LARGE", f"Expected at most {largest} bytes, but it has {len(payload)}")
    known = {name.lower(): value for name, value in headers.items()}
    event = _event_in(known, payload)
    if event is None:
        said, name = known, f"nats-seq:{otherwise}"
    else:
        said = {"paidan-correlation": event.correlationid, "traceparent": event.traceparent}
        name, payload = f"nats-ce:{event.source}#{event.id}", bytes(event.data)
    own = known.get("nats-msg-id", "")
    return Wish(
        request_id(f"nats:{own}" if own else name),
        _decoded(_task, payload, "a task"),
        said.get("paidan-correlation", ""),
        said.get("traceparent", ""),
    )


def request_id(name: str) -> str:
    """The name, where the server takes it as a request id; else one that differs where names differ."""
    if len(name) <= LONGEST_ID and name.isprintable():
        return name
    return f"nats-sha256:{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def one_line(text: str) -> str:
    """Text as it may stand in a header."""
    start = text[: LONGEST_TOLD + 1]
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in start)
    return line if len(line) <= LONGEST_TOLD else line[: LONGEST_TOLD - 1] + "…"


def _event_in(known: Mapping[str, str], payload: bytes) -> TaskEvent | None:
    """The CloudEvent, should it be one."""
    kind = known.get("content-type", "").partition(";")[0].strip().lower()
    if kind == CONTENT_TYPE:
        return _checked(_decoded(_event, payload, "a CloudEvent"))
    if kind.startswith("application/cloudevents"):
        raise BadMessageError("MESSAGE_INVALID", f"Expected one CloudEvent in JSON, but it is {kind}")
    if "ce-id" not in known and "ce-specversion" not in known:
        return None
    return _checked(
        TaskEvent(
            known.get("ce-specversion", "1.0"), known.get("ce-id", ""), known.get("ce-source", ""),
            msgspec.Raw(payload), kind or "application/json", known.get("ce-correlationid", ""),
            known.get("ce-traceparent", "") or known.get("traceparent", ""),
        )
    )  # fmt: skip


def _checked(event: TaskEvent) -> TaskEvent:
    if event.specversion != "1.0":
        raise BadMessageError("MESSAGE_INVALID", f"Expected CloudEvents 1.0, but it says {event.specversion!r}")
    if not event.id or not event.source:
        raise BadMessageError("MESSAGE_INVALID", "Expected a CloudEvent with id and source, but one is missing")
    if "json" not in event.datacontenttype.lower():
        raise BadMessageError("MESSAGE_INVALID", f"Expected its data in JSON, but it is {event.datacontenttype!r}")
    return event


def _decoded(decode: Callable[[bytes], Read], data: bytes, what: str) -> Read:
    try:
        return decode(data)
    except msgspec.ValidationError as error:
        raise BadMessageError("MESSAGE_INVALID", f"Expected {what} as its schema says, but {error}") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadMessageError("NOT_JSON", f"Expected {what} in JSON, but {error}") from error
