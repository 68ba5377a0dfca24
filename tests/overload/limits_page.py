"""The tables of docs/limits.md, made from the model and from the constants they name.

``python -m tests.overload.limits_page`` writes them into the page.
"""

from __future__ import annotations

import re
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from adapters.settings.limits import Limits

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "limits.md"
SOURCES = ("adapters", "engine", "projections")

FIXED = {
    "Requests": {
        "adapters.grpc_api.checks:MAX_ID": "characters of an id, a type, a request id",
        "adapters.grpc_api.checks:MAX_TEXT": "characters of a reason, a note, a filter, a page token",
        "adapters.grpc_api.checks:MAX_SOURCE": "characters of a rule document",
        "adapters.grpc_api.checks:MAX_NUMBER": "a task's or a package's number, a position: 40 bits of a rank",
        "adapters.grpc_api.agent_service:MAX_AGENTS": "agents of one roster",
        "engine.decide.handover:MAX_TASKS": "tasks handed over in one request",
        "engine.decide.merging:MAX_DUPLICATES": "tasks merged into another in one request",
        "engine.decide.supervising:MAX_COMMENT": "characters of a remark on a task",
        "projections.comments:MAX_SHOWN": "remarks shown with a task, the latest; its history has them all",
        "engine.interventions:MAX_TOLD": "interventions told by one explanation, the latest",
        "engine.decide.feedback:MAX_SCORE": "the best score of an opinion",
        "adapters.grpc_api.task_service:MAX_FIELDS": "attributes of one task, fields of one wrap-up",
        "engine.decide.batches:MAX_BATCH": "tasks created by one request",
        "adapters.grpc_api.package_messages:MAX_COLUMNS": "attributes of one mapping",
        "adapters.importing.csv_header:MAX_TOLD": "columns named in one refusal of a list",
        "adapters.grpc_api.package_service:MAX_URI": "characters of a URI or a file name",
        "adapters.grpc_api.uploads:MAX_PART": "bytes of one message of an upload",
        "adapters.grpc_api.status:MAX_MESSAGE": "bytes of a refusal's message: a status travels in headers of 8 KB",
        "adapters.grpc_api.status:MAX_VIOLATIONS": "bytes of all violations of one refusal; the last says how many more",
        "projections.listing:DEFAULT_PAGE": "rows of a page that names no size",
        "projections.listing:MAX_PAGE": "rows of a page; more are not given, as AIP-158 has it",
        "projections.history:MAX_EVENTS": "events of a page of a task's history: each may be part of a bulk event",
        "projections.measuring:MAX_ROWS": "rows of measures in one answer",
        "projections.filtering:MAX_LENGTH": "characters of a filter",
        "projections.filtering:MAX_DEPTH": "parentheses in each other in a filter",
        "projections.filtering:MAX_TERMS": "terms of a filter",
        "adapters.grpc_api.waiting:PATIENCE_S": "s that a call without a deadline waits for a position",
        "adapters.grpc_api.audit_service:READ": "events read at a time for a stream",
        "adapters.views.agent_work:MAX_FOUND": "events read at a time for a watcher of assignments that resumes",
        "adapters.grpc_api.watching:MAX_HELD": "events kept for watchers between two steps; beyond that read from the log",
        "adapters.views.queries:EVENTS_BYTES": "bytes of events read at a time for a stream, as stored",
    },
    "Log and views": {
        "engine.state:REMEMBERED_REQUESTS": "request ids with their answers, oldest forgotten first; part of the state,"
        " so every replay has to have the same",
        "engine.decide.packages:MAX_CHUNK": "rows of one event",
        "engine.decide.agents:AGENTS_PER_EVENT": "agents of one event",
        "engine.reactions:ROUND": "picks of one allocation round, tasks of one step of pooling",
        "engine.reactions:REPOOL": "tasks looked at in one step after new rules",
        "engine.decide.agents:MAX_CAPACITY": "tasks that an agent can be said to hold",
        "engine.decide.attributes:MAX_TEXT": "characters of an attribute's value",
        "engine.state.task:MAX_PRIORITY": "priority; higher ones stay here",
        "adapters.views.connection:MAX_EVENTS": "events of one batch of the projector",
        "adapters.views.connection:MAX_BYTES": "bytes of one batch of the projector, as stored",
        "adapters.nats_bus.batches:MAX_MESSAGES": "messages of one batch of the publisher; NATS lets 10,000 wait for a stream",
        "adapters.nats_bus.batches:MAX_BYTES": "bytes of one batch of the publisher",
        "adapters.operations.standing:MOST_SAMPLES": "looks kept at how far views are",
    },
    "Rules": {
        "engine.rules.outline:MAX_SIZE": "bytes of a document",
        "engine.rules.outline:MAX_DEPTH": "levels of a document",
        "engine.rules.shape:MAX_RULES": "rules",
        "engine.rules.shape:MAX_ATTRIBUTES": "attributes, of tasks and of agents each",
        "engine.rules.policies:MAX_COUNT": "a cap, a limit",
        "engine.rules.durations:MAX_DURATION_MS": "ms of a duration",
        "engine.rules.sections:MAX_CALENDARS": "calendars",
        "engine.rules.sections:MAX_TEMPLATES": "wrap-up templates",
        "engine.rules.sections:MAX_TASK_TYPES": "task types described",
        "engine.rules.calendars:MAX_DAYS": "days off of a calendar, and working days",
        "engine.rules.forms:MAX_FIELDS": "fields of one form or template",
        "engine.rules.forms:MAX_VALUES": "values that a field may have",
        "engine.rules.forms:MAX_LENGTH": "characters that a field's max_length may allow",
        "engine.calendars.working_time:FARTHEST_MS": "ms from a start to the latest deadline, however little a desk works",
        "engine.rules.syntax:MAX_TEXT": "characters of a condition",
        "engine.rules.syntax:MAX_DEPTH": "levels of a condition",
        "engine.rules.syntax:MAX_ITEMS": "members of a list",
        "engine.rules.syntax:MAX_WORDS": "names, values and signs of a condition, members of lists apart",
        "engine.rules.language:MAX_TESTS": "tests of a condition",
        "engine.rules.problems:MAX_PROBLEMS": "problems told of one document",
        "engine.rules.problems:MAX_NEAR": "names looked through for one that was meant",
        "engine.rules.paths:MAX_PATHS": "ways through a condition before it is taken apart",
        "engine.rules.paths:MAX_TESTS_NATIVE": "tests of one way; durable-rules fails at 65",
        "engine.rules.batches:MAX_SIBLINGS": "distinct first tests in one engine; durable-rules hangs at 513",
        "engine.rules.batches:MAX_WAITING": "tests one message may match; durable-rules fails at 65",
        "engine.rules.batches:MAX_PROPERTIES": "properties of one engine; durable-rules fails at 253",
        "engine.rules.batches:MAX_RULES": "rules of one engine",
        "engine.rules.targets:MEMO_LIMIT": "answers remembered by one question; all are forgotten beyond it",
        "engine.rules.scales:CACHED": "values remembered by one scale",
    },
    "Lists and rosters": {
        "adapters.importing.importer:WINDOW": "chunks of a package on their way at a time",
        "adapters.importing.formats:CHUNK_ROWS": "rows of a chunk",
        "adapters.importing.formats:CHUNK_TEXT": "characters of a chunk",
        "adapters.importing.csv_blocks:MAX_LINE": "bytes of a line",
        "adapters.importing.csv_blocks:MAX_UNPACKED": "bytes of a list, unpacked",
        "adapters.importing.csv_header:MAX_COLUMNS": "columns",
        "adapters.importing.csv_records:MAX_RECORD_LINES": "lines of a record",
        "adapters.importing.csv_records:MAX_REREAD": "characters read again after quotes that do not end",
        "adapters.importing.csv_rows:MAX_REJECTED_TEXT": "characters kept of a row set aside",
        "adapters.importing.cells:MAX_MEMBERS": "members of a list in a cell",
        "adapters.importing.cells:REMEMBERED": "cells remembered by a column",
        "adapters.rosters.reading:MAX_BYTES": "bytes of a roster file",
        "adapters.rosters.faults:MAX_FAULTS": "faults told of one roster",
    },
    "Calls to the outside": {
        "engine.rules.model:MAX_BACKOFF_MS": "ms between two attempts",
        "engine.decide.arriving:GRACE_MS": "ms beyond a callback's patience until it counts as unreported",
        "engine.decide.calls:DELIVERY_GRACE_MS": "ms beyond a channel's patience until telling it is given up",
        "adapters.outbound.answers:MAX_FIELDS": "fields of an answer",
        "adapters.outbound.answers:MAX_TEXT": "characters of one field of an answer",
        "adapters.outbound.answers:MAX_REASON": "characters kept of why a call failed",
    },
}

