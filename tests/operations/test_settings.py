"""Where settings come from, which goes before which, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import server  # noqa: F401 - puts serve into the tree of commands
from adapters.cli import app
from adapters.settings.masking import masked
from adapters.settings.names import keys, variable_of
from adapters.settings.sources import WrongSettingsError, handed_down, inherited, resolve
from tests.operations.example_settings import text

EXAMPLE = Path(__file__).parents[2] / "examples" / "deploy" / "paidan.toml"


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in keys():
        monkeypatch.delenv(variable_of(key), raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), "utf-8")
    return path


def refused(flags: dict[str, object], file: Path | None = None) -> str:
    with pytest.raises(WrongSettingsError) as caught:
        resolve(flags, file)
    return str(caught.value)


def serve(*words: str) -> Result:
    return CliRunner().invoke(app, ["serve", *words])


def test_flags_go_before_environment_before_file_before_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "p.toml", 'listen = "a:1"', 'workspace = "w1"', 'nats = "off"', "[limits]", "jobs = 2")
    monkeypatch.setenv("PAIDAN_LISTEN", "b:2")
    monkeypatch.setenv("PAIDAN_WORKSPACE", "w2")
    found = resolve({"listen": "c:3", "workspace": None}, file)
    taken = found.settings
    assert (taken.listen, taken.workspace, taken.nats, taken.limits.jobs) == ("c:3", "w2", "off", 2)
    assert found.origins["listen"] == "flag --listen"
    assert found.origins["workspace"] == "environment PAIDAN_WORKSPACE"
    assert found.origins["limits.jobs"] == f"file {file}, limits.jobs"
    assert found.origins["log_level"] == "default"
    assert list(found.origins) == list(keys())


def test_nested_and_listed_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_LIMITS__JOBS", "7")
    monkeypatch.setenv("PAIDAN_LIMITS__IMPORT_FROM", "/lists, s3://bank/")
    monkeypatch.setenv("PAIDAN_POSTGRES", "")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317")
    found = resolve({})
    assert found.settings.limits.jobs == 7
    assert found.settings.limits.import_from == ("/lists", "s3://bank/")
    assert found.origins["postgres"] == "default", "an empty variable is none"
    assert found.settings.otlp == "http://collector:4317"
    assert found.origins["otlp"] == "environment OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (['nats = "of"'], ["nats", "Expected URLs", "p.toml, nats"]),
        (["[limits]", "job = 2"], ["'limits.job'", "did you mean limits.jobs?"]),
        (["limits = 3"], ["'limits'"]),
        (["listen = 3"], ["listen", "string"]),
        (["[listen]", "a = 1"], ["listen"]),
        (['listen = "h:99999"'], ["HOST:PORT"]),
        (["[limits]", "streams = -1"], ["limits.streams", "greater", "-1"]),
        (["[limits]", 'jobs = "many"'], ["limits.jobs", "integer"]),
        (['postgres = "a\\nb"'], ["postgres", "one line"]),
        (["x"], ["Expected TOML"]),
        (['clock = "driven"'], ["clock", "Expected a workspace called rehearsal-…", "'default'"]),
        (['log_format = "xml"'], ["log_format", "'auto', 'console' or 'json'"]),
    ],
)
def test_wrong_files_are_refused_with_place_and_remedy(tmp_path: Path, lines: list[str], told: list[str]) -> None:
    said = refused({}, written(tmp_path / "p.toml", *lines))
    assert all(part in said for part in told), said


def test_unknown_variables_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_LSITEN", "x")
    assert (
        refused({})
        == "Expected settings in PAIDAN_…, but there is none called PAIDAN_LSITEN; did you mean PAIDAN_LISTEN?"
    )
    monkeypatch.delenv("PAIDAN_LSITEN")
    monkeypatch.setenv("PAIDAN_SERVER", "x")
    resolve({})


def test_a_wrong_value_names_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_READY_LAG_S", "soon")
    assert "ready_lag_s (environment PAIDAN_READY_LAG_S)" in refused({})
    monkeypatch.delenv("PAIDAN_READY_LAG_S")
    assert "workspace (flag --workspace): Expected a workspace name" in refused({"workspace": "A b"})
    assert "no such file" in refused({}, Path("/nonexistent/p.toml"))


def test_refusals_of_the_program_have_code_2_and_no_traceback(tmp_path: Path) -> None:
    found = serve("--config", str(written(tmp_path / "p.toml", "lisent = 1", "[limits]", "x = 1")))
    assert found.exit_code == 2 and not found.stdout
    assert (
        found.stderr.splitlines()[0].endswith("called 'lisent'; did you mean listen?")
        and len(found.stderr.splitlines()) == 2
    )
    alone = serve("--only", "server")
    assert alone.exit_code == 2 and "Expected --postgres" in alone.stderr
    assert serve("--only", "publisher", "--postgres", "x", "--nats", "off").exit_code == 2


def test_print_config_shows_sources_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_POSTGRES", "postgresql://bank:geheim@db/paidan")
    monkeypatch.setenv("PAIDAN_NATS", "nats://token9@bus:4222")
    shown = serve("--print-config", "--listen", "h:1")
    assert shown.exit_code == 0 and "geheim" not in shown.stdout and "token9" not in shown.stdout
    assert "postgresql://bank:***@db/paidan" in shown.stdout and "flag --listen" in shown.stdout
    rows = {row["key"]: row for row in json.loads(serve("--print-config", "--json").stdout)["settings"]}
    assert list(rows) == list(keys())
    assert rows["postgres"]["value"] == "postgresql://bank:***@db/paidan"
    assert rows["postgres"]["source"] == "environment PAIDAN_POSTGRES" and rows["limits.jobs"]["value"] == 4


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_secrets_come_from_a_table_or_as_json_and_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "p.toml", "[secrets]", f'desk = "{SECRET}"', f'"crm.old" = "{SECRET} {SECRET}"')
    taken = resolve({}, file).settings
    assert taken.secrets == {"desk": SECRET, "crm.old": f"{SECRET} {SECRET}"} and SECRET not in repr(taken)
    monkeypatch.setenv("PAIDAN_SECRETS", json.dumps({"crm": SECRET}))
    shown = serve("--print-config", "--config", str(file))
    assert shown.exit_code == 0 and "crm=***" in shown.stdout and SECRET[6:] not in shown.stdout
    assert SECRET[6:] not in serve("--print-config", "--json").stdout


@pytest.mark.parametrize(
    "given_text",
    [SECRET, "desk=" + SECRET, json.dumps({"desk": SECRET[6:]}), json.dumps({"desk": 5}), json.dumps({"desk": "whsec_aGk="}),
     json.dumps({"a b": SECRET}), json.dumps([SECRET]), json.dumps({"desk": SECRET + "!"})],
)  # fmt: skip
def test_a_secret_that_is_none_is_refused_without_being_told(given_text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_SECRETS", given_text)
    said = refused({})
    assert said.startswith("secrets (environment PAIDAN_SECRETS): Expected") and SECRET[6:] not in said


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("postgresql://u:p%40ss@h:5/db?sslmode=require", "postgresql://u:***@h:5/db?sslmode=require"),
        ("host=h user=u password=geheim dbname=d", "host=h user=u password=*** dbname=d"),
        ("host=h password = 'ge\\'heim und' dbname=d", "host=h password = *** dbname=d"),
        ("postgresql://h/db?user=u&password=geheim&x=1", "postgresql://h/db?user=u&password=***&x=1"),
        ("nats://u:p@a:1,nats://t@b:2", "nats://u:***@a:1,nats://***@b:2"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
    ],
)
def test_secrets_are_masked(given_text: str, shown: str) -> None:
    assert masked(given_text) == shown


def test_settings_are_handed_to_children_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = written(tmp_path / "p.toml", 'postgres = "postgresql://u:p@h/d"', "[limits]", 'import_from = ["/a"]')
    taken = resolve({"data": tmp_path}, file).settings
    for name, value in handed_down(taken).items():
        monkeypatch.setenv(name, value)
    assert inherited() == taken
    assert inherited() is None, "it is read once, and not left for grandchildren"


def test_the_example_file_is_the_model() -> None:
    assert EXAMPLE.read_text("utf-8") == text(), (
        "run: python -m tests.operations.example_settings > examples/deploy/paidan.toml"
    )
    found = resolve({}, EXAMPLE)
    assert set(found.origins.values()) == {f"file {EXAMPLE}, {key}" for key in keys()}
    assert found.settings == resolve({}).settings


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_whatever_stands_in_a_file_it_is_taken_or_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes(data)
    try:
        resolve({}, file)
    except WrongSettingsError as error:
        assert str(error).startswith("Expected") or " (" in str(error)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(keys()), st.text(max_size=60))
def test_whatever_a_flag_says_it_is_taken_or_refused(key: str, value: str) -> None:
    table, _, name = key.rpartition(".")
    try:
        resolve({table: {name: value}} if table else {name: value})
    except WrongSettingsError as error:
        assert key in str(error)
