"""What may be sent in over NATS, for machines: a JSON Schema, and its part of the AsyncAPI document."""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.nats_bus.cloud_events import CONTENT_TYPE
from adapters.nats_bus.intake_message import NewTask

TASK = "in.task.v1"
TASK_FILE = f"{TASK}.json"
TASKS, DEAD = "in.tasks", "in.dead"
OPERATIONS = {TASKS: "receive", DEAD: "send"}
"""Channel -> what Paidan does there."""
_PLAIN, _EVENT, _LETTER = "in.task", "in.task.cloudevent", "in.dead_letter"
_TEXT = {"type": "string"}
_WORKSPACE = {"workspace": {"description": "Name of the workspace."}}


def task_schema() -> dict[str, Any]:
    """The JSON Schema of what asks for a task."""
    (schema,), parts = msgspec.json.schema_components([NewTask], ref_template="#/$defs/{name}")
    named = parts.pop(schema["$ref"].rpartition("/")[2])
    return {"$id": TASK_FILE, **named, "title": TASK, "$defs": parts}


def intake_channels() -> dict[str, Any]:
    """Where tasks are put, and where those go that are none."""
    return {TASKS: _channel(TASKS, (_PLAIN, _EVENT)), DEAD: _channel(DEAD, (_LETTER,))}


def intake_messages() -> tuple[dict[str, Any], dict[str, Any]]:
    """Messages and the schemas they refer to."""
    (task,), parts = msgspec.json.schema_components([NewTask], ref_template="#/components/schemas/{name}")
    identified = {"type": "object", "properties": {"Nats-Msg-Id": {**_TEXT, "description": "Makes a repeat harmless."}}}
    binary = {f"ce-{name}": _TEXT for name in ("specversion", "id", "source", "type")}
    plain = {"type": "object", "properties": {**identified["properties"], **binary}}  # type: ignore[dict-item]  # it is a mapping
    return {
        _PLAIN: _message("A task as it is, or as a CloudEvent in binary mode.", "application/json", plain, task),
        _EVENT: _message("A task as a CloudEvent in structured mode.", CONTENT_TYPE, identified, _event(task)),
        _LETTER: _message("A message that never became a task.", "application/octet-stream", _letter(), {}),
    }, parts


def _event(task: dict[str, Any]) -> dict[str, Any]:
    named = {name: {**_TEXT, "minLength": 1} for name in ("id", "source", "type")}
    properties = {"specversion": {"const": "1.0"}, **named, "data": task}
    return {"type": "object", "properties": properties, "required": [*properties]}


def _letter() -> dict[str, Any]:
    told = {
        "Paidan-Reason": "For programs: NOT_JSON, MESSAGE_INVALID, MESSAGE_TOO_LARGE, or the server's reason.",
        "Paidan-Error": "For people.",
        "Paidan-Cut": "Bytes of the payload, where not all of it had room.",
    }
    return {
        "type": "object",
        "description": "Its sender's headers too; those that NATS acts on as Original-…",
        "properties": {name: {**_TEXT, "description": text} for name, text in told.items()},
        "required": ["Paidan-Reason", "Paidan-Error"],
    }


def _message(summary: str, kind: str, headers: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    return {"summary": summary, "contentType": kind, "headers": headers, "payload": payload}


def _channel(name: str, messages: tuple[str, ...]) -> dict[str, Any]:
    references = {message: {"$ref": f"#/components/messages/{message}"} for message in messages}
    return {"address": f"paidan.{{workspace}}.{name}", "messages": references, "parameters": _WORKSPACE}
