"""Tasks in a file, a JSON object a line, created all or none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import typer
from paidan.v1.tasks_pb2 import BatchCreateTasksRequest, BatchCreateTasksResponse, CreateTaskRequest, Person

from adapters.cli.session import Session, fail, read_text
from adapters.grpc_api.client import CallError
from adapters.grpc_api.values import to_values
from engine.decide.batches import MAX_BATCH
from engine.events import AttributeValue

_PLACE = re.compile(r"requests\[(\d+)\]\.?(.*)", re.DOTALL)


class PersonLine(msgspec.Struct, forbid_unknown_fields=True):
    full_name: str = ""
    mobile: str = ""
    id_card: str = ""


class TaskLine(msgspec.Struct, forbid_unknown_fields=True):
    """One line, its fields named as in the contract."""

    task_type: str
    business_type: str = ""
    attributes: dict[str, AttributeValue] = {}
    customer: str = ""
    owner: str = ""
    region: str = ""
    priority: int | None = None
    person: PersonLine | None = None


_decode: Callable[[str], TaskLine] = msgspec.json.Decoder(TaskLine).decode


def create_all(session: Session, file: Path, request_id: str) -> BatchCreateTasksResponse:
    """Ends the command where a line is no task, naming file and line; then nothing was created."""
    lines = _tasks_in(file)
    request = BatchCreateTasksRequest(
        parent=session.parent, requests=[task for _, task in lines], request_id=request_id
    )
    try:
        return session.ask(session.client.tasks.BatchCreateTasks, request)
    except CallError as error:
        places = [_PLACE.fullmatch(violation.field) for violation in error.violations]
        if not any(places):
            raise
        told = [
            _at(
                file,
                lines[int(place[1])][0],
                f"{place[2]}: {violation.description}" if place[2] else violation.description,
            )
            if place
            else violation.description
            for place, violation in zip(places, error.violations, strict=True)
        ]
        raise fail("\n".join([f"{error.message} ({error.reason})", *told]), error.exit_code) from error


def _tasks_in(file: Path) -> list[tuple[int, CreateTaskRequest]]:
    """Line numbers from 1, and what stands there; empty lines are passed over."""
    lines = [(number, text) for number, text in enumerate(read_text(file).split("\n"), 1) if text.strip()]
    if not 0 < len(lines) <= MAX_BATCH:
        raise fail(
            f"Expected 1 to {MAX_BATCH} tasks in {file}, but there are {len(lines)}; split it, or import a package"
        )
    return [(number, _task_of(file, number, text)) for number, text in lines]


def _task_of(file: Path, number: int, text: str) -> CreateTaskRequest:
    try:
        line = _decode(text)
        fields: dict[str, Any] = {name: getattr(line, name) for name in line.__struct_fields__}
        fields["attributes"] = to_values(line.attributes)
        fields["person"] = Person(**msgspec.structs.asdict(line.person)) if line.person else None
        return CreateTaskRequest(**fields)
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
        raise _bad(file, number, error) from error


def _bad(file: Path, number: int, error: Exception) -> typer.Exit:
    return fail(_at(file, number, f"Expected a task as a JSON object, but {str(error)[:200]}"))


def _at(file: Path, number: int, text: str) -> str:
    return f"{file}, line {number}: {text}"
