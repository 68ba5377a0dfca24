"""Whoever waits for the views is not kept waiting by a projector that rests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from adapters.views.connection import bell_of
from adapters.views.projector import Projector
from adapters.views.queries import BehindError, Queries
from projections.catalogue import VIEWS
from tests.projections.drawing import seeded
from tests.projections.live import Live

LOG = seeded(61, 60).log
NAMES = [view.name for view in VIEWS]
PATIENCE_S = 20.0


@pytest.fixture
def restful(empty: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """A projector that rests for a minute after each batch, unless somebody waits."""
    monkeypatch.setattr("adapters.views.projector.RESTED_UNWANTED", 1e9)
    monkeypatch.setattr("adapters.views.projector.REST_UNWANTED_SECONDS", 60.0)
    stop = threading.Event()
    thread = threading.Thread(target=Projector(empty.dsn, empty.workspace).run, args=(stop,))
    thread.start()
    yield empty
    stop.set()
    empty.connection.execute("SELECT pg_notify(%s, '')", [bell_of(empty.workspace)])
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


async def seen(queries: Queries, position: int) -> None:
    await queries.wait_for(NAMES, position, PATIENCE_S)


def test_one_after_the_other(restful: Live) -> None:
    async def question(queries: Queries) -> None:
        for head in range(10, len(LOG) + 1, 10):
            restful.put(LOG[head - 10 : head])
            await seen(queries, head)

    restful.ask(question)


def test_many_at_once_some_while_a_batch_is_under_way(restful: Live) -> None:
    async def question(queries: Queries) -> None:
        waiting = []
        for head in range(1, len(LOG) + 1):
            restful.put(LOG[head - 1 : head])
            waiting.append(asyncio.create_task(seen(queries, head)))
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)

    restful.ask(question)


def test_too_far_behind(empty: Live) -> None:
    async def question(queries: Queries) -> None:
        with pytest.raises(BehindError, match="tasks at position 7 within"):
            await queries.wait_for(["tasks"], 7, 0.2)

    empty.ask(question)
