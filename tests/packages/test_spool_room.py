"""What the spool may hold, and how lists leave it."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from adapters.importing.spool import ListTooLargeError, SourceError, Spool, SpoolFullError

DAY = 86_400.0


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(b"x" * 1_000)
    return path


def put(spool: Spool, path: Path) -> str:
    return asyncio.run(spool.put_uri(str(path))).name


def aged(directory: Path, name: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(directory / name, (then, then))


def test_a_list_goes_once_it_is_old_and_not_needed(tmp_path: Path, listed: Path) -> None:
    directory = tmp_path / "spool"
    spool = Spool(directory, keep_s=2 * DAY)
    name = put(spool, listed)
    aged(directory, name, 1 * DAY)
    assert spool.sweep(()) == 0
    aged(directory, name, 3 * DAY)
    assert spool.sweep({name}) == 0 and spool.open(name).read()
    assert spool.sweep(()) == 1
    with pytest.raises(SourceError, match="import it again"):
        spool.open(name)


def test_one_that_just_came_in_stays_whatever_is_set(tmp_path: Path, listed: Path) -> None:
    directory = tmp_path / "spool"
    spool = Spool(directory, keep_s=0)
    name = put(spool, listed)
    assert spool.sweep(()) == 0
    aged(directory, name, DAY)
    assert put(spool, listed) == name
    assert spool.sweep(()) == 0, "the same list came in once more"
    aged(directory, name, DAY)
    assert spool.sweep(()) == 1


def test_only_lists_are_removed(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    other = tmp_path / "spool" / "notes.txt"
    other.write_text("mine")
    aged(tmp_path / "spool", "notes.txt", 9 * DAY)
    assert Spool(tmp_path / "spool", keep_s=0).sweep(()) == 0 and other.exists()


def test_a_full_spool_takes_no_more_until_there_is_room(tmp_path: Path, listed: Path) -> None:
    directory = tmp_path / "spool"
    spool = Spool(directory, most_bytes=900)
    name = put(spool, listed)
    with pytest.raises(SpoolFullError, match="1000 bytes of 900"):
        put(spool, listed)
    aged(directory, name, 30 * DAY)
    assert spool.sweep(()) == 1
    assert put(spool, listed) == name


def test_a_list_that_is_too_large_leaves_nothing(tmp_path: Path, listed: Path) -> None:
    directory = tmp_path / "spool"
    with pytest.raises(ListTooLargeError, match="at most 999 bytes"):
        put(Spool(directory, max_size=999), listed)
    assert not list(directory.iterdir())
