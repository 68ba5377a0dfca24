"""Attribute values between the engine and the wire."""

from __future__ import annotations

from collections.abc import Mapping

from paidan.v1.values_pb2 import IntList, StringList, Value

from engine.events import AttributeValue, Scalar


def to_value(value: AttributeValue) -> Value:
    """The message for a value; absent values have no kind set."""
    if value is None:
        return Value()
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, int):
        return Value(int_value=value)
    if isinstance(value, float):
        return Value(float_value=value)
    return _list_value(value)


def _list_value(values: tuple[Scalar, ...] | list[Scalar]) -> Value:
    if values and all(isinstance(value, int) for value in values):
        return Value(ints=IntList(values=[int(value) for value in values if value is not None]))
    return Value(strings=StringList(values=[str(value) for value in values]))


def of_value(message: Value) -> AttributeValue:
    """The value in a message."""
    kind = message.WhichOneof("kind")
    if kind is None:
        return None
    found = getattr(message, kind)
    if kind in ("strings", "ints"):
        return tuple(found.values)
    return found  # type: ignore[no-any-return]  # one of the scalar kinds


def to_values(values: Mapping[str, AttributeValue]) -> dict[str, Value]:
    """Messages for a whole map."""
    return {name: to_value(value) for name, value in values.items()}


def of_values(messages: Mapping[str, Value]) -> dict[str, AttributeValue]:
    """Values of a whole map, sorted by name: maps have no order on the wire, and commands are compared."""
    return {name: of_value(messages[name]) for name in sorted(messages)}
