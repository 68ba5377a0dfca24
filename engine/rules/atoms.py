"""The tests that conditions are made of, and what each says about given values.

durable-rules gets comparisons of one attribute with a constant as they are. All other atoms are facts about the
message that we state in it, 0 or 1, because the engine cannot test lists, parts of strings or two properties safely.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt
from typing import TypeAlias, cast

import msgspec

from engine.rules.model import AttributeType

Values: TypeAlias = Mapping[str, object]
"""Admitted values by name (``task.region``); what is absent is not in it."""


class Has(msgspec.Struct, frozen=True):
    name: str


class Compare(msgspec.Struct, frozen=True):
    """``==`` of a string, number or bool, or an order of numbers."""

    name: str
    op: str
    value: str | int | float | bool


class OneOf(msgspec.Struct, frozen=True):
    """The attribute is one of the literals."""

    name: str
    values: frozenset[object]


class Holds(msgspec.Struct, frozen=True):
    """The list attribute holds the literal."""

    name: str
    value: object


class TextTest(msgspec.Struct, frozen=True):
    name: str
    test: str
    value: str


class Size(msgspec.Struct, frozen=True):
    name: str
    op: str
    value: int | float


class Scalar(msgspec.Struct, frozen=True):
    """One side of a comparison of two attributes: the attribute, or its size."""

    name: str
    size: bool = False


class Cross(msgspec.Struct, frozen=True):
    """Two attributes compared; ``op`` is ``in`` where the right one is a list."""

    left: Scalar
    op: str
    right: Scalar


Atom: TypeAlias = Has | Compare | OneOf | Holds | TextTest | Size | Cross

OPERATORS: Mapping[str, Callable[[object, object], bool]] = {
    "==": eq,
    "<": cast(Callable[[object, object], bool], lt),
    "<=": cast(Callable[[object, object], bool], le),
    ">": cast(Callable[[object, object], bool], gt),
    ">=": cast(Callable[[object, object], bool], ge),
    "in": lambda left, right: left in cast("tuple[object, ...]", right),
}


def names_in(atom: Atom) -> tuple[str, ...]:
    """The attributes an atom looks at."""
    return (atom.left.name, atom.right.name) if isinstance(atom, Cross) else (atom.name,)


def truth(atom: Atom, values: Values) -> bool:
    """What the atom says; false where an attribute it names is absent."""
    if any(name not in values for name in names_in(atom)):
        return False
    if isinstance(atom, Cross):
        return OPERATORS[atom.op](_side(atom.left, values), _side(atom.right, values))
    return _about(atom, values[atom.name])


def _side(side: Scalar, values: Values) -> object:
    value = values[side.name]
    return len(cast(str, value)) if side.size else value


def _about(atom: Has | Compare | OneOf | Holds | TextTest | Size, value: object) -> bool:
    if isinstance(atom, Has):
        return True
    if isinstance(atom, Compare):
        return OPERATORS[atom.op](value, atom.value)
    if isinstance(atom, OneOf):
        return value in atom.values
    if isinstance(atom, Holds):
        return atom.value in cast("tuple[object, ...]", value)
    if isinstance(atom, Size):
        return OPERATORS[atom.op](len(cast(str, value)), atom.value)
    return _TEXT[atom.test](cast(str, value), atom.value)


_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
}


def admitted(value: object, kind: AttributeType) -> object:
    """The value where it is of its type, else None (absent); lists come back as tuples.

    Values that Python calls equal (1, 1.0, True) are admitted alike: they are equal as keys of the memo, too.
    """
    if value is None:
        return None
    if kind.startswith("list"):
        return _admitted_list(value, cast(AttributeType, kind[5:-1]))
    if kind == "string":
        return value if isinstance(value, str) else None
    if kind == "bool":
        return bool(value) if isinstance(value, bool | int | float) and value in (0, 1) else None
    # Only NaN differs from itself; math.isnan would refuse integers beyond a float.
    return value if isinstance(value, int | float) and value == value else None  # noqa: PLR0124


def _admitted_list(value: object, kind: AttributeType) -> tuple[object, ...] | None:
    if not isinstance(value, list | tuple | set | frozenset):
        return None
    return tuple(item for item in value if admitted(item, kind) is not None)
