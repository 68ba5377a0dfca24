"""The main job on real data: 41,188 rows, seven rules, 300 agents; what must be seen of it, seen."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import msgspec
import pytest
from paidan.v1.tasks_pb2 import ClaimTaskRequest

from adapters.log.codec import Envelope
from benchmarks.bank_package import AGENTS, CAPACITY, BankFiles
from engine.events import TasksAllocated
from engine.workspace import Workspace
from projections.catalogue import VIEWS
from tests.acceptance.bank import bank_files, campaign, database
from tests.acceptance.barred import Replayed, digest_of
from tests.acceptance.serving import Paidan, directory

Told = tuple[str, Envelope]
ROWS = 41_188
CAPS = {"won-before": 40, "hard-to-reach": 10, "high-rate-advisers": 60}
EVEN = "summer"
"""In turn among everybody: no cap, no targets that keep anyone out."""


@pytest.fixture(scope="module")
def files() -> Iterator[BankFiles]:
    with directory() as made:
        yield bank_files(made)


@pytest.fixture(scope="module")
def bank(postgres: str, files: BankFiles) -> Iterator[Paidan]:
    with directory() as data, database(postgres, "bank_one") as dsn:
        served = campaign(dsn, data, files)
        yield served
        assert served.stop() == 0


def test_every_row_is_accounted_for(bank: Paidan, files: BankFiles) -> None:
    package = bank.told("packages", "show", "1")[0]
    assert files.rows == ROWS == package["rows"] + package["rejected"]
    assert package["distributed"] + sum(package["not_distributed"].values()) == package["rows"]
    assert package["status"] == "partly_distributed" and all(package["not_distributed"])
    with bank.database() as database:
        held = database.execute("SELECT sum(tasks)::bigint FROM loads").fetchone()
        waiting = database.execute("SELECT count(*) FROM waiting").fetchone()
        tasks = database.execute("SELECT count(*), count(DISTINCT number), count(DISTINCT line) FROM tasks").fetchone()
    assert held == (package["distributed"],) and waiting == (ROWS - package["rejected"] - package["distributed"],)
    assert tasks == (ROWS, ROWS, ROWS)
    counts = bank.told("stats")[0]["counts"]
    assert sum(count["count"] for count in counts) == ROWS


def test_at_least_five_rules_have_work(bank: Paidan) -> None:
    rules = Counter[str]()
    for count in bank.told("stats")[0]["counts"]:
        rules[count["rule"]] += count["count"]
    assert len(rules) >= 5 and "" not in rules and min(rules.values()) > 100


def test_caps_and_capacity_are_held(bank: Paidan) -> None:
    agents = bank.told("agents", "list", "--limit", "0")
    assert len(agents) == AGENTS
    for agent in agents:
        by_rule = agent["load_by_rule"]
        assert agent["load"] == sum(by_rule.values()) <= agent["capacity"] == CAPACITY
        assert all(by_rule.get(rule, 0) <= cap for rule, cap in CAPS.items()), agent
    assert max(agent["load_by_rule"].get("won-before", 0) for agent in agents) > 0


def test_work_given_in_turn_is_even(bank: Paidan) -> None:
    """Where no capacity bites: whoever has room left could have had one more."""
    agents = bank.told("agents", "list", "--limit", "0")
    free = [agent["load_by_rule"].get(EVEN, 0) for agent in agents if agent["load"] < agent["capacity"]]
    assert len(free) > 200 and max(free) - min(free) <= 1
    assert max(agent["load_by_rule"].get(EVEN, 0) for agent in agents) == max(free)


def test_the_log_says_how_every_pick_was_made(bank: Paidan) -> None:
    """As often as the views say that somebody was given a row, and by the strategies of its rule."""
    picks = Counter[tuple[str, str]]()
    with bank.log() as log:
        rounds = [recorded.event for recorded in log.replay() if isinstance(recorded.event, TasksAllocated)]
    for event in rounds:
        picks.update(
            (event.rules[under], event.picks[how].by) for under, how in zip(event.under, event.how, strict=True)
        )
    assert picks.total() == bank.told("packages", "show", "1")[0]["distributed"]
    by_rule = {rule: {by for at, by in picks if at == rule} for rule, _ in picks}
    assert by_rule[EVEN] == {"round_robin"} and by_rule["young-mobile"] == {"weighted"}
    assert by_rule["won-before"] <= {"owner", "last_agent", "least_loaded"} and "owner" in by_rule["won-before"]
    assert by_rule["seniors"] <= {"region+least_loaded", "least_loaded"}
    assert "hard-to-reach" not in by_rule


def test_a_replay_needs_no_rules_engine(bank: Paidan) -> None:
    """In a process that can neither load durable-rules nor read a rule document: the same state, and the same views."""
    program = [sys.executable, "-m", "tests.acceptance.barred", bank.dsn(), bank.workspace]
    found = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
    told = msgspec.json.decode(found.stdout, type=Replayed)
    with bank.log() as log:
        workspace = Workspace(bank.workspace)
        workspace.restore(log.replay())
        assert (told.position, told.digest) == (log.head(), digest_of(workspace.state))
    assert told.views == {view.name: "" for view in VIEWS}


def test_verify_finds_nothing_wrong(bank: Paidan) -> None:
    assert not bank.wrong()


def test_a_claim_stops_at_the_cap_of_its_rule(bank: Paidan) -> None:
    agents = bank.told("agents", "list", "--limit", "0")
    agent = next(one for one in agents if "persuasion" in one["attributes"]["skills"] and one["load"] <= CAPACITY - 10)
    client = bank.client
    claim = ClaimTaskRequest(parent=bank.parent, agent=agent["agent_id"])
    claimed = [client.ask(client.tasks.ClaimTask, claim) for _ in range(CAPS["hard-to-reach"])]
    assert len({answer.number for answer in claimed}) == CAPS["hard-to-reach"]
    refused = bank.run("tasks", "claim", agent["agent_id"], code=1)
    assert "RULE_CAP" in refused.stderr or "cap" in refused.stderr


def test_the_same_run_gives_the_same_log(bank: Paidan, postgres: str, files: BankFiles) -> None:
    with directory() as data, database(postgres, "bank_two") as dsn:
        second = campaign(dsn, data, files)
        try:
            told = timeless(second)
        finally:
            assert second.stop() == 0
    first = timeless(bank)[: len(told)]  # what came after was asked for by other tests
    for position, (one, other) in enumerate(zip_longest(first, told), 1):
        assert one == other, f"the logs part at position {position}"


def timeless(served: Paidan) -> list[Told]:
    """Every event with all that it carries but its time, and so without the hash; time limits as they were counted."""
    with served.log() as log:
        return [(stored.topic, _without_time(stored.state)) for stored in log.read_stored(0, 100_000)]


def _without_time(state: bytes) -> Envelope:
    envelope = msgspec.json.decode(state, type=Envelope)
    data = msgspec.json.decode(envelope.data)
    if data["type"] == "DeadlinesSet.v1":
        data = _spans(data)
    return msgspec.structs.replace(envelope, at=0, prev="", data=msgspec.Raw(msgspec.json.encode(data)))


def _spans(data: dict[str, Any]) -> dict[str, Any]:
    """Limits and steps as milliseconds before the last of them: they count from a moment of the run."""
    steps = data.get("steps", [])
    last = max(data.get("respond_by", 0), data.get("resolve_by", 0), *(step["at"] for step in steps))
    limits = {name: last - data[name] for name in ("respond_by", "resolve_by") if name in data}
    return data | limits | {"steps": [step | {"at": last - step["at"]} for step in steps]}
