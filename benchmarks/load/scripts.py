"""What callers do, as scripts for ``benchmarks.load.connection``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from paidan.v1 import tasks_pb2

from benchmarks.desk import CLERKS, create_request
from benchmarks.load.connection import Script
from benchmarks.served import PARENT

SERVICE = "/paidan.v1.TaskService/"
CREATE, CLAIM, START, COMPLETE = (SERVICE + name for name in ("CreateTask", "ClaimTask", "StartTask", "CompleteTask"))
ECHO = "/bench.Echo/Echo"


class Held(NamedTuple):
    """A task that a clerk holds."""

    task: int
    clerk: str
    grant: int


def echoes(count: int) -> Iterator[Script]:
    """Calls of the size of a claim."""
    message = _claim("echo", CLERKS[0], 0)
    return (_once(ECHO, message) for _ in range(count))


def creates(first: int, count: int, made: list[int]) -> Iterator[Script]:
    """Tasks for the claim pool; their numbers go into ``made``."""

    def create(number: int) -> Script:
        answer = yield CREATE, create_request(number).SerializeToString()
        made.append(tasks_pb2.CreateTaskResponse.FromString(answer).number)

    return (create(number) for number in range(first, first + count))


def claims(tag: str, count: int, held: list[Held]) -> Iterator[Script]:
    """Each takes the first task of the pool; what is held goes into ``held``."""

    def claim(number: int) -> Script:
        clerk = CLERKS[number % len(CLERKS)]
        answer = tasks_pb2.ClaimTaskResponse.FromString((yield CLAIM, _claim(f"{tag}-{number}", clerk, 0)))
        held.append(Held(answer.number, clerk, answer.grant))

    return (claim(number) for number in range(count))


def starts(held: Sequence[Held]) -> Iterator[Script]:
    """Work begins on each."""
    return (_once(START, _start(one)) for one in held)


def completes(held: Sequence[Held]) -> Iterator[Script]:
    """Work ends on each."""
    return (_once(COMPLETE, _complete(one)) for one in held)


def lifecycles(tag: str, first: int, count: int) -> Iterator[Script]:
    """A task is created, taken, begun and completed: four durable commands, each after the answer to the last."""

    def live(number: int) -> Script:
        created = tasks_pb2.CreateTaskResponse.FromString((yield CREATE, create_request(number).SerializeToString()))
        clerk = CLERKS[number % len(CLERKS)]
        asked = _claim(f"{tag}-{number}", clerk, created.number)
        claimed = tasks_pb2.ClaimTaskResponse.FromString((yield CLAIM, asked))
        held = Held(created.number, clerk, claimed.grant)
        yield START, _start(held)
        yield COMPLETE, _complete(held)

    return (live(number) for number in range(first, first + count))


def _once(path: str, message: bytes) -> Script:
    yield path, message


def _claim(request: str, clerk: str, task: int) -> bytes:
    asked = tasks_pb2.ClaimTaskRequest(parent=PARENT, agent=clerk, task=task, request_id=f"claim-{request}")
    return bytes(asked.SerializeToString())


def _start(held: Held) -> bytes:
    return bytes(tasks_pb2.StartTaskRequest(**_assignment("start", held)).SerializeToString())


def _complete(held: Held) -> bytes:
    asked = tasks_pb2.CompleteTaskRequest(**_assignment("complete", held), wrap_up={"note": "done"})
    return bytes(asked.SerializeToString())


def _assignment(what: str, held: Held) -> dict[str, Any]:
    name = f"{PARENT}/tasks/{held.task}"
    return {"name": name, "agent": held.clerk, "grant": held.grant, "request_id": f"{what}-{held.grant}"}
