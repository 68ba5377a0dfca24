"""The client of examples/node does the main job; what it prints is held against the server's own answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from paidan.v1.audit_pb2 import ListAssignmentsRequest

from tests.acceptance.serving import Paidan
from tests.languages import node
from tests.languages.losing import losing


@pytest.fixture(scope="module", autouse=True)
def packages() -> None:
    node.install(node.CLIENT)


JS = 'status = "assigned" AND region = "JS"'
REFUSED = [
    "refused: ABORTED STALE_GRANT",
    "refused: INVALID_ARGUMENT REQUEST_INVALID; agent: Expected a value, but it is empty",
]


def expected(paidan: Paidan) -> Iterator[str]:
    """What the client must have printed, by the server's own account."""
    (version,) = paidan.told("rules", "list")
    yield f"rules: version {version['version']}"
    yield f"roster: {len(paidan.told('agents', 'list'))} agents"
    yield package_line(paidan, *paidan.told("packages", "list"))
    for task in paidan.told("tasks", "list", "--filter", JS, "--order-by", "number"):
        yield f"task {task['number']}: {task['agent']} by {task['picked_by']}"
    (task,) = paidan.told("tasks", "list", "--filter", 'customer = "C00000021" AND type = "complaint"')
    yield f"claimed: task {task['number']} under grant {grant_of(paidan, task['number'])}"
    yield f"completed: task {task['number']} is TASK_STATUS_COMPLETED, cause {task['wrap_up']['cause']}"
    yield from REFUSED


def grant_of(paidan: Paidan, task: int) -> int:
    """The grant of its only assignment."""
    request = ListAssignmentsRequest(parent=paidan.parent, task=task)
    (assignment,) = paidan.client.audit.ListAssignments(request).assignments
    return int(assignment.grant)


def package_line(paidan: Paidan, package: dict[str, Any]) -> str:
    waiting = ", ".join(sorted(f"{count} {reason}" for reason, count in package["not_distributed"].items()))
    status = f"PACKAGE_STATUS_{package['status'].upper()}"
    rows = f"{package['distributed']} of {package['rows']} rows to agents"
    return f"{paidan.parent}/packages/{package['number']}: {status}, {rows}, waiting: {waiting}"


def test_the_main_job(paidan: Paidan) -> None:
    printed, err = node.run(node.CLIENT, paidan.address, paidan.workspace)
    paidan.caught_up()
    assert printed == list(expected(paidan))
    assert err == ""
    actors = {event["actor"] for event in paidan.told("events", "--from", "1")}
    assert "node-example" in actors


def test_answers_that_were_lost_are_asked_for_again_with_the_same_request_id(paidan: Paidan) -> None:
    """The server did what was asked, the client never heard of it: one effect, and its answer in the end."""
    lost = ("ApplyRules", "UploadPackage", "CreateTask", "ClaimTask", "CompleteTask", "GetTask")
    with losing(paidan.address, *lost) as line:
        printed, err = node.run(node.CLIENT, line, paidan.workspace)
    paidan.caught_up()
    assert printed == list(expected(paidan))
    for method in lost:
        assert f"{method}: the line broke; once more with the same request id" in err
    complaints = paidan.told("tasks", "list", "--filter", 'type = "complaint"')
    assert sorted((task["status"], task["agent"]) for task in complaints) == [
        ("assigned", "chen-jing"),
        ("completed", "chen-jing"),
    ]
