"""Lines on stderr: of which process, workspace and call; for people and for programs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.operations.logs import call_at_hand, configure
from tests.operations.watching import Watched


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    yield
    root.handlers[:] = kept
    root.setLevel(level)


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_json_says_which_process_workspace_and_call(capsys: pytest.CaptureFixture[str]) -> None:
    configure("server", "retail", "auto")
    logging.getLogger("paidan.test").info("it stands at %d", 7)
    token = call_at_hand.set(lambda: {"request": "r1", "trace": "t1"})
    logging.getLogger("paidan.test").warning("line one\nline two")
    call_at_hand.reset(token)
    first, second = written(capsys)
    assert (first["event"], first["level"], first["logger"]) == ("it stands at 7", "info", "paidan.test")
    assert (first["process"], first["workspace"]) == ("server", "retail") and "request" not in first
    assert (second["request"], second["trace"], second["event"]) == ("r1", "t1", "line one\nline two")


def test_an_exception_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("server", "retail", "json")
    try:
        int("because")
    except ValueError:
        logging.getLogger("paidan.test").exception("it failed")
    (line,) = written(capsys)
    assert "because" in line["exception"]


def test_what_repeats_itself_is_heard_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure("server", "retail", "json")
    for _ in range(3):
        logging.getLogger("opentelemetry.sdk._shared_internal").warning("the collector is away")
    assert len(written(capsys)) == 1


def test_people_get_words(capsys: pytest.CaptureFixture[str]) -> None:
    configure("projector", "retail", "console", "warning")
    logging.getLogger("paidan.test").info("unsaid")
    logging.getLogger("paidan.test").warning("said")
    shown = capsys.readouterr().err
    assert "said" in shown and "unsaid" not in shown and "process=projector" in shown and not shown.startswith("{")


def test_a_server_writes_json_where_there_is_no_terminal(watched: Watched) -> None:
    lines = [json.loads(line) for line in watched.served.said().splitlines() if line.startswith("{")]
    assert {line["process"] for line in lines} >= {"supervisor", "server"}
    assert {line["workspace"] for line in lines} == {watched.served.workspace}
