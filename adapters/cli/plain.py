"""Messages as plain JSON, stable for programs: numbers are numbers, words are lower case, times are ISO 8601 in UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from paidan.v1.values_pb2 import Value

_DATA = "data_json"
"""Text that is JSON itself, and shown as such under the name ``data``."""


def json_line(message: Message) -> str:
    """One object on one line."""
    return json.dumps(plain(message), ensure_ascii=False)


def plain(message: Message) -> Any:
    """The message as dict, list, str, int, float, bool and None."""
    if isinstance(message, Timestamp):
        return iso(message)
    if isinstance(message, Value):
        return value_of(message)
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.name == _DATA:
            found["data"] = json.loads(getattr(message, _DATA))
        elif field.message_type is None or field.is_repeated or message.HasField(field.name):
            found[field.name] = _field(field, getattr(message, field.name))
        elif field.containing_oneof is None:
            found[field.name] = None
    return found


def value_of(message: Value) -> Any:
    """The value itself; None where it is absent."""
    kind = message.WhichOneof("kind")
    if kind is None:
        return None
    found = getattr(message, kind)
    return list(found.values) if kind in ("strings", "ints") else found


def iso(time: Timestamp) -> str:
    """``2026-01-31T08:00:00.000Z``."""
    moment = datetime.fromtimestamp(time.seconds + time.nanos / 1e9, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def word_of(kind: Any, number: int) -> str:
    """``in_progress`` for TASK_STATUS_IN_PROGRESS of an enum's descriptor; empty where it is not set."""
    if number == 0:
        return ""
    value = kind.values_by_number.get(number)
    if value is None:
        return str(number)
    return str(value.name).removeprefix(kind.values_by_number[0].name.removesuffix("UNSPECIFIED")).lower()


def _field(field: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _item(field, value[key]) for key in sorted(value)}
    if field.is_repeated:
        return [_item(field, item) for item in value]
    return _item(field, value)


def _item(field: Any, value: Any) -> Any:
    if isinstance(value, Message):
        return plain(value)
    if field.enum_type is not None:
        return word_of(field.enum_type, value)
    return value