ELSEWHERE = ("adapters.cli.", "adapters.demo.", "adapters.importing.spool:MAX_SIZE")
"""What only looks: the command line; and the default of a limit that can be set."""


def settable() -> str:
    """One table a group."""
    fields = [(name, _extra(field), field) for name, field in Limits.model_fields.items()]
    parts = []
    for group, members in groupby(fields, lambda item: item[1]["group"]):
        rows = [
            f"| `{name}` | {_shown(field.default, extra['unit'])} {extra['unit']} | {field.description} |"
            for name, extra, field in members
        ]
        parts.append("\n".join([f"**{group}**", "", "| limit | default | of what, and why |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def fixed() -> str:
    """One table a subject."""
    parts = []
    for subject, constants in FIXED.items():
        rows = [f"| `{name}` | {_shown(value_of(name), text)} | {text} |" for name, text in constants.items()]
        parts.append("\n".join([f"**{subject}**", "", "| constant | value | of what |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def value_of(name: str) -> Any:
    """Of ``module:CONSTANT``."""
    module, _, constant = name.partition(":")
    return getattr(import_module(module), constant)


def page(text: str) -> str:
    """The page with its tables made anew."""
    for name, table in (("settable", settable()), ("fixed", fixed())):
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", lambda m, t=table: m[1] + t + m[2], text, flags=re.S
        )  # type: ignore[misc]
    return text


def limits_in_the_tree() -> set[str]:
    """``module:MAX_…`` of every constant of the program that is called so."""
    found = set()
    for path in (path for source in SOURCES for path in (ROOT / source).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found |= {f"{module}:{name}" for name in re.findall(r"^(MAX_[A-Z_]+)\b", path.read_text(), re.M)}
    return {name for name in found if not name.startswith(ELSEWHERE)}


def _extra(field: Any) -> dict[str, str]:
    return dict(field.json_schema_extra)


def _shown(value: object, unit: str) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "no"
    if isinstance(value, int) and unit.startswith("bytes") and value % 1024 == 0 and value & (value - 1) == 0:
        power = max(p for p in (1, 2, 3) if value % 1024**p == 0)
        return f"{value // 1024**power:,} {('Ki', 'Mi', 'Gi')[power - 1]}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
