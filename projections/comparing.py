"""One comparison of a filter as SQL: types are checked here, so PostgreSQL never meets a value it cannot compare."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from projections.errors import QueryError, expected_one_of

if TYPE_CHECKING:
    from projections.listing import Field

Made = tuple[str, tuple[Any, ...]]
"""(SQL, parameters)"""


class Comparison(NamedTuple):
    """``name operator value`` as it stands in the filter, with columns for messages."""

    name: str
    operator: str
    value: object
    column: int
    value_column: int


class Anything:
    """The value ``*``: whatever is there."""

    def __repr__(self) -> str:
        return "*"


def compare(field: Field, key: str | None, asked: Comparison, attributes: Mapping[str, str]) -> Made:
    """The SQL of one comparison. Raises QueryError where the value does not fit the field."""
    if field.kind == "attributes":
        return _attribute(field, key, asked, attributes)
    if isinstance(asked.value, Anything):
        return _present(field, asked)
    if asked.operator == ":":
        return _has(field, asked)
    return _plain(field, asked)


def _plain(field: Field, asked: Comparison) -> Made:
    value = _value(field, asked)
    if field.kind in ("words", "bool") and asked.operator not in ("=", "!="):
        raise _wrong(asked, "= or !=", asked.operator)
    if field.kind == "words":
        raise _wrong(asked, "`:` for a list", asked.operator)
    special = field.special.get(str(value)) if asked.operator == "=" else None
    if special is not None:
        return special, ()
    if asked.operator != "=" or value in ("", 0):
        return f"{field.sql} {_SIGNS[asked.operator]} %s", (value,)
    also = f" AND {field.also}" if field.also else ""
    return f"{field.strict or field.sql} = %s{also}", (value,) * (1 + field.also.count("%s"))


def _has(field: Field, asked: Comparison) -> Made:
    if field.kind == "words":
        return f"{field.sql} @> %s::jsonb", (_json([_text(asked)]),)
    if field.kind == "text":
        return f"strpos({field.sql}, %s) > 0", (_text(asked),)
    return _plain(field, asked._replace(operator="="))


def _present(field: Field, asked: Comparison) -> Made:
    if asked.operator != ":":
        raise _wrong(asked, "`:` before *", asked.operator)
    if field.kind == "words":
        return f"{field.sql} <> '[]'::jsonb", ()
    return f"{field.sql} <> %s", ("" if field.kind == "text" else False if field.kind == "bool" else 0,)


def _value(field: Field, asked: Comparison) -> object:
    value = asked.value
    if field.kind == "text":
        return _word(field, asked)
    if field.kind == "bool":
        return value if isinstance(value, bool) else _refuse(asked, "true or false")
    if field.kind == "time" and isinstance(value, str):
        return _milliseconds(asked)
    return _integer(asked)


def _word(field: Field, asked: Comparison) -> str:
    word = _text(asked)
    if field.values and word not in field.values:
        known = expected_one_of(f"a {asked.name} at column {asked.value_column}", word, field.values)
        raise QueryError("filter", known)
    return word


def _text(asked: Comparison) -> str:
    return asked.value if isinstance(asked.value, str) else str(_refuse(asked, "text"))


def _integer(asked: Comparison) -> int:
    value = asked.value
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        _refuse(asked, "a whole number")
    assert isinstance(value, int)
    return value


def _milliseconds(asked: Comparison) -> int:
    try:
        moment = datetime.fromisoformat(_text(asked))
    except ValueError:
        return int(str(_refuse(asked, "milliseconds since 1970 or a time such as 2026-01-31T08:00:00Z")))
    if moment.tzinfo is None:
        _refuse(asked, "a time with its zone, such as 2026-01-31T08:00:00Z")
    return int(moment.timestamp() * 1000)


def _attribute(field: Field, key: str | None, asked: Comparison, declared: Mapping[str, str]) -> Made:
    """Values have the type that the rules declare for the name; an absent one fails every comparison."""
    if key is None and asked.operator == ":" and isinstance(asked.value, str):
        return f"jsonb_exists({field.sql}, %s)", (asked.value,)
    if key is None:
        raise _wrong(asked, f"{asked.name}.<name>, or {asked.name}:<name>", asked.name)
    if declared and key not in declared:
        problem = expected_one_of(f"a declared attribute at column {asked.column}", key, declared)
        raise QueryError("filter", problem)
    if isinstance(asked.value, Anything):
        return f"jsonb_exists({field.sql}, %s)", (key,)
    return _member(field, key, asked, declared.get(key))


def _member(field: Field, key: str, asked: Comparison, kind: str | None) -> Made:
    value = _checked(asked, kind)
    member = f"{field.sql} -> %s"
    if kind is not None and kind.startswith("list"):
        if asked.operator != ":":
            raise _wrong(asked, "`:` for a list", asked.operator)
        return f"coalesce({member} @> %s::jsonb, false)", (key, _json([value]))
    if asked.operator == ":" and isinstance(value, str):
        return f"coalesce(strpos({field.sql} ->> %s, %s) > 0, false)", (key, value)
    sign = _SIGNS.get(asked.operator, "=")
    shape = _SHAPES[type(value)]
    compared = f"CASE WHEN jsonb_typeof({member}) = %s THEN {member} {sign} %s::jsonb ELSE false END"
    return compared, (key, shape, key, _json(value))


def _checked(asked: Comparison, kind: str | None) -> object:
    value = asked.value
    fits = True if kind is None else isinstance(value, _TYPES[kind]) and isinstance(value, bool) == (kind == "bool")
    if not fits or not _bounded(value):
        wanted = (kind or "").removeprefix("list(").removesuffix(")")
        return _refuse(asked, _WORDS.get(wanted, "a 64-bit number"))
    if isinstance(value, bool) and asked.operator not in ("=", "!="):
        raise _wrong(asked, "= or !=", asked.operator)
    return value


def _bounded(value: object) -> bool:
    return not isinstance(value, int | float) or -(2**63) <= value < 2**63


def _refuse(asked: Comparison, wanted: str) -> object:
    raise QueryError(
        "filter",
        f"Expected {wanted} for {asked.name} at column {asked.value_column}, but got {asked.value!r}",
    )


def _wrong(asked: Comparison, wanted: str, given: str) -> QueryError:
    return QueryError("filter", f"Expected {wanted} with {asked.name} at column {asked.column}, but got {given!r}")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_SIGNS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_SHAPES: dict[type, str] = {bool: "boolean", int: "number", float: "number", str: "string"}
_WORDS = {"string": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "int": int, "float": (int, float), "bool": bool, "list(string)": str, "list(int)": int,
}  # fmt: skip
