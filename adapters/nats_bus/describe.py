"""What goes over NATS, for machines: a JSON Schema a kind of fact and of what may be sent in, and one AsyncAPI
document, made from the types.

``python -m adapters.nats_bus.describe`` writes them to docs/schemas; with ``--check`` it compares and ends with 1 where
a file is not as the types say.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

from adapters.nats_bus.cloud_events import CONTENT_TYPE, CloudEvent
from adapters.nats_bus.describe_intake import OPERATIONS, TASK_FILE, intake_channels, intake_messages, task_schema
from adapters.nats_bus.facts import FACTS, Fact, type_of

DIRECTORY = Path("docs/schemas")
ASYNCAPI = "asyncapi.yaml"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ALWAYS = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "actor")
_INFO = {
    "title": "Paidan dispatch events",
    "version": "1",
    "description": "Every fact of a workspace, one message each, in the order of its log; and tasks that are sent in."
    " See docs/events.md.",
}
_PARAMETERS = {
    "workspace": "Name of the workspace.",
    "agent": "Agent id, percent-encoded, the dot as %2E, an id '-' as %2D; '-' where the fact concerns no agent.",
    "package": "Package number; '-' where the fact concerns none.",
}


def documents() -> dict[str, str]:
    """File name -> content."""
    made = {f"{type_of(fact).removeprefix('paidan.')}.json": _json(schema_of(fact)) for fact in FACTS.values()}
    made[TASK_FILE] = _json({"$schema": _DIALECT, **task_schema()})
    made[ASYNCAPI] = yaml.safe_dump(_asyncapi(), sort_keys=False, allow_unicode=True, width=120)
    return made


def schema_of(fact: type[Fact]) -> dict[str, Any]:
    """The JSON Schema of a whole message that tells this kind of fact."""
    (data,), parts = msgspec.json.schema_components([fact], ref_template="#/$defs/{name}")
    return {"$schema": _DIALECT, "$id": f"{type_of(fact)}.json", **_message(fact, data), "$defs": parts}


def _message(fact: type[Fact], data: dict[str, Any]) -> dict[str, Any]:
    (_,), parts = msgspec.json.schema_components([CloudEvent])
    properties = parts["CloudEvent"]["properties"]
    properties["specversion"] = {"const": "1.0"}
    properties["type"] = {"const": type_of(fact)}
    properties["datacontenttype"] = {"const": "application/json"}
    properties["id"] |= {"pattern": r"^[1-9][0-9]*\.[0-9]+$"}
    properties["time"] |= {"format": "date-time"}
    properties["data"] = data
    return {
        "title": type_of(fact),
        "description": _first_line(fact),
        "type": "object",
        "properties": properties,
        "required": list(_ALWAYS),
        "oneOf": [{"required": ["data"]}, {"required": ["dataref"]}],
    }


def _asyncapi() -> dict[str, Any]:
    references, parts = msgspec.json.schema_components(FACTS.values(), ref_template="#/components/schemas/{name}")
    messages = {
        type_of(fact): {
            "name": type_of(fact),
            "summary": _first_line(fact),
            "contentType": CONTENT_TYPE,
            "payload": _message(fact, reference),
        }
        for fact, reference in zip(FACTS.values(), references, strict=True)
    }
    sent_in, schemas = intake_messages()
    return {
        "asyncapi": "3.0.0",
        "info": _INFO,
        "defaultContentType": CONTENT_TYPE,
        "channels": {kind: _channel(fact) for kind, fact in FACTS.items()} | intake_channels(),
        "operations": {
            kind: {"action": action, "channel": {"$ref": f"#/channels/{kind}"}}
            for kind, action in {**dict.fromkeys(FACTS, "send"), **OPERATIONS}.items()
        },
        "components": {"messages": messages | sent_in, "schemas": parts | schemas},
    }


def _channel(fact: type[Fact]) -> dict[str, Any]:
    return {
        "address": f"paidan.{{workspace}}.{fact.kind}.{{agent}}.{{package}}",
        "messages": {type_of(fact): {"$ref": f"#/components/messages/{type_of(fact)}"}},
        "parameters": {name: {"description": text} for name, text in _PARAMETERS.items()},
    }


def _first_line(fact: type[Fact]) -> str:
    return (fact.__doc__ or "").strip()


def _json(schema: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def write(directory: Path) -> None:
    """Write every file, and remove what is no longer made."""
    directory.mkdir(parents=True, exist_ok=True)
    made = documents()
    for left in {path.name for path in directory.iterdir()} - set(made):
        (directory / left).unlink()
    for name, content in made.items():
        (directory / name).write_text(content, encoding="utf-8")


def differing(directory: Path) -> list[str]:
    """Names of files that are not as the types say, missing, or too many."""
    made = documents()
    there = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*") if path.is_file()}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def main(arguments: list[str]) -> int:
    """Write or ``--check``; gives the exit code."""
    if arguments != ["--check"]:
        write(DIRECTORY)
        return 0
    wrong = differing(DIRECTORY)
    if wrong:
        sys.stderr.write(f"{DIRECTORY}: {', '.join(wrong)} are not as the types say; run 'make schemas'\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
