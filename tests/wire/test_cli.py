"""The command line against a running server: what it does, what it says, and how it ends."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adapters.cli import app
from tests.wire.served import RULES, Served, fresh

ROOT = Path(__file__).parents[2]
MAPPING = "{customer: cust, name: who, mobile: phone, region: area, attributes: {days: days}}"


class Cli:
    """Runs commands in one workspace, in a directory of their own."""

    def __init__(self, served: Served, directory: Path) -> None:
        self.served, self.directory = served, directory

    def __call__(self, *arguments: object, code: int = 0) -> Result:
        where = ("--server", self.served.target, "--workspace", self.served.workspace)
        result = CliRunner().invoke(app, [*map(str, arguments), *where])
        assert result.exit_code == code, result.output
        return result

    def json(self, *arguments: object) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*arguments, "--json").stdout.splitlines()]

    def file(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text.format(workspace=self.served.workspace) if "{{" in text else text)
        return path


@pytest.fixture
def cli(ruled: Served, tmp_path: Path) -> Cli:
    return Cli(ruled, tmp_path)


def test_rules(cli: Cli) -> None:
    more = cli.file("more.yaml", RULES.replace("cap_per_agent: 3", "cap_per_agent: 4"))
    dry = cli("rules", "apply", more, "--dry-run").stdout
    assert "~ rule claimed" in dry and "cap_per_agent: 3 -> 4" in dry
    assert cli("rules", "diff", more).stdout == dry
    assert "Version 2 is in force" in cli("rules", "apply", more, "--reason", "room").stdout
    assert "Nothing differs" in cli("rules", "apply", more).stdout
    assert cli("rules", "show").stdout == more.read_text()
    assert [row["version"] for row in cli.json("rules", "list")] == [2, 1]
    assert cli.json("rules", "list")[0]["reason"] == "room" and "room" in cli("rules", "list").stdout
    assert "cap_per_agent: 3 -> 4" in cli("rules", "diff", "1", "2").stdout
    diff = cli.json("rules", "diff", "1")[0]
    assert diff["rule_changes"] == [
        {"rule": "claimed", "kind": "changed", "fields": [{"field": "cap_per_agent", "before": "3", "after": "4"}]}
    ]
    assert cli.json("rules", "show", "1")[0]["source"].startswith("workspace:")
    bad = cli.file("bad.yaml", RULES.replace("task.days", "task.dayz"))
    told = cli("rules", "apply", bad, code=1).stderr
    assert "line 10, column 11" in told and "RULES_INVALID" in told
    assert "no file nope" in cli("rules", "diff", "nope", code=2).stderr
    cli("rules", "apply", "nope.yaml", code=2)


def test_agents(cli: Cli) -> None:
    roster = cli.file("a.csv", "id,name,capacity,level,regions\nC1,张三,5,3,JS|ZJ\nC2,李四,,,\n")
    assert "roster of 2 agents is in force" in cli("agents", "apply", roster).stdout
    assert "already" in cli("agents", "apply", roster).stdout
    found = cli.json("agents", "list", "--filter", 'agent_id : "C"', "--order-by", "agent_id desc")
    assert [row["agent_id"] for row in found] == ["C2", "C1"]
    assert (found[1]["attributes"], found[1]["capacity"], found[1]["presence"]) == (
        {"level": 3, "regions": ["JS", "ZJ"]},
        5,
        "available",
    )
    assert "张三" in cli("agents", "list").stdout
    assert cli("agents", "presence", "C1", "away").stdout == "C1 is away.\n"
    assert cli.json("agents", "presence", "C1", "away")[0]["changed"] is False
    cli("agents", "presence", "C1", "asleep", code=2)
    assert "AGENT_UNKNOWN" in cli("agents", "presence", "nobody", "away", code=1).stderr
    broken = cli.file("b.yaml", "- id: X\n  capacity: many\n")
    assert "line 2, column 13" in cli("agents", "apply", broken, code=2).stderr
    assert "AGENT_HOLDS_TASKS" in _with_begun_task(
        cli, lambda: cli("agents", "apply", roster, "--prune", code=1).stderr
    )


def _with_begun_task(cli: Cli, run: Any) -> str:
    made = cli.json("tasks", "create", "ticket")[0]
    cli("tasks", "claim", "A1", "--task", made["number"])
    cli("tasks", "start", made["number"])
    told = run()
    cli("tasks", "cancel", made["number"])
    return told


def test_packages(cli: Cli, list_file: Path) -> None:
    mapping = cli.file("map.yaml", MAPPING)
    shown = cli("packages", "import", list_file, "--task-type", "call", "--mapping", mapping).stdout
    assert "partly distributed" in shown and "all_at_capacity=1" in shown
    number = cli.json("packages", "list")[0]["number"]
    again = cli("packages", "import", list_file, "--task-type", "call", "--mapping", mapping, "--no-follow").stdout
    assert again.startswith(f"Package {number}: the same content is in already")
    assert cli.json("packages", "show", number)[0]["rows"] == 5
    assert "many" in cli("packages", "rejected", number).stdout
    output = cli.directory / "rejected.csv"
    cli("packages", "rejected", number, "-o", output)
    with output.open(newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["7"]
    assert cli("packages", "withdraw", number).stdout == f"Package {number} is taken back.\n"
    assert cli.json("packages", "withdraw", number)[0]["changed"] is False
    assert "PACKAGE_UNKNOWN" in cli("packages", "show", 999, code=1).stderr


def test_an_upload_followed_as_json(cli: Cli, list_file: Path) -> None:
    options = ("--task-type", "case", "-c", "customer=cust", "-a", "days=days", "--upload")
    steps = cli.json("packages", "import", list_file, *options)
    assert steps[0]["uri"] == "upload:list.csv" and steps[-1]["not_distributed"] == {"to_be_assigned": 5}
    cli("packages", "import", "nothing.csv", *options, code=2)
    cli("packages", "import", list_file, "--task-type", "case", "-c", "nope=x", code=2)
    cli("packages", "import", list_file, "--task-type", "case", "-c", "customer", code=2)
    cli("packages", "import", list_file, "--task-type", "case", "--mapping", cli.file("m.yaml", "custmer: x"), code=2)
    assert "SOURCE_UNREADABLE" in cli("packages", "import", "/nothing.csv", "--task-type", "case", code=1).stderr
    failed = cli(
        "packages", "import", cli.file("x.csv", "a,b\n1,2\n"), "--task-type", "case", "-c", "customer=c", code=1
    )
    assert "it failed" in failed.stderr


def test_a_task_s_life(cli: Cli) -> None:
    attributes = ("-a", "days=9", "-a", "rate=1.0", "-a", "tags=[a, b]", "-a", 'note="7"')
    made = cli.json("tasks", "create", "call", *attributes, "--customer", "C1", "--priority", 3)[0]
    task = cli.json("tasks", "list", "--filter", 'customer = "C1" AND number = ' + str(made["number"]))
    number = made["number"]
    assert "A1" in cli("tasks", "start", number).stdout
    shown = cli.json("tasks", "show", number)[0]
    assert (
        shown["attributes"] == {"days": 9, "note": "7", "rate": 1.0, "tags": ["a", "b"]}
        and shown["status"] == "in_progress"
    )
    assert "WRAP_UP_INCOMPLETE" in cli("tasks", "complete", number, code=1).stderr
    assert "is completed" in cli("tasks", "complete", number, "-w", "disposition=paid").stdout
    assert "completed" in cli("tasks", "show", number).stdout and len(task) <= 1
    history = [event["type"] for event in cli.json("history", number)]
    assert history == ["TaskCreated.v1", "TasksPooled.v1", "TasksAllocated.v1", "TaskStarted.v1", "TaskCompleted.v1"]
    assert "picked_by=least_loaded" in cli("history", number).stdout
    assert "TASK_ENDED" in cli("tasks", "cancel", number, code=1).stderr


def test_claiming_handing_on_and_cancelling(cli: Cli) -> None:
    number = cli.json("tasks", "create", "ticket")[0]["number"]
    assert "nobody does" in cli("tasks", "start", number, code=1).stderr
    given = fresh()
    held = cli.json("tasks", "claim", "A2", "--task", number, "--request-id", given)
    assert cli.json("tasks", "claim", "A2", "--task", number, "--request-id", given) == held
    assert "STALE_GRANT" in cli("tasks", "start", number, "--agent", "A2", "--grant", 1, code=1).stderr
    moved = cli("tasks", "reassign", number, "A1", "--reason", "ill").stdout
    assert moved.startswith(f"A1 holds task {number} under grant ")
    assert "is cancelled" in cli("tasks", "cancel", number, "--reason", "gone").stdout
    cli("tasks", "create", "ticket", "-a", "days", code=2)
    cli("tasks", "create", "ticket", "-a", "days={a: b}", code=2)
    cli("tasks", "create", "ticket", "-a", "days=1", "-a", "days=2", code=2)
    cli("tasks", "show", 0, code=2)
    assert "days" in cli("tasks", "create", "ticket", "-a", "days=soon", code=1).stderr
    wrong = cli("tasks", "list", "--filter", "stats = 3", code=1).stderr
    assert wrong.startswith("paidan: filter: Expected a field at column 1") and wrong.count("\n") == 1


def _held_ticket(cli: Cli) -> tuple[int, int]:
    number = cli.json("tasks", "create", "ticket")[0]["number"]
    return number, cli.json("tasks", "claim", "A1", "--task", number)[0]["grant"]


def test_handing_over(cli: Cli) -> None:
    (one, grant), (other, another) = _held_ticket(cli), _held_ticket(cli)
    named = (f"{one}={grant}", f"{other}={another}", "--agent", "A1")
    told = cli("tasks", "handover", f"{one}={grant}", f"{other}=1", "--agent", "A1", code=1).stderr
    assert "STALE_GRANT" in told and f"task {other}" in told
    assert "to-rule" in cli("tasks", "handover", *named, "--to-agent", "A2", "--to-rule", "claimed", code=2).stderr
    moved = cli("tasks", "handover", *named, "--to-agent", "A2", "--note", "speaks Cantonese").stdout
    assert moved.startswith("A1 has handed over 2 tasks (position ")
    for number in (one, other):
        cli("tasks", "cancel", number)
    number, grant = _held_ticket(cli)
    given = ("tasks", "handover", number, "--agent", "A1", "--grant", grant, "--request-id", fresh())
    assert cli.json(*given) == cli.json(*given)
    cli("tasks", "cancel", number)
    for wrong in ("x", "1=", "=1", "1=x", "-1", "9" * 20):
        cli("tasks", "handover", "--agent", "A1", "--", wrong, code=2)


def test_locking(cli: Cli) -> None:
    number, grant = _held_ticket(cli)
    named = (number, "--agent", "A1", "--grant", grant)
    told = cli("tasks", "lock", *named, "--for", "1h30m", "--note", "calls back").stdout
    assert told.startswith(f"A1 keeps task {number} until 20")
    assert cli.json("tasks", "lock", *named, "--for", "2h")[0]["locked_until"].endswith("Z")
    assert "TASK_LOCKED" in cli("tasks", "reassign", number, "A2", "--grant", grant, code=1).stderr
    assert cli("tasks", "unlock", *named).stdout.startswith(f"Task {number} is unlocked, and A1 holds it still")
    assert "NOT_LOCKED" in cli("tasks", "unlock", *named, code=1).stderr
    for wrong in ("", "30", "half an hour", "0s", "[30m]", "3661d", "{"):
        assert "--for: Expected" in cli("tasks", "lock", *named, "--for", wrong, code=2).stderr
    cli("tasks", "cancel", number)


def test_reprioritising(cli: Cli) -> None:
    number, grant = _held_ticket(cli)
    named = (number, "--priority", "70", "--reason", "the mayor calls")
    assert cli("tasks", "reprioritise", *named).stdout.startswith(f"Task {number} is now of priority 70 (position ")
    assert cli("tasks", "reprioritise", *named, "--grant", grant).stdout.startswith(f"Task {number} already was of")
    assert "STALE_GRANT" in cli("tasks", "reprioritise", *named, "--grant", "1", code=1).stderr
    cli("tasks", "reprioritise", number, code=2)
    cli("tasks", "reprioritise", number, "--priority", "101", code=2)
    cli("tasks", "cancel", number)


def test_changing_deadlines(cli: Cli) -> None:
    number, grant = _held_ticket(cli)
    named = ("tasks", "deadlines", number, "--grant", grant)
    told = cli(*named, "--respond-by", "30m", "--resolve-by", "2999-01-31T18:00Z", "--reason", "he travels").stdout
    assert told.startswith(f"Task {number} has other limits now (position ")
    assert cli(*named, "--resolve-by", "2999-01-31T18:00Z").stdout.startswith(f"Task {number} had these limits already")
    assert "2999-01-31T18:00:00.000Z" in json.dumps(cli.json("tasks", "show", number))
    assert "DEADLINES_INVALID" in cli(*named, "--resolve-by", "2001-01-31", code=1).stderr
    for wrong in ((), ("--resolve-by", "soon"), ("--respond-by", "99999999d")):
        assert "Expected --" in cli(*named, *wrong, code=2).stderr
    cli("tasks", "cancel", number)


def test_commenting(cli: Cli) -> None:
    number, _ = _held_ticket(cli)
    told = cli("tasks", "comment", number, "call 13800001234 | at five").stdout
    assert told.startswith(f"It is said of task {number} (position ")
    assert "call 138****1234 | at five" in cli("tasks", "show", number).stdout
    assert cli.json("tasks", "show", number)[0]["comments"][0]["text"] == "call 138****1234 | at five"
    assert "TaskCommented.v1" in cli("history", number).stdout
    assert "text: Expected" in cli("tasks", "comment", number, " ", code=1).stderr
    cli("tasks", "cancel", number)


def test_merging(cli: Cli) -> None:
    (one, grant), (other, _), (into, _) = _held_ticket(cli), _held_ticket(cli), _held_ticket(cli)
    cli("tasks", "reprioritise", other, "--priority", "70")
    assert "STALE_GRANT" in cli("tasks", "merge", one, f"{other}=1", "--into", into, code=1).stderr
    told = cli("tasks", "merge", f"{one}={grant}", other, "--into", into, "--reason", "one call").stdout
    assert told.startswith(f"2 tasks are merged into task {into} (position ")
    assert f"task {into}, which goes on in its place" in cli("tasks", "show", one).stdout
    listed = cli.json("tasks", "list", "--filter", f'status = "merged" AND merged_into = {into}')
    assert [int(task["number"]) for task in listed] == sorted([int(one), int(other)])
    for number in (one, into):
        assert "TasksMerged.v1" in cli("history", number).stdout
    assert "MERGE_INVALID" in cli("tasks", "merge", into, "--into", into, code=1).stderr
    assert "TASK_ENDED" in cli("tasks", "merge", one, "--into", into, code=1).stderr
    cli("tasks", "cancel", into)


def test_who_holds_it_need_not_be_named(cli: Cli) -> None:
    (one, _), (other, _) = _held_ticket(cli), _held_ticket(cli)
    cli("tasks", "lock", one, "--for", "30m")
    assert "locked until" in cli("tasks", "show", one).stdout
    cli("tasks", "unlock", one)
    cli("tasks", "reassign", other, "A2")
    told = cli("tasks", "handover", one, other, code=1).stderr
    assert f"A1 holds task {one} and A2 holds task {other}" in told
    assert cli("tasks", "handover", one).stdout.startswith(f"A1 has handed over task {one} (")
    assert "handed over" in cli("tasks", "show", one).stdout
    assert "agent=A1, priority=0" in cli("history", one).stdout
    for number in (one, other):
        cli("tasks", "cancel", number)


def test_the_log(cli: Cli) -> None:
    events = cli.json("events", "--from", 1, "--limit", 2)
    assert [event["type"] for event in events] == ["RuleSetApplied.v1", "AgentsRegistered.v1"]
    assert events[0]["data"]["version"] == 1 and events[0]["event_time"].endswith("Z")
    lines = cli("events", "--limit", 3).stdout.splitlines()
    assert len(lines) == 3 and "RuleSetApplied.v1" in lines[0] and all(len(line) < 600 for line in lines)
    assert "A1 got it" in cli("explain", 1).stdout and "eve said: call 138*" in cli("explain", 1).stdout
    assert cli.json("explain", 1)[0]["confirmed"] is True
    assert "WRONG tasks: 2 rows differ" in cli("verify", code=1).stdout
    report = json.loads(
        CliRunner()
        .invoke(app, ["verify", "--json", "--server", cli.served.target, "--workspace", cli.served.workspace])
        .stdout
    )
    assert report["ok"] is False and len(report["findings"]) == 2
    assert "1 of 3 tasks go elsewhere" in cli("simulate", cli.file("r.yaml", RULES)).stdout
    assert "claimed" in cli("stats").stdout and cli.json("stats")[0]["counts"]
    assert {row["view"] for row in cli.json("views", "list")} >= {"tasks", "agents"}
    assert "back in service" in cli("views", "rebuild", "tasks").stdout
    assert "VIEW_UNKNOWN" in cli("views", "rebuild", "nope", code=1).stderr


def test_views_that_lag_are_shown_with_a_note(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.cli.session.FRESH_S", 0.3)
    cli.served.pause_views()
    made = cli.json("tasks", "create", "ticket")[0]
    listed = cli("tasks", "list", "--limit", 1)
    assert "behind the log" in listed.stderr and "task" in listed.stdout
    cli.served.resume_views()
    assert cli.json("tasks", "show", made["number"])


def test_in_whose_name(cli: Cli) -> None:
    for actor in ("wang", "张三", "50%25"):
        position = cli.json("tasks", "create", "ticket", "--actor", actor)[0]["position"]
        assert cli.json("events", "--from", position, "--limit", 1)[0]["actor"] == actor
