"""The command line as a contract: commands, options, exit codes, and answers that show what was just done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from paidan.v1.audit_pb2 import ReadEventsRequest
from typer.testing import CliRunner

from adapters.cli import app
from server import main
from tests.acceptance.serving import EXAMPLES, Paidan, free_address, paidan

REMOTE = (
    "rules apply", "rules show", "rules list", "rules diff", "agents apply", "agents list", "agents presence",
    "packages import", "packages show", "packages list", "packages rejected", "packages withdraw", "tasks create",
    "tasks list", "tasks show", "tasks watch", "tasks claim", "tasks start", "tasks complete", "tasks reassign", "tasks cancel",
    "tasks handover", "tasks lock", "tasks unlock", "tasks accept", "tasks reject", "tasks feedback",
    "tasks reprioritise", "tasks deadlines", "tasks comment", "tasks merge",
    "events", "history", "explain", "verify", "simulate", "stats", "views list", "views rebuild",
)  # fmt: skip
LOCAL = ("serve", "demo", "doctor")
assert callable(main)  # importing it adds the first two to the tree


def every_command(group: Any, path: str = "") -> set[str]:
    found = set()
    for name, command in group.commands.items():
        whole = f"{path} {name}".strip()
        found |= every_command(command, whole) if hasattr(command, "commands") else {whole}
    return found


def test_the_commands_are_those_of_the_contract() -> None:
    assert every_command(typer.main.get_command(app)) == {*REMOTE, *LOCAL}


@pytest.mark.parametrize("command", [*REMOTE, *LOCAL])
def test_every_command_has_help_and_the_same_options(command: str) -> None:
    found = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert found.exit_code == 0
    for option in ("--json", "--workspace", *(["--server"] if command != "demo" else ["--listen"])):
        assert option in found.output, option


@pytest.mark.parametrize(
    "words",
    [
        ["tasks", "show", "x"],
        ["tasks", "list", "--limit", "-1"],
        ["nonsense"],
        ["serve", "--workspace", "Not A Name"],
        ["serve", "--only", "projector", "--data", "/nonexistent/x"],
        ["rules", "apply", "/nonexistent/rules.yaml"],
        ["tasks", "create"],
    ],
)
def test_usage_has_exit_code_2(words: list[str]) -> None:
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 2 and found.stderr and not found.stdout


def test_the_program_ends_with_these_codes() -> None:
    assert paidan("--help").returncode == 0
    wrong = paidan("serve", "--workspace", "Not A Name")
    assert wrong.returncode == 2 and "Not A Name" in wrong.stderr and "Traceback" not in wrong.stderr


def test_a_server_that_is_not_there_has_exit_code_3() -> None:
    found = paidan("stats", "--server", free_address())
    assert found.returncode == 3 and "is it running?" in found.stderr and not found.stdout


def test_a_refusal_has_exit_code_1_and_says_why(desk: Paidan) -> None:
    for words, reason in (
        (("tasks", "show", "99999999"), "TASK_UNKNOWN"),
        (("tasks", "claim", "nobody"), "AGENT_UNKNOWN"),
        (("packages", "show", "99999"), "PACKAGE_UNKNOWN"),
        (("rules", "show", "99"), "RULE_SET_UNKNOWN"),
        (("tasks", "list", "--filter", "statsu = 1"), "did you mean"),
    ):
        found = desk.refused(*words)
        assert reason in found and "Expected" in found, found
    assert desk.run("tasks", "show", "99999999", code=1).stderr == desk.refused("tasks", "show", "99999999")


def test_another_workspace_is_not_served(desk: Paidan) -> None:
    found = paidan("stats", "--server", desk.address, "--workspace", "other")
    assert found.returncode == 1 and "retail-bank" in found.stderr


def test_the_environment_names_server_and_workspace(desk: Paidan) -> None:
    found = paidan("agents", "list", "--json", PAIDAN_SERVER=desk.address, PAIDAN_WORKSPACE=desk.workspace)
    assert found.returncode == 0 and len(found.stdout.splitlines()) == 8
    assert all(json.loads(line)["capacity"] for line in found.stdout.splitlines())


def test_what_was_just_created_is_shown(desk: Paidan) -> None:
    """Read your writes, thirty times in a row."""
    for priority in range(30):
        made = desk.told("tasks", "create", "odd_job", "--priority", str(priority))[0]
        shown = desk.told("tasks", "show", str(made["number"]))[0]
        assert (shown["number"], shown["priority"], shown["status"]) == (made["number"], priority, "pooled")
        assert shown["waiting_for"] == "no_rule_governs"
        assert desk.told("tasks", "list", "--filter", f"number = {made['number']}")[0] == shown


def test_a_task_from_creation_to_completion(desk: Paidan) -> None:
    number = str(
        desk.told("tasks", "create", "complaint", "--region", "JS", "--customer", "C1", "--request-id", "c-1")[0][
            "number"
        ]
    )
    again = desk.told("tasks", "create", "complaint", "--region", "JS", "--customer", "C1", "--request-id", "c-1")[0]
    assert str(again["number"]) == number
    assert desk.refused("tasks", "claim", "he-lei", "--task", number)  # of level 1, outside the targets
    grant = desk.told("tasks", "claim", "chen-jing", "--task", number)[0]["grant"]
    moved = desk.told("tasks", "reassign", number, "lin-wei", "--reason", "ill")[0]["grant"]
    assert moved > grant
    late = ("tasks", "start", number, "--agent", "chen-jing", "--grant", str(grant), "--request-id", "late")
    assert "STALE_GRANT" in desk.refused(*late)
    desk.told("tasks", "start", number)
    short = desk.refused("tasks", "complete", number, "-w", "note=paid")
    assert "cause" in short and "disposition" in short
    desk.told("tasks", "complete", number, "-w", "note=paid", "-w", "cause=fee", "-w", "disposition=refund")
    shown = desk.told("tasks", "show", number)[0]
    assert shown["status"] == "completed" and shown["wrap_up"]["disposition"] == "refund"
    events = [event["type"] for event in desk.told("history", number)]
    assert events == [
        "TaskCreated.v1", "TasksPooled.v1", "DeadlinesSet.v1", "CommandRefused.v1", "TaskClaimed.v1",
        "TaskReassigned.v1", "CommandRefused.v1", "TaskStarted.v1", "TaskCompleted.v1",
    ]  # fmt: skip


def test_a_task_is_cancelled(desk: Paidan) -> None:
    number = str(desk.told("tasks", "create", "odd_job")[0]["number"])
    desk.told("tasks", "cancel", number, "--reason", "done with")
    assert desk.told("tasks", "show", number)[0]["status"] == "cancelled"
    assert desk.refused("tasks", "cancel", number)


def test_rules_are_tried_applied_and_compared(desk: Paidan, tmp_path: Path) -> None:
    source = (EXAMPLES / "rules" / "retail-bank.yaml").read_text()
    changed = tmp_path / "rules.yaml"
    changed.write_text(source.replace("cap_per_agent: 200", "cap_per_agent: 190"))
    tried = desk.told("rules", "apply", str(changed), "--dry-run")[0]
    assert [change["rule"] for change in tried["rule_changes"]] == ["phone-screening"]
    assert len(desk.told("rules", "list")) == 1
    desk.told("rules", "apply", str(changed), "--reason", "less screening")
    versions = desk.told("rules", "list")
    assert [version["version"] for version in versions] == [2, 1] and versions[0]["reason"] == "less screening"
    assert desk.told("rules", "diff", "1", "2")[0]["rule_changes"] == tried["rule_changes"]
    assert desk.run("rules", "show").stdout == changed.read_text()
    assert desk.told("rules", "show", "1")[0]["source"] == source
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(source.replace("task.overdue_days > 30", "task.overdue_dys > 30"))
    assert "line 63, column 43" in (found := desk.refused("rules", "apply", str(wrong)))
    assert "did you mean task.overdue_days?" in found
    assert desk.told("rules", "apply", str(EXAMPLES / "rules" / "retail-bank.yaml"))[-1]["version"] == 3


def test_presence_counts_at_once(desk: Paidan) -> None:
    desk.told("agents", "presence", "guo-fang", "away", "--reason", "lunch")
    assert {agent["agent_id"]: agent["presence"] for agent in desk.told("agents", "list")}["guo-fang"] == "away"
    assert desk.told("agents", "presence", "guo-fang", "available")[0]["changed"]
    assert not desk.told("agents", "presence", "guo-fang", "available")[0]["changed"]


def test_events_are_followed(desk: Paidan) -> None:
    """From the first position, then on as they come."""
    assert [event["position"] for event in desk.told("events", "--from", "2", "--limit", "2")] == [2, 3]
    position = desk.told("tasks", "create", "odd_job")[0]["position"]
    request = ReadEventsRequest(parent=desk.parent, from_position=position, follow=True)
    steps = desk.client.stream(desk.client.audit.ReadEvents, request)
    assert next(steps).events[0].position == position
    later = desk.told("tasks", "create", "odd_job")[0]["position"]
    seen = []
    while later not in seen:
        seen += [event.position for event in next(steps).events]
    assert seen == list(range(position + 1, later + 1))


def test_what_would_have_come_of_it(desk: Paidan) -> None:
    report = desk.told("simulate", str(EXAMPLES / "rules" / "retail-bank.yaml"))[-1]
    assert report["events"] and report["tasks"]
