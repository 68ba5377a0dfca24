"""Lists with faults, lists sent over, packed lists, and lists that are taken back."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
from paidan.v1.packages_pb2 import PackageStatus, WatchPackageRequest

from adapters.demo.sample_data import write_package
from tests.acceptance.serving import EXAMPLES, Paidan, until

LISTS = EXAMPLES / "packages"
KIND = ("--mapping", str(LISTS / "mapping.yaml"), "--task-type", "follow_up", "--business-type", "consumer_loan")

MANY = 200_000
"""Rows that take seconds to import: time enough to do something in the midst of it."""


def bring(desk: Paidan, uri: object, *words: str) -> dict[str, Any]:
    """The package as it comes to rest."""
    return desk.told("packages", "import", str(uri), *KIND, *words)[-1]


@pytest.fixture(scope="module")
def faulty(desk: Paidan) -> dict[str, Any]:
    return bring(desk, LISTS / "overdue-with-errors.csv")


def test_the_good_rows_of_a_faulty_list_go_on(desk: Paidan, faulty: dict[str, Any]) -> None:
    assert (faulty["rows"], faulty["rejected"]) == (18, 2)
    assert faulty["distributed"] + sum(faulty["not_distributed"].values()) == 18
    shown = desk.told("packages", "show", str(faulty["number"]))[0]
    assert shown == faulty


def test_faulty_rows_are_told_by_line_column_and_reason(desk: Paidan, faulty: dict[str, Any]) -> None:
    first, second = desk.told("packages", "rejected", str(faulty["number"]))
    assert (first["line"], first["column"]) == (8, "overdue_days") and "'three'" in first["reason"]
    assert second["line"] == 14 and "Expected" in second["reason"]
    assert ",three,mass" in first["text"] and "19900000007" not in first["text"]  # whose row it is, only masked


def test_faulty_rows_are_downloaded(desk: Paidan, faulty: dict[str, Any], tmp_path: Path) -> None:
    output = tmp_path / "rejected.csv"
    asked = ("packages", "rejected", str(faulty["number"]))
    assert desk.told(*asked, "--output", str(output)) == [{"rows": 2, "output": str(output)}]
    header, *rows = csv.reader(output.open(encoding="utf-8", newline=""))
    assert header == ["line", "column", "reason", "row"] and [row[0] for row in rows] == ["8", "14"]
    told = desk.told("packages", "rejected", str(faulty["number"]))
    assert rows == [[str(row["line"]), row["column"], row["reason"], row["text"]] for row in told]


def test_a_list_sent_over_and_packed(desk: Paidan, tmp_path: Path) -> None:
    packed = tmp_path / "overdue.csv.gz"
    packed.write_bytes(gzip.compress((LISTS / "overdue.csv").read_bytes().replace(b"C000000", b"G000000")))
    by_path = bring(desk, packed)
    assert (by_path["rows"], by_path["rejected"], by_path["uri"]) == (20, 0, str(packed))
    sent = bring(desk, packed, "--upload", "--segment", "sent-over", "--task-type", "follow_up_2")
    assert (sent["rows"], sent["uri"], sent["segment"]) == (20, "upload:overdue.csv.gz", "sent-over")
    again = bring(desk, packed.as_uri())
    assert again["number"] == by_path["number"]  # the same content is recognised, however it comes


def test_a_list_in_the_memory_of_another_process(desk: Paidan) -> None:
    found = desk.refused("packages", "import", "memory://lists/x.csv", *KIND)
    assert "SOURCE_UNREADABLE" in found and "memory://lists/x.csv" in found


def test_a_list_that_is_none(desk: Paidan, tmp_path: Path) -> None:
    picture = tmp_path / "picture.csv"
    picture.write_bytes(bytes(range(256)) * 40)
    found = desk.run("packages", "import", str(picture), *KIND, code=1)
    assert "failed" in found.stderr and "Expected" in found.stderr
    failed = desk.told("packages", "list", "--filter", 'status = "failed"')
    assert [package["uri"] for package in failed] == [str(picture)] and failed[0]["failure"]


def test_taken_back_in_the_midst_of_its_import(desk: Paidan, tmp_path: Path) -> None:
    """What was handed out and not begun comes back, nothing more comes in, and its agents have room again."""
    before = {agent["agent_id"]: agent["load"] for agent in desk.told("agents", "list")}
    big = tmp_path / "big.csv"
    write_package(big, MANY, seed=3)
    answer = bring(desk, big, "--no-follow")
    number = answer["number"]
    watch = WatchPackageRequest(name=f"{desk.parent}/packages/{number}", min_position=answer["position"])
    steps = desk.client.stream(desk.client.packages.WatchPackage, watch)
    seen = next(step.package for step in steps if step.package.rows)
    assert seen.status == PackageStatus.PACKAGE_STATUS_PARSING and seen.rows < MANY
    assert desk.told("packages", "withdraw", str(number), "--reason", "wrong list")[0]["changed"]
    until(lambda: _ended(desk, number), "all of its tasks to be cancelled")
    package = desk.told("packages", "show", str(number))[0]
    assert package["status"] == "withdrawn" and 0 < package["rows"] == package["ended"] < MANY
    assert {agent["agent_id"]: agent["load"] for agent in desk.told("agents", "list")} == before
    assert not desk.told("packages", "withdraw", str(number))[0]["changed"]


def _ended(desk: Paidan, package: int) -> bool:
    shown = desk.told("packages", "show", str(package))[0]
    with desk.database() as database:
        counts = (
            "SELECT ended, count(*) FROM tasks LEFT JOIN endings ON task = number WHERE package = %s GROUP BY ended"
        )
        return database.execute(counts, [package]).fetchall() == [("cancelled", shown["rows"])]
