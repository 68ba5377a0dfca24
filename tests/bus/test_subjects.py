"""Agent ids as tokens, and the wildcards that docs/events.md names, asked of the real NATS."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.nats_bus.subjects import agent_of, all_of, of_agent, of_kind, of_package, token_of
from engine import events as ev
from tests.bus.bulk import recorded
from tests.bus.publishing import Bus, until

_ids = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=128)


@given(agent=_ids)
@example(agent="-")
@example(agent="%2D")
@example(agent="张三.east *>")
def test_any_agent_id_is_one_token_and_comes_back(agent: str) -> None:
    token = token_of(agent)
    assert token.isascii() and token.isprintable() and not set(token) & set(" .*>")
    assert token != "-" and unquote(token) == agent_of(token) == agent


@given(one=_ids, other=_ids)
def test_two_agents_have_two_tokens(one: str, other: str) -> None:
    assert (token_of(one) == token_of(other)) == (one == other)


def test_each_interest_is_one_wildcard(bus: Bus) -> None:
    row = ev.TaskRow(2, "c1", None, None, 5, ())
    odd = "li.wei >*"
    bus.put(recorded([
        ev.AgentsRegistered((ev.AgentSpec("ann"), ev.AgentSpec(odd))),
        ev.TasksImported(7, 0, 1, "t", "b", (), (row, row)),
        ev.TaskCreated(3, "t", "b", (), row),
        ev.TaskReassigned(1, odd, "", None, 1),
        ev.TaskReassigned(1, "ann", odd, None, 1),
        ev.TaskReassigned(3, odd, "", None, 1),
        ev.PackageParsed(7, 2, 0),
        ev.TasksCancelled((1, 3), ("ann", odd)),
    ]))  # fmt: skip
    with bus.publishing() as publisher:
        until(lambda: publisher.position == len(bus.put_in))
    ids = {wildcard: [told.id for told in bus.told(wildcard)] for wildcard in _wildcards(bus.workspace, odd)}
    assert list(ids.values()) == [
        ["1.0", "5.1", "8.0"],
        ["1.1", "4.0", "5.0", "6.0", "8.1"],
        ["2.0", "2.1", "4.0", "5.0", "5.1", "7.0", "8.0"],
        ["4.0", "5.1", "6.0"],
        [told.id for told in bus.expected()],
    ]
    about = [msgspec.json.decode(told.payload)["subject"] for told in bus.told()]
    assert [told.id for told, subject in zip(bus.told(), about, strict=True) if subject == "tasks/3"] == [
        "3.0",
        "6.0",
        "8.1",
    ]


def _wildcards(workspace: str, odd: str) -> list[str]:
    return [
        of_agent(workspace, "ann"),
        of_agent(workspace, odd),
        of_package(workspace, 7),
        of_kind(workspace, "task.assigned"),
        all_of(workspace),
    ]
