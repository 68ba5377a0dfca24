"""The examples for production are what the program understands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.settings.names import keys, variable_of
from server import Role

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
KNOWN = {
    "build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "init", "ports", "read_only",
    "restart", "security_opt", "shm_size", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip
"""Of the compose specification, what is used here."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return loaded


def test_every_process_has_a_service(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"postgres", "nats", *(role.value for role in Role)}
    for role in Role:
        assert services[role.value]["command"] == ["serve", "--only", role.value]


def test_services_say_what_compose_knows_and_name_what_is_there(compose: dict[str, Any]) -> None:
    assert {name for name in compose if not name.startswith("x-")} == {"name", "services", "volumes"}
    for name, service in compose["services"].items():
        assert set(service) <= KNOWN, name
        assert set(service.get("depends_on", ())) <= set(compose["services"])
        for mounted in service.get("volumes", ()):
            assert mounted.partition(":")[0] in compose["volumes"]


def test_its_variables_are_settings(compose: dict[str, Any]) -> None:
    given = {
        name for service in compose["services"].values() for name in service.get("environment", ()) if "PAIDAN" in name
    }
    assert given <= {variable_of(key) for key in keys()} and "PAIDAN_POSTGRES" in given


def test_server_and_importer_share_their_lists(compose: dict[str, Any]) -> None:
    server, importer = (compose["services"][name] for name in ("server", "importer"))
    assert server["volumes"] == importer["volumes"]
    assert server["environment"]["PAIDAN_DATA"] == importer["environment"]["PAIDAN_DATA"]


def test_the_image_is_made_of_files_that_are_there() -> None:
    let_in = re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8"), re.MULTILINE)
    assert let_in and all((ROOT / name).exists() for name in let_in)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "paidan.service"
    text = (DEPLOY / "paidan.service").read_text("utf-8")
    unit.write_text(text.replace("/opt/paidan/bin/paidan", "/bin/true"), "utf-8")  # it wants the program to be there
    found = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert found.returncode == 0 and not found.stderr, found.stderr


def test_every_setting_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text("utf-8")
    named = set(re.findall(r"^\| `([a-z_]+)` \| `PAIDAN", manual, re.MULTILINE))
    assert named == {key for key in keys() if "." not in key}
