"""The spool: what comes in is kept whole, once, under the hash of its bytes, or not at all."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import fsspec
import pytest
from msgspec.structs import replace

from adapters.importing.spool import BLOCK, SourceError, Spool, Spooled, package_digest
from adapters.importing.spool_parts import PREFIX, STALE_AFTER, SpoolUnwritableError
from tests.packages.lists import MAPPING

CONTENT = b"c,v\n1,2\n" * 400_000
"""More than three blocks."""
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool [1]")


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "a list.csv"
    path.write_bytes(CONTENT)
    return path


def put(spool: Spool, uri: object) -> Spooled:
    return asyncio.run(spool.put_uri(str(uri)))


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def names_in(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool._directory.iterdir())


@pytest.mark.parametrize("uri", ["{path}", "file://{path}", "memory://lists/one.csv"])
def test_a_list_is_copied_from_wherever_it_is(spool: Spool, listed: Path, uri: str) -> None:
    with fsspec.open("memory://lists/one.csv", "wb") as target:
        target.write(CONTENT)
    spooled = put(spool, uri.format(path=listed))
    assert spooled == Spooled(DIGEST, DIGEST, len(CONTENT))
    with spool.open(spooled.name) as source:
        assert source.read() == CONTENT
        source.seek(0)
        assert source.read(4) == b"c,v\n"


@pytest.mark.parametrize("size", [1, 1_000_000, BLOCK, 10_000_000])
def test_a_list_is_taken_in_as_it_comes(spool: Spool, size: int) -> None:
    content = CONTENT if size > 1 else CONTENT[:1_000]
    spooled = asyncio.run(spool.put_chunks(pieces(content, size)))
    with spool.open(spooled.name) as source:
        assert source.read() == content
    assert spooled.digest == sha256(content).hexdigest()


def test_an_empty_list_is_a_list(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    assert put(spool, tmp_path / "empty.csv").size == 0


def test_the_same_content_is_kept_once_however_it_comes(spool: Spool, listed: Path) -> None:
    async def all_at_once() -> list[Spooled]:
        uris = [spool.put_uri(str(listed)) for _ in range(4)]
        return await asyncio.gather(*uris, *(spool.put_chunks(pieces(CONTENT, 100_000)) for _ in range(4)))

    assert set(asyncio.run(all_at_once())) == {Spooled(DIGEST, DIGEST, len(CONTENT))}
    assert names_in(spool) == [DIGEST]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("{dir}/none.csv", "there is nothing; check the path"),
        ("{dir}", "not a file (directory)"),
        ("memory://lists/none.csv", "there is nothing"),
        ("carrier-pigeon://list.csv", "check its scheme"),
        ("s3://bucket/list.csv", "a driver for s3://bucket/list.csv, but it is missing"),
        ("", "Expected "),
        ("a\0b", "Expected "),
    ],
)
def test_what_cannot_be_taken_in_is_told_with_its_remedy(
    spool: Spool, tmp_path: Path, uri: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)  # as if it were not installed
    with pytest.raises(SourceError) as caught:
        put(spool, uri.format(dir=tmp_path))
    assert expected in str(caught.value) and str(caught.value).startswith("Expected ")
    assert names_in(spool) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_list_that_may_not_be_read(spool: Spool, listed: Path) -> None:
    listed.chmod(0)
    with pytest.raises(SourceError, match="permission"):
        put(spool, listed)


def test_a_device_without_end_is_no_list(spool: Spool) -> None:
    with pytest.raises(SourceError, match="not a file"):
        put(spool, "/dev/zero")


def test_a_list_may_be_as_large_as_the_limit_and_no_larger(tmp_path: Path, listed: Path) -> None:
    exact, short = Spool(tmp_path / "a", len(CONTENT)), Spool(tmp_path / "b", len(CONTENT) - 1)
    assert put(exact, listed).size == len(CONTENT)
    for attempt in (short.put_uri(str(listed)), short.put_chunks(pieces(CONTENT, 500_000))):
        with pytest.raises(SourceError, match="it is larger; split it"):
            asyncio.run(_awaited(attempt))
    assert names_in(short) == []


async def _awaited(attempt: object) -> object:
    return await attempt  # type: ignore[misc]


def test_an_upload_that_breaks_off_leaves_nothing(spool: Spool) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield CONTENT
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        asyncio.run(spool.put_chunks(broken()))
    assert names_in(spool) == []


def test_what_a_crash_left_goes_at_the_next_start_and_what_is_being_written_stays(tmp_path: Path) -> None:
    for name, age in (("old", STALE_AFTER + 60), ("new", 0)):
        part = tmp_path / f"{PREFIX}{name}"
        part.write_bytes(b"half")
        os.utime(part, (part.stat().st_mtime - age,) * 2)
    assert names_in(Spool(tmp_path)) == [f"{PREFIX}new"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a" * 63, "A" * 64, f"{PREFIX}new", "0" * 64])
def test_only_what_the_spool_keeps_can_be_opened(spool: Spool, name: str) -> None:
    with pytest.raises(SourceError):
        spool.open(name)


def test_a_disk_that_is_full(tmp_path: Path, listed: Path) -> None:
    """As one where a file cannot grow; what was written of it is gone, and with room again it goes in."""
    spool, limit = Spool(tmp_path / "spool"), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, limit[1]))
    try:
        with pytest.raises(SpoolUnwritableError, match="File too large; make room there"):
            put(spool, listed)
        with pytest.raises(SpoolUnwritableError, match="File too large"):
            asyncio.run(spool.put_chunks(pieces(CONTENT, 100_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not list((tmp_path / "spool").iterdir())
    assert put(spool, listed).digest == DIGEST


def test_a_directory_that_is_gone(tmp_path: Path, listed: Path) -> None:
    spool = Spool(tmp_path / "spool")
    (tmp_path / "spool").rmdir()
    for attempt in (lambda: put(spool, listed), lambda: asyncio.run(spool.put_chunks(pieces(CONTENT, 100_000)))):
        with pytest.raises(SpoolUnwritableError, match="No such file or directory"):
            attempt()


def test_the_event_loop_stays_free(tmp_path: Path) -> None:
    big = tmp_path / "big.csv"
    big.write_bytes(b"x" * 200_000_000)

    async def turns() -> int:
        copying = asyncio.create_task(Spool(tmp_path / "spool").put_uri(str(big)))
        count = 0
        while not copying.done():
            await asyncio.sleep(0.001)
            count += 1
        await copying
        return count

    assert asyncio.run(turns()) > 10  # a loop that is held up gets one


def test_a_package_is_the_same_by_content_and_by_how_it_is_read() -> None:
    digest = package_digest(DIGEST, MAPPING, "follow_up", "loan")
    turned = replace(MAPPING, attributes=dict(reversed(MAPPING.attributes.items())), types={})
    assert package_digest(DIGEST, turned, "follow_up", "loan") == digest
    others = [
        package_digest(DIGEST[::-1], MAPPING, "follow_up", "loan"),
        package_digest(DIGEST, replace(MAPPING, delimiter=";"), "follow_up", "loan"),
        package_digest(DIGEST, MAPPING, "follow_up", "card"),
        package_digest(DIGEST, MAPPING, "call", "loan"),
    ]
    assert len({digest, *others}) == 5
