"""Reading task types: the form, what a rule does not say itself, and whom to ask and tell outside."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from engine.rules.durations import duration_up_to
from engine.rules.forms import form
from engine.rules.model import AttributeType, Callback, Channel, TaskType
from engine.rules.outline import Mapping as MappingNode
from engine.rules.outline import Node
from engine.rules.policies import policy_fields, priority
from engine.rules.problems import shown
from engine.rules.readers import Field, Notes, Reader, integer, known, structure, text
from engine.rules.vocabulary import TASK_BUILT_IN

TASK_TYPE = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
FIELDS_OF_THEIR_OWN: Mapping[str, AttributeType] = {
    name: TASK_BUILT_IN[name] for name in ("business_type", "customer", "owner", "region")
}
"""What a task has beside its attributes and a form may ask for as well."""

_SUBJECT = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
OURS = "paidan"
"""First token of every subject that Paidan itself publishes to or listens on."""
_SECRET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_HOUR_MS = 3_600_000


def task_type(
    asked: Reader,
    attributes: Mapping[str, AttributeType],
    calendars: Collection[str],
    templates: Collection[str] | None,
) -> Reader:
    """Reads one task type. ``asked`` reads a condition on agents; names are those that the document has."""
    fields = {
        "form": Field(_form({**attributes, **TASK_BUILT_IN})),
        "priority": Field(priority),
        "calendar": Field(known(calendars, "a calendar")),
        "callback": Field(_addressed(Callback, _CHANNEL)),
        "feedback_channel": Field(_addressed(Channel, _CHANNEL)),
    }
    return structure(TaskType, fields | policy_fields(asked, templates))


def _form(declared: Mapping[str, AttributeType]) -> Reader:
    inner = form(declared)

    def read(node: Node, path: str, notes: Notes) -> Any:
        for key, _ in node.entries if isinstance(node, MappingNode) else ():
            if key.value in TASK_BUILT_IN and key.value not in FIELDS_OF_THEIR_OWN:
                told = f"Expected a field that somebody fills in, but every task has {key.value} anyway"
                notes.add(key.start, path, told, "leave it out")
        return inner(node, path, notes)

    return read


def _addressed(shape: type[Any], fields: Mapping[str, Field]) -> Reader:
    """Reads a channel; it names exactly one of url and subject."""
    inner = structure(shape, fields)

    def read(node: Node, path: str, notes: Notes) -> Any:
        found = inner(node, path, notes)
        if isinstance(node, MappingNode):
            named = {key.value for key, _ in node.entries} & {"url", "subject"}
            if len(named) != 1:
                told = f"Expected either url or subject, but {'both stand' if named else 'neither stands'} there"
                notes.add(node.start, path, told)
        return found

    return read


def _url(node: Node, path: str, notes: Notes) -> Any:
    value = text(most=2_000)(node, path, notes)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, usable = None, False
    if parts is not None and "@" in parts.netloc:
        notes.add(node.start, path, "Expected no user or password in the URL, but there is one", "name a secret")
        return None
    if usable and _VISIBLE.fullmatch(value):
        return value
    told = f"Expected a URL such as https://host/path, but it is {shown(value)}"
    notes.add(node.start, path, told, "http and https only, without spaces; other letters as %-escapes")
    return None


def _subject(node: Node, path: str, notes: Notes) -> Any:
    """What we publish ourselves would come back as a task; what begins with ``_`` is NATS's own."""
    value = text(_SUBJECT, "a NATS subject such as orders.check, without * and >")(node, path, notes)
    if value is None or not (value.split(".")[0] == OURS or value.startswith("_")):
        return value
    told = f"Expected a subject of somebody else's, but {shown(value)} is one of Paidan's or of NATS itself"
    notes.add(node.start, path, told, f"choose one that begins neither with {OURS} nor with _")
    return None


_CHANNEL = {
    "url": Field(_url),
    "subject": Field(_subject),
    "secret": Field(text(_SECRET, "the name of a secret (letters, digits, _ . -), not the secret itself")),
    "timeout": Field(duration_up_to(_HOUR_MS), "timeout_ms"),
    "attempts": Field(integer(1, 100)),
    "backoff": Field(duration_up_to(_HOUR_MS), "backoff_ms"),
}
