"""Attribute values are checked against what the rule document declares, so the rules may trust them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from engine.events import AttributeValue
from engine.refusals import Violation
from engine.rules.model import AttributeType
from engine.state.task import BUILT_IN

INT64 = 2**63
MAX_TEXT = 4_096


def attribute_violations(
    where: str, values: Mapping[str, AttributeValue], declared: Mapping[str, AttributeType] | None
) -> list[Violation]:
    """What is wrong with these values; ``declared`` None: there are no rules yet, so only shapes are checked."""
    wrong = []
    for name, value in values.items():
        if declared is not None and name not in declared:
            wrong.append(Violation(f"{where}.{name}", unknown_attribute(name, declared)))
        elif declared is not None and not fits(value, declared[name]):
            wrong.append(Violation(f"{where}.{name}", f"Expected {declared[name]}, but got {value!r}"))
        elif not bounded(value):
            wrong.append(
                Violation(
                    f"{where}.{name}", f"Expected text of at most {MAX_TEXT} characters without NUL, and 64-bit numbers"
                )
            )
    return wrong


def unknown_attribute(name: str, declared: Iterable[str]) -> str:
    """ "Expected a declared attribute, but ..." with the nearest name."""
    near = get_close_matches(name, list(declared), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"Expected an attribute that the rules declare, but {name!r} is not one{hint}"


def shadowed(names: Iterable[str]) -> list[str]:
    """Names that every task has of its own and that therefore are not given as attributes."""
    return [name for name in names if name in BUILT_IN]


def fits(value: AttributeValue, kind: AttributeType) -> bool:
    """Whether a value is of the declared type; None (absent) always is."""
    if value is None:
        return True
    if kind in ("list(string)", "list(int)"):
        member: AttributeType = "string" if kind == "list(string)" else "int"
        return isinstance(value, tuple) and all(item is not None and fits(item, member) for item in value)
    if isinstance(value, bool):
        return kind == "bool"
    if kind == "float":
        return isinstance(value, int | float)
    return isinstance(value, {"string": str, "int": int, "bool": bool}[kind])


def bounded(value: AttributeValue) -> bool:
    """Whether a value is inside the limits of the rule engine."""
    if isinstance(value, tuple):
        return len(value) <= 1_000 and all(bounded(item) for item in value)
    if isinstance(value, str):
        return len(value) <= MAX_TEXT and "\x00" not in value
    if isinstance(value, float):
        return abs(value) < 1e300  # neither infinite nor NaN
    return value is None or -INT64 <= value < INT64
