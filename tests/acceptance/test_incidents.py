"""The first incidents of a real service desk, replayed against a running server; all of them: ``make incidents``."""

from __future__ import annotations

import asyncio
from itertools import pairwise

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


def test_incidents_go_the_way_they_went(postgres: str) -> None:
    """What the server measures is what the file says; its log has the file's times."""
    path = source()
    if not path.is_file():
        pytest.skip(f"the incident log is not at {path}; put it there or name it in INCIDENT_EVENT_LOG")
    story = list(incidents(path, FIRST, STEP))
    desk, wanted = Desk(story), expected(path, FIRST, HOURS, STEP)
    with directory() as data, database(postgres, "incidents") as dsn:
        served = Paidan(data, WORKSPACE, dsn, "off", ("--clock", "driven")).start()
        run = asyncio.run(replay(served.address, story, desk))
        assert not differences(wanted, measured(served.client, run.position, desk.group_of))
        assert not served.wrong()
        with served.log() as log:
            recorded = list(log.replay())
        assert served.stop() == 0, served.said()
    opened = [one.at for one in recorded if isinstance(one.event, ev.TaskCreated)]
    assert opened == [incident.opened for incident in story]
    assert all(before.at <= after.at for before, after in pairwise(recorded))
    assert wanted.handed_over.total() > 50 and wanted.reopened.total() > 0 and wanted.overdue.total() > 0
    assert "DRIVEN BY CALLERS" in served.said()
