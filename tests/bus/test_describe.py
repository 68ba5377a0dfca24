"""The schemas and the AsyncAPI document are those the types make, and hang together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from adapters.nats_bus import describe
from adapters.nats_bus.describe import ASYNCAPI, DIRECTORY, differing, documents, schema_of, write
from adapters.nats_bus.describe_intake import task_schema
from adapters.nats_bus.facts import FACTS
from adapters.nats_bus.intake_reading import BadMessageError, read

ROOT = Path(__file__).parents[2]


def test_what_is_written_down_is_what_the_types_make() -> None:
    assert differing(ROOT / DIRECTORY) == [], "run 'make schemas'"


def test_a_difference_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(describe, "DIRECTORY", tmp_path)
    assert describe.main([]) == 0 and describe.main(["--check"]) == 0
    (tmp_path / "task.assigned.v1.json").write_text("{}")
    (tmp_path / "left.json").write_text("{}")
    (tmp_path / ASYNCAPI).unlink()
    assert differing(tmp_path) == sorted([ASYNCAPI, "left.json", "task.assigned.v1.json"])
    assert describe.main(["--check"]) == 1
    assert "task.assigned.v1.json" in capsys.readouterr().err
    write(tmp_path)
    assert differing(tmp_path) == []


@pytest.mark.parametrize("fact", FACTS.values(), ids=list(FACTS))
def test_schemas_are_schemas(fact) -> None:
    Draft202012Validator.check_schema(schema_of(fact))


def test_the_asyncapi_document_has_every_kind_and_no_loose_end() -> None:
    document = yaml.safe_load(documents()[ASYNCAPI])
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {*FACTS, "in.tasks", "in.dead"} == set(document["operations"])
    assert document["operations"]["in.tasks"]["action"] == "receive"
    for reference in _references(document):
        place: Any = document
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_the_page_for_subscribers_names_every_kind_and_its_example_is_one() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert [kind for kind in FACTS if f"`{kind}`" not in page] == []
    example = msgspec.json.decode(page.partition("```json\n")[2].partition("```")[0])
    Draft202012Validator(schema_of(FACTS["task.assigned"])).validate(example)


def test_the_schema_of_what_is_sent_in_agrees_with_how_it_is_read() -> None:
    schema = task_schema()
    Draft202012Validator.check_schema(schema)
    told = Draft202012Validator(schema)
    example = (ROOT / "docs" / "events.md").read_text(encoding="utf-8").rpartition("```json\n")[2].partition("```")[0]
    for payload in (*SENT_IN, example):
        try:
            read({}, payload.encode(), 10_000, "1")
        except BadMessageError:
            assert not told.is_valid(msgspec.json.decode(payload)), payload
        else:
            assert told.is_valid(msgspec.json.decode(payload)), payload
    read({}, example.encode(), 10_000, "1")


SENT_IN = (
    '{"task_type":"x"}',
    "{}",
    '{"task_type":"x","customer":null,"person":null,"attributes":{"a":[1,"b"],"c":null,"d":1.5,"e":true}}',
    '{"task_type":"x","colour":1}',
    '{"task_type":"x","priority":101}',
    '{"task_type":"x","person":{"age":1}}',
    '{"task_type":"x","attributes":{"a":{}}}',
    '{"task_type":""}',
)


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [found for item in part for found in _references(item)]
    if not isinstance(part, dict):
        return []
    here = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return here + [found for item in part.values() for found in _references(item)]
