"""Every RPC with requests nobody would send: a status that says what was expected, and a log that moves only by what was granted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from paidan.v1 import importer_pb2, packages_pb2, rules_pb2, tasks_pb2

from adapters.audit.verify import verify
from adapters.grpc_api.metadata import ACTOR
from adapters.grpc_api.status import told
from engine import events as ev
from engine.commands import ImportRows
from engine.events import TaskRow
from tests.fuzz.hunting import ACCEPTED, expected, hunt, seconds
from tests.fuzz.making import METHODS, Maker, encode
from tests.fuzz.mutator import Mutator
from tests.wire.served import Served
from tests.wire.telling import refused

CODE = grpc.StatusCode
CALM = {
    CODE.NOT_FOUND,
    CODE.ALREADY_EXISTS,
    CODE.FAILED_PRECONDITION,
    CODE.ABORTED,
    CODE.RESOURCE_EXHAUSTED,
    CODE.UNAVAILABLE,
}
PATIENCE_S = 1.0
HARMLESS = (ev.CommandRefused, ev.CommandHadNoEffect)
TROUBLE = 13
"""Of this grant the stand-in for explanations makes an error of the server, on purpose."""


class Messages:
    name = "messages"
    slowest_s = 10.0

    def __init__(self, served: Served) -> None:
        self._served = served
        self._calls = 0
        self.refused: set[str] = set()
        """Actors whose one request was refused for what it was, so that they may have left nothing."""

    def attempt(self, chance: Mutator) -> str:
        method = chance.choice(METHODS)
        maker = Maker(chance, self._served.workspace)
        parts = [maker.request(method) for _ in range(chance.choice([1, 2, 5]) if method.client_streaming else 1)]
        if b"\x10\x0d" in parts[0]:
            return "left alone"
        self._calls += 1
        actor = f"fuzz-{self._calls}"
        try:
            self._call(method, parts, actor)
        except grpc.RpcError as error:
            return f"{method.name}: {self._judged(error, actor, method)}"
        return ACCEPTED

    def _call(self, method: Any, parts: list[bytes], actor: str) -> None:
        path = f"/{method.containing_service.full_name}/{method.name}"
        asked, answered = ("stream" if kind else "unary" for kind in (method.client_streaming, method.server_streaming))
        call = getattr(self._served.channel, f"{asked}_{answered}")(path)  # bytes go and come as they are
        answer = call(iter(parts) if asked == "stream" else parts[0], timeout=PATIENCE_S, metadata=((ACTOR, actor),))
        if answered == "stream":
            for _, _ in zip(range(3), answer, strict=False):
                pass
            answer.cancel()

    def _judged(self, error: Any, actor: str, method: Any) -> str:
        code, said, message = error.code(), told(error), error.details() or ""
        if code is CODE.DEADLINE_EXCEEDED:
            return "deadline"  # it asked for a position that may come yet, or follows something
        if "Received message larger than max" in message:
            return "too large"  # gRPC says so itself
        if code is CODE.INVALID_ARGUMENT:
            self.refused.add(actor)
            assert said.violations, f"no field is named: {message}"
            for violation in said.violations:
                assert violation.description.startswith(("Expected ", "and ")), violation
        else:
            assert code in CALM, f"{method.name}: {code}: {message}"
        assert said.reason, f"{method.name}: {code} without a reason: {message}"
        return f"{code.name} {expected(message)}"


@pytest.fixture(scope="module")
def filled(ruled: Served, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """With some tasks, and packages whose importing is left to whoever calls."""
    ruled.pause_importer()
    for task_type in ("ticket", "case", "call", "ticket", "ticket", "nobody-knows"):
        ruled.tasks.CreateTask(tasks_pb2.CreateTaskRequest(parent=ruled.parent, task_type=task_type))
    file = tmp_path_factory.mktemp("lists") / "list.csv"
    for number in range(3):
        file.write_text(f"cust,days\nC{number},7\n")
        mapping = packages_pb2.ColumnMapping(customer="cust", attributes={"days": "days"})
        spec = packages_pb2.PackageSpec(task_type="call", mapping=mapping)
        ruled.packages.ImportPackage(packages_pb2.ImportPackageRequest(parent=ruled.parent, uri=str(file), spec=spec))
    return ruled


@pytest.mark.parametrize(
    "rows", [b'{"package":1,"columns":["\xff"]', b'{"package":' + b"[" * 100_000, b"null", b"", b'{"package":1}']
)
def test_rows_that_are_no_rows(filled: Served, rows: bytes) -> None:
    request = importer_pb2.ImportRowsRequest(name=filled.name("packages", 1), command_json=rows)
    found = refused(filled.importer.ImportRows, request)
    assert (found.code, found.fields) == (CODE.INVALID_ARGUMENT, ["command_json"])


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (("days",), TaskRow(2, "C1", None, None, 0, ())),
        (("days", "days"), TaskRow(2, "C1", None, None, 0, (1, 2))),
        ((), TaskRow(2, "C1", None, None, 10**9, ())),
        ((), TaskRow(-2, "C1", None, None, 0, ())),
    ],
)
def test_rows_of_another_shape_never_reach_the_log(filled: Served, columns: tuple[str, ...], row: TaskRow) -> None:
    """Whoever reads the log would trip over them, for ever."""
    number = 3
    filled.importer.StartParsing(importer_pb2.StartParsingRequest(name=filled.name("packages", number)))
    request = importer_pb2.ImportRowsRequest(
        name=filled.name("packages", number), command_json=encode(ImportRows(number, 0, columns, (row,)))
    )
    found = refused(filled.importer.ImportRows, request)
    assert (found.code, found.reason, found.fields) == (CODE.INVALID_ARGUMENT, "CHUNK_INVALID", ["rows"])


def test_rules_that_name_no_attribute_can_be_tried_while_tasks_wait(filled: Served) -> None:
    source = f"workspace: {filled.workspace}\nattributes: {{task: {{days: int, rate: float, tags: list(string), vip: bool, note: string}}}}"
    answer = filled.rules.ApplyRules(
        rules_pb2.ApplyRulesRequest(parent=filled.parent, source=source, validate_only=True)
    )
    assert answer.moves


def test_no_request_breaks_the_server(filled: Served, postgres: str) -> None:
    entrance = Messages(filled)
    figures = hunt(entrance, seconds(8))
    print(figures.report())
    assert not figures.faults, figures.report()
    assert figures.accepted > 0 and figures.refused
    still_whole(filled, postgres, entrance.refused)


def still_whole(served: Served, dsn: str, refused: set[str]) -> None:
    """The server answers, the views come up to the log, a replay gives them again, and what was refused left nothing."""
    assert HealthStub(served.channel).Check(HealthCheckRequest(), timeout=5).status == 1
    caught_up(served)
    for recorded in _log_of(served):
        assert recorded.actor not in refused or isinstance(recorded.event, HARMLESS), recorded
    served.pause_views()
    try:
        report = verify(dsn, served.workspace)
    finally:
        served.resume_views()
    assert report.ok, [finding.message for finding in report.findings if not finding.ok]


def caught_up(served: Served) -> None:
    """Once the views show all of the log."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        rows = served.wait(served._queries.positions())
        if rows and all(row.position >= served.writer.position for row in rows):
            return
    raise AssertionError(f"the views are stuck before position {served.writer.position}: {rows}")


def _log_of(served: Served) -> Iterator[Any]:
    after = 0
    while found := served.wait(served._queries.events(after, 500)):
        yield from found
        after = found[-1].position
