"""The server reads in its own name, so it reads only where it is allowed to."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.importing.allowed_sources import AllowedSources, NotAllowedError


def refused(sources: AllowedSources, uri: object, local: bool = True) -> str:
    with pytest.raises(NotAllowedError) as error:
        sources.resolved(str(uri), local)
    return str(error.value)


def test_with_nothing_set_only_this_machine_may_name_a_path() -> None:
    assert AllowedSources().resolved("/etc/hostname", local=True) == "/etc/hostname"
    assert "upload the list" in refused(AllowedSources(), "/etc/passwd", local=False)
    assert "upload the list" in refused(AllowedSources(), "https://example.org/a.csv", local=False)


def test_everywhere() -> None:
    assert AllowedSources(["*"]).resolved("s3://any/where.csv", local=False) == "s3://any/where.csv"


def test_a_directory_holds_what_is_really_in_it(tmp_path: Path) -> None:
    inside, outside = tmp_path / "lists", tmp_path / "lists-of-others"
    for directory in (inside, outside):
        directory.mkdir()
        (directory / "a.csv").write_text("x")
    (inside / "link.csv").symlink_to(outside / "a.csv")
    sources = AllowedSources([str(inside)])
    for uri in (inside / "a.csv", f"file://{inside}/a.csv", f"{inside}/../lists/a.csv"):
        assert sources.resolved(str(uri), local=False) == str(inside / "a.csv")
    for uri in (outside / "a.csv", inside / "link.csv", f"{inside}/../lists-of-others/a.csv", inside, "/etc/passwd"):
        assert "Expected a list in one of" in refused(sources, uri), uri


def test_a_prefix_of_uris_is_taken_at_its_word() -> None:
    sources = AllowedSources(["s3://bank/lists/", "https://example.org/in"])
    assert sources.resolved("s3://bank/lists/a.csv", local=False) == "s3://bank/lists/a.csv"
    assert sources.resolved("https://example.org/in/a.csv", local=True)
    for uri in (
        "s3://bank/other/a.csv", "s3://bank/lists/../other/a.csv", "s3://bank/lists/%2e%2e/other/a.csv",
        "https://example.org/internal/a.csv", "zip://a::s3://bank/lists/a.zip", "s3://bank/lists/a::file:///etc/passwd",
        "file:///etc/passwd", "/etc/passwd", "S3://bank/lists/a.csv",
    ):  # fmt: skip
        refused(sources, uri)
