"""verify finds what was changed behind its back, wherever it was changed."""

from __future__ import annotations

import pytest

from adapters.audit.findings import Progress, Report
from adapters.audit.verify import verify
from adapters.log.codec import Stored, hash_of
from tests.projections.drawing import seeded
from tests.projections.live import Live

LOG = seeded(29, 200).log


@pytest.fixture
def built(empty: Live) -> Live:
    empty.put(LOG)
    empty.catch_up()
    return empty


def wrong(report: Report) -> dict[str, str]:
    return {finding.subject: finding.message for finding in report.findings if not finding.ok}


def test_a_whole_log_is_ok(built: Live) -> None:
    told: list[Progress] = []
    report = verify(built.dsn, built.workspace, told.append)
    assert report.ok, report.findings
    assert [finding.subject for finding in report.findings] == [
        "chain",
        "tasks",
        "agents",
        "packages",
        "rule_sets",
        "state",
    ]
    assert (report.events, report.position) == (len(LOG), len(LOG))
    assert report.head_hash == hash_of(built.log.read_stored(len(LOG) - 1, 1)[0])
    assert {progress.step for progress in told} == {"replay"}
    assert told[-1].done == told[-1].total == len(LOG)


@pytest.mark.parametrize("position", [1, 40, len(LOG) - 1])
def test_a_changed_event(built: Live, position: int) -> None:
    built.connection.execute(
        "UPDATE stored_events SET state = convert_to(replace(convert_from(state, 'UTF8'), '\"actor\":\"', '\"actor\":\"x'),"
        " 'UTF8') WHERE originator_version = %s",
        [position],
    )
    report = verify(built.dsn, built.workspace)
    assert wrong(report).keys() == {"chain"}
    assert f"Expected event {position + 1} to carry" in wrong(report)["chain"]
    assert report.events == position


def test_a_deleted_event(built: Live) -> None:
    built.connection.execute("DELETE FROM stored_events WHERE originator_version = 50")
    report = verify(built.dsn, built.workspace)
    assert wrong(report) == {"chain": "Expected an event at position 50, but the next one is at 51"}


def test_a_log_cut_off_at_its_end(built: Live) -> None:
    built.connection.execute("DELETE FROM stored_events WHERE originator_version > %s", [len(LOG) - 3])
    report = verify(built.dsn, built.workspace)
    assert wrong(report) == {
        "chain": f"Expected {len(LOG)} events, as was noted, but the log ends at {len(LOG) - 3}; the rest was removed"
    }


def test_a_log_that_goes_on_by_a_hand_that_is_not_ours(built: Live) -> None:
    before = hash_of(built.log.read_stored(len(LOG) - 2, 1)[0])
    built.connection.execute("UPDATE log_head SET position = position - 1, hash = %s", [before])
    assert f"but it goes on to {len(LOG)}; no server wrote that" in wrong(verify(built.dsn, built.workspace))["chain"]


def test_the_last_event_changed(built: Live) -> None:
    """No later event carries its hash; the note beside the log does."""
    built.connection.execute(
        "UPDATE stored_events SET state = convert_to(replace(convert_from(state, 'UTF8'), '\"actor\":\"', '\"actor\":\"x'),"
        " 'UTF8') WHERE originator_version = %s",
        [len(LOG)],
    )
    assert f"Expected event {len(LOG)} to have the hash" in wrong(verify(built.dsn, built.workspace))["chain"]


def test_a_log_written_anew_to_hide_a_change(built: Live) -> None:
    """The chain holds again, but its end is not what was noted; and where that is put right too, the views know better."""
    stored = built.log.read_stored(0, len(LOG))
    place = next(
        place
        for place, row in enumerate(stored)
        if (row.topic == "TasksImported.v1" and b'["c2"' in row.state) or b'"c2"' in row.state
    )
    changed = stored[place].state.replace(b'"c2"', b'"c9"', 1)
    before = hash_of(stored[place])
    rows = [Stored(stored[place].position, stored[place].topic, changed)]
    for row in stored[place + 1 :]:
        now = hash_of(rows[-1])
        rows.append(Stored(row.position, row.topic, row.state.replace(before.encode(), now.encode())))
        before = hash_of(row)
    for row in rows:
        built.connection.execute(
            "UPDATE stored_events SET state = %s WHERE originator_version = %s", [row.state, row.position]
        )
    assert "it was changed" in wrong(verify(built.dsn, built.workspace))["chain"]
    built.connection.execute("UPDATE log_head SET hash = %s", [hash_of(rows[-1])])
    assert wrong(verify(built.dsn, built.workspace)).keys() == {"tasks"}
    assert "customer 'c9', but the view has 'c2'" in wrong(verify(built.dsn, built.workspace))["tasks"]


TAMPERED = [
    (
        "UPDATE tasks SET priority = priority + 1 WHERE number = 3",
        "tasks",
        r"tasks \(number 3\): Expected by the log priority",
    ),
    ("DELETE FROM tasks WHERE number = 2", "tasks", "Expected a row by the log, but the view has none"),
    ("INSERT INTO refusals VALUES (1, 99999)", "tasks", "Expected no row by the log, but the view has one"),
    ("UPDATE assignments SET agent = 'eve'", "tasks", "assignments .*agent '.*', but the view has 'eve'"),
    ("UPDATE agents SET capacity = 99 WHERE id = 'ann'", "agents", "capacity .*, but the view has 99"),
    ("UPDATE packages SET distributed = distributed + 1 WHERE number = 1", "packages", "distributed"),
    ("UPDATE rule_sets SET reason = 'because'", "rule_sets", "but the view has 'because'"),
    ("UPDATE pools SET waiting = waiting + 1", "tasks", "pools .*waiting"),
]


@pytest.mark.parametrize(("change", "view", "message"), TAMPERED, ids=[change[:30] for change, _, _ in TAMPERED])
def test_a_changed_view(built: Live, change: str, view: str, message: str) -> None:
    built.connection.execute(change)
    found = wrong(verify(built.dsn, built.workspace))
    assert view in found
    assert pytest.importorskip("re").search(message, found[view]), found[view]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE loads SET tasks = tasks + 1", "Expected load of"),
        ("UPDATE packages SET waiting = waiting + 1 WHERE number = 1", "Expected package 1"),
        ('UPDATE assignments SET "grant" = "grant" + 100000 WHERE last', "Expected task"),
    ],
)
def test_views_that_do_not_show_the_state(built: Live, change: str, message: str) -> None:
    built.connection.execute(change)
    assert message in wrong(verify(built.dsn, built.workspace))["state"]


def test_views_behind_the_log_are_held_against_where_they_stand(built: Live) -> None:
    built.reset()
    built.put(LOG[:100])
    built.catch_up()
    built.put(LOG[100:])
    report = verify(built.dsn, built.workspace)
    assert report.ok, report.findings
    assert report.events == len(LOG)
    assert "up to position 100" in {finding.subject: finding.message for finding in report.findings}["tasks"]


def test_an_empty_log(empty: Live) -> None:
    report = verify(empty.dsn, empty.workspace)
    assert report.ok and report.events == 0
