"""Forms and wrap-up templates: what is filled in has to fit the fields that the rule document describes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from engine.commands import CreateTask
from engine.decide.attributes import INT64, attribute_violations, bounded, fits
from engine.events import AttributeValue
from engine.refusals import Violation
from engine.rules.model import AttributeType, Form, FormField
from engine.rules.policy import WrapUpTerms
from engine.rules.task_types import FIELDS_OF_THEIR_OWN

SEPARATOR = "|"
"""Between the members of a list that is written as text, as in package files."""

_INT = re.compile(r"[+-]?[0-9]{1,20}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")
_BOOLS = {"true": True, "false": False}


class UnreadableError(Exception):
    """A text is not of the type that its field has."""


def task_violations(
    command: CreateTask, form: Form, declared: Mapping[str, AttributeType] | None
) -> Iterator[Violation]:
    """What is wrong with a new task's values; ``declared``: the attributes, None where there are no rules yet."""
    described = {name: field.type for name, field in form.items() if name not in FIELDS_OF_THEIR_OWN}
    wrong = attribute_violations(
        "attributes", command.attributes, None if declared is None else {**declared, **described}
    )
    yield from wrong
    told = {violation.field for violation in wrong}
    for name, field in form.items():
        where, value = _value(command, name)
        if where not in told and (fault := _fault(field, value)):
            yield Violation(where, f"{fault}, as the form of {command.task_type} says")


def wrap_up_violations(terms: WrapUpTerms, given: Mapping[str, str]) -> Iterator[Violation]:
    """What is wrong with a wrap-up; an empty text is no value."""
    fields = terms.fields
    for name in terms.required:
        if not given.get(name):
            yield Violation(f"wrap_up.{name}", f"Expected a value, as template {terms.template} requires")
    for name, text in given.items() if fields is not None else ():
        field = fields.get(name) if fields is not None else None
        if field is None:
            yield Violation(f"wrap_up.{name}", _unknown(name, terms))
        elif text and (fault := _fault_of_text(field, text)):
            yield Violation(f"wrap_up.{name}", fault)


def read_text(kind: AttributeType, text: str) -> AttributeValue:
    """The value that a text stands for. Raises ``UnreadableError`` for a text of another type."""
    if kind in ("list(string)", "list(int)"):
        member: AttributeType = "string" if kind == "list(string)" else "int"
        return tuple(_read_one(member, part.strip()) for part in text.split(SEPARATOR))
    return _read_one(kind, text)


def _read_one(kind: AttributeType, text: str) -> str | int | float | bool:
    if kind == "int" and _INT.fullmatch(text) and -INT64 <= int(text) < INT64:
        return int(text)
    if kind == "float" and _FLOAT.fullmatch(text) and bounded(float(text)):
        return float(text)
    if kind == "bool" and text in _BOOLS:
        return _BOOLS[text]
    if kind == "string":
        return text
    raise UnreadableError


def made_to_fit(form: Form, values: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """The values that fit the form, and something that fits where it requires one: for living a log through again."""
    kept = {name: value for name, value in values.items() if name not in form or not _fault(form[name], value)}
    missing = {name: _stand_in(field) for name, field in form.items() if field.required and name not in kept}
    return kept | missing


def wrap_up_made_to_fit(terms: WrapUpTerms, given: Mapping[str, str]) -> dict[str, str]:
    """The same for a wrap-up."""
    fields = terms.fields
    if fields is None:
        return {**dict.fromkeys(terms.required, "-"), **given}
    kept = {name: text for name, text in given.items() if name in fields and not _fault_of_text(fields[name], text)}
    return {name: _as_text(_stand_in(fields[name])) for name in terms.required} | {k: v for k, v in kept.items() if v}


def _value(command: CreateTask, name: str) -> tuple[str, AttributeValue]:
    """Where a field of the form stands in the command, and what it is."""
    if name in FIELDS_OF_THEIR_OWN:
        value: str | None = getattr(command, name)
        return name, value
    return f"attributes.{name}", command.attributes.get(name)


def _fault(field: FormField, value: AttributeValue) -> str | None:
    """What is wrong with a value."""
    if value is None or value in ("", ()):
        return "Expected a value, but it is missing" if field.required else None
    if not fits(value, field.type):
        return f"Expected {field.type}, but got {_cut(value)}"
    members = value if isinstance(value, tuple) else (value,)
    return next((fault for member in members if (fault := _fault_of_member(field, member))), None)


def _fault_of_member(field: FormField, value: AttributeValue) -> str | None:
    if field.values and value not in field.values:
        known = ", ".join(str(one) for one in field.values[:20]) + (" ..." if len(field.values) > 20 else "")
        return f"Expected one of {known}, but got {_cut(value)}"
    if field.max_length is not None and isinstance(value, str) and len(value) > field.max_length:
        return f"Expected at most {field.max_length} characters, but there are {len(value)}"
    return None


def _fault_of_text(field: FormField, text: str) -> str | None:
    try:
        return _fault(field, read_text(field.type, text))
    except UnreadableError:
        return f"Expected {_WRITTEN[field.type]}, but got {_cut(text)}"


_WRITTEN: dict[AttributeType, str] = {
    "string": "a text",
    "int": "a whole number of 64 bits",
    "float": "a number such as 12.5",
    "bool": "true or false",
    "list(string)": f"texts with {SEPARATOR} between them",
    "list(int)": f"whole numbers with {SEPARATOR} between them",
}


def _unknown(name: str, terms: WrapUpTerms) -> str:
    near = get_close_matches(name[:64], list(terms.fields or ()), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"Expected a field of template {terms.template}, but {_cut(name)} is not one{hint}"


def _stand_in(field: FormField) -> AttributeValue:
    if field.values:
        first = field.values[0]
        return (first,) if field.type.startswith("list") else first
    nothing: dict[AttributeType, AttributeValue] = {"int": 0, "float": 0.0, "bool": False, "list(int)": (0,)}
    return nothing.get(field.type, ("-",) if field.type == "list(string)" else "-")


def _as_text(value: AttributeValue) -> str:
    if isinstance(value, tuple):
        return SEPARATOR.join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cut(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"
