"""The first incidents of a real service desk, replayed against a running server; all of them: ``make incidents``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.incidents.comparing import differences
from benchmarks.incidents.desk import HOURS, WORKSPACE, Desk
from benchmarks.incidents.measured import measured
from benchmarks.incidents.oracle import expected
from benchmarks.incidents.running import replay
from benchmarks.incidents.source import incidents, source
from engine import events as ev
from tests.acceptance.bank import database
from tests.acceptance.serving import Paidan, directory

FIRST = 100
STEP = 60
"""Minutes that the clock goes forward at a time: many incidents move together."""


@pytest.fixture
def log() -> Path:
    path = source()
    if not path.is_file():
        pytest.skip(f"the incident log is not at {path}; put it there or name it in INCIDENT_EVENT_LOG")
    return path


@pytest.fixture
def rehearsal(log: Path, postgres: str) -> Iterator[Paidan]:
    with directory() as data, database(postgres, "incidents") as dsn:
        served = Paidan(data, WORKSPACE, dsn, "off", ("--clock", "driven")).start()
        yield served
        assert served.stop() == 0, served.said()


def test_incidents_go_the_way_they_went(log: Path, rehearsal: Paidan) -> None:
    """What the server measures is what the file says; its log has the file's times."""
    story = list(incidents(log, FIRST, STEP))
    desk, wanted = Desk(story), expected(log, FIRST, HOURS, STEP)
    run = asyncio.run(replay(rehearsal.address, story, desk))
    assert not differences(wanted, measured(rehearsal.client, run.position, desk.group_of))
    assert wanted.handed_over.total() > 50 and wanted.reopened.total() > 0 and wanted.overdue.total() > 0
    assert not rehearsal.wrong()
    with rehearsal.log() as events:
        recorded = list(events.replay())
    opened = [one.at for one in recorded if isinstance(one.event, ev.TaskCreated)]
    assert opened == [incident.opened for incident in story]
    assert all(before.at <= after.at for before, after in pairwise(recorded))
    assert "DRIVEN BY CALLERS" in rehearsal.said()
