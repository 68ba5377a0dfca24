"""Any value of a msgspec type, for hypothesis: whatever the vocabulary grows by is drawn too."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect as types

from engine.events import EVENT_TYPES, Event, Recorded

_LONGEST = 3
_text = st.text(max_size=12)  # surrogates, which hypothesis leaves out too, are no text
_whole = st.integers(-(2**63), 2**63 - 1)
_broken = st.floats(allow_nan=False, allow_infinity=False)

_PLAIN: dict[type[types.Type], st.SearchStrategy[Any]] = {
    types.NoneType: st.none(),
    types.BoolType: st.booleans(),
    types.IntType: _whole,
    types.FloatType: _broken,
    types.StrType: _text,
}


def values_of(kind: types.Type) -> st.SearchStrategy[Any]:
    """Values of one type. Raises LookupError for a kind of type that no event has yet."""
    plain = _PLAIN.get(type(kind))
    if plain is not None:
        return plain
    match kind:
        case types.LiteralType(values=values):
            return st.sampled_from(values)
        case types.UnionType(types=members):
            return st.one_of([values_of(member) for member in members])
        case types.TupleType(item_types=items):
            return st.tuples(*map(values_of, items))
        case types.VarTupleType(item_type=item):
            return st.lists(values_of(item), max_size=_LONGEST).map(tuple)
        case types.DictType(key_type=key, value_type=value):
            return st.dictionaries(values_of(key), values_of(value), max_size=_LONGEST)
        case types.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: values_of(field.type) for field in fields})
    raise LookupError(f"Expected a type that events are made of, but got {kind!r}")


def events() -> st.SearchStrategy[Event]:
    """Any event of the vocabulary, whether it makes sense or not."""
    return st.one_of([values_of(types.type_info(cls)) for cls in EVENT_TYPES.values()])


def recorded() -> st.SearchStrategy[Recorded]:
    """Any event with any envelope."""
    return st.builds(
        Recorded,
        position=st.integers(1, 2**62),
        at=st.integers(0, 2**62),
        actor=_text,
        request=_text,
        correlation=_text,
        event=events(),
        fingerprint=_text,
    )


def at(position: int, event: Event, at_ms: int = 1_700_000_000_000) -> Recorded:
    """The event with a plain envelope."""
    return Recorded(position, at_ms, "tester", "", "", event)


def moved(one: Recorded, position: int) -> Recorded:
    """The same at another position."""
    return msgspec.structs.replace(one, position=position)
