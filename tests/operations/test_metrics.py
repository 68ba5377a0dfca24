"""Metrics of a whole server, on one port; and whether it is ready."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import psutil
import pytest
from paidan.v1.tasks_pb2 import ClaimTaskRequest, CreateTaskRequest

from adapters.grpc_api.client import CallError
from adapters.grpc_api.probe import health_of
from tests.acceptance.sending import Sender
from tests.acceptance.serving import EXAMPLES, Paidan, until
from tests.operations.watching import Watched

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
OPERATIONS = Path(__file__).parents[2] / "adapters" / "operations"
CREATE = "/paidan.v1.TaskService/CreateTask"
CLAIM = "/paidan.v1.TaskService/ClaimTask"


def create(served: Paidan, request: str) -> int:
    asked = CreateTaskRequest(parent=served.parent, task_type="errand", request_id=request)
    return int(served.client.ask(served.client.tasks.CreateTask, asked).number)


def test_calls_commands_and_events_are_counted(watched: Watched) -> None:
    before = watched.value("paidan_rpc_seconds_count", method=CREATE, code="OK")
    for number in range(3):
        create(watched.served, f"counted-{number}")
    assert watched.value("paidan_rpc_seconds_count", method=CREATE, code="OK") == before + 3
    assert watched.value("paidan_rpc_seconds_bucket", method=CREATE, code="OK", le="10.0") == before + 3
    assert watched.value("paidan_commands_total", command="CreateTask", outcome="done") == before + 3
    assert watched.value("paidan_events_total", event="TaskCreated.v1") >= 3
    assert 0 < watched.value("paidan_append_seconds_count") <= watched.value("paidan_append_events_sum")


def test_refusals_are_counted_by_reason(watched: Watched) -> None:
    asked = ClaimTaskRequest(parent=watched.served.parent, agent="nobody", task=1, request_id="refused")
    with pytest.raises(CallError) as refused:
        watched.served.client.ask(watched.served.client.tasks.ClaimTask, asked)
    samples = watched.samples()
    assert samples["paidan_refusals_total"][frozenset({("reason", refused.value.reason)})] == 1
    failed = {dict(labels)["code"] for labels in samples["paidan_rpc_seconds_count"] if ("method", CLAIM) in labels}
    assert failed and "OK" not in failed


def test_positions_and_lags_are_shown(watched: Watched) -> None:
    create(watched.served, "positions")
    head = watched.served.caught_up()
    until(lambda: watched.value("paidan_log_position") >= head, "the log's position")
    until(lambda: watched.value("paidan_view_position", view="tasks") >= head, "the view's position")
    until(lambda: watched.value("paidan_publisher_position") >= head, "the publisher's position")
    samples = watched.samples()
    assert samples["paidan_view_lag_events"].keys() == samples["paidan_view_position"].keys()
    assert watched.value("paidan_publisher_connected") == 1
    assert watched.value("paidan_workspace_owned") == 1
    assert watched.value("paidan_state_items", kind="tasks") >= 1


def test_rows_of_packages_and_tasks_by_status_are_shown(watched: Watched) -> None:
    served = watched.served
    served.run("rules", "apply", str(EXAMPLES / "rules" / "retail-bank.yaml"))
    package = EXAMPLES / "packages"
    served.run(
        "packages", "import", str(package / "overdue.csv"), "--mapping", str(package / "mapping.yaml"),
        "--task-type", "follow_up", "--business-type", "consumer_loan", "--segment", "s1",
    )  # fmt: skip
    rows = len((package / "overdue.csv").read_text("utf-8").splitlines()) - 1
    assert watched.value("paidan_import_rows_total", outcome="imported") == rows
    assert watched.value("paidan_packages_parsed_total") == 1
    until(lambda: sum(watched.samples().get("paidan_tasks", {}).values()) >= rows, "tasks by status")


def test_messages_that_ask_for_tasks_are_counted(watched: Watched) -> None:
    sender = Sender(watched.served.data, watched.served.workspace)
    until(lambda: watched.value("paidan_intake_connected") == 1, "messages to be taken")
    sender.send(["counted"])
    sender.ask(lambda js: js.publish(f"paidan.{sender.workspace}.in.tasks", b"no task"))
    for outcome in ("created", "dead"):
        until(lambda o=outcome: watched.value("paidan_intake_messages_total", outcome=o) == 1, outcome)  # type: ignore[misc]  # mypy knows no defaults of lambdas
    until(lambda: watched.value("paidan_intake_waiting") == 0, "nothing to wait")


def test_a_process_that_was_started_again_is_counted_and_goes_on_counting(watched: Watched) -> None:
    create(watched.served, "before-the-restart")
    calls = watched.value("paidan_rpc_seconds_count", method=CREATE, code="OK")
    watched.served.process("server").kill()
    until(lambda: watched.value("paidan_process_restarts_total", process="server") == 1, "a restart")
    until(lambda: watched.get("/readyz")[0] == 200, "a server that is ready")
    create(watched.served, "after-the-restart")
    assert watched.value("paidan_rpc_seconds_count", method=CREATE, code="OK") == calls + 1
    samples = watched.samples()
    assert {dict(labels)["process"] for labels in samples["paidan_process_up"]} == {
        "server", "projector", "importer", "publisher", "connector",
    }  # fmt: skip
    assert min(samples["paidan_process_resident_bytes"].values()) > 1_000_000


def test_views_that_stand_still_make_it_unready_for_queries_alone(watched: Watched) -> None:
    served = watched.served
    until(lambda: watched.get("/readyz") == (200, "ready\n"), "a server that is ready")
    projector: psutil.Process = served.process("projector")
    projector.suspend()
    try:
        create(served, "unseen")
        until(lambda: watched.get("/readyz")[0] == 503, "a server that is not ready")
        assert watched.get("/readyz")[1] == "queries: NOT_SERVING\n"
        said = {name: health_of(served.address, name) for name in ("", "commands", "queries", "readiness", "liveness")}
        assert said == {
            "": "SERVING", "commands": "SERVING", "liveness": "SERVING", "queries": "NOT_SERVING", "readiness": "NOT_SERVING",
        }  # fmt: skip
        assert watched.value("paidan_view_lag_seconds", view="tasks") > 1
        assert watched.get("/healthz") == (200, "alive\n")
    finally:
        projector.resume()
    until(lambda: watched.get("/readyz")[0] == 200, "a server that is ready again")


def test_a_stand_by_serves_queries_and_no_commands(watched: Watched) -> None:
    second = Paidan(watched.served.data, watched.served.workspace).start(serving=False)
    try:
        until(lambda: health_of(second.address, "queries") == "SERVING", "queries of the stand-by")
        said = [
            health_of(second.address, name)
            for name in ("", "paidan.v1.TaskService", "commands", "readiness", "liveness")
        ]
        assert said == ["NOT_SERVING", "NOT_SERVING", "NOT_SERVING", "NOT_SERVING", "SERVING"]
        assert second.told("tasks", "list", "--limit", "1")
    finally:
        assert second.stop() == 0
    assert health_of(second.address) == grpc.StatusCode.UNAVAILABLE.name


def test_other_paths_are_refused(watched: Watched) -> None:
    assert watched.get("/")[0] == 404


def test_children_are_told_nothing_on_their_command_line(watched: Watched) -> None:
    lines = [" ".join(child.cmdline()) for child in psutil.Process(watched.served.pid).children()]
    assert any("--only server" in line for line in lines)
    assert not [line for line in lines if "postgres" in line or "--nats" in line]


def test_every_metric_is_documented_and_every_documented_one_is_there(watched: Watched) -> None:
    documented = set(re.findall(r"^\| `(paidan_\w+)`", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    shown = set(re.findall(r"^# TYPE (paidan_\w+)", watched.get("/metrics")[1], re.MULTILINE))
    assert shown and shown <= documented, "what was not counted yet is not shown"
    sources = [(OPERATIONS / name).read_text("utf-8") for name in ("metrics.py", "shared_metrics.py")]
    made = set(re.findall(r'"(paidan_\w+)"', "".join(sources)))
    assert {name.removesuffix("_total") for name in documented} == made
