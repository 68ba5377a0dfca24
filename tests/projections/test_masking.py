"""Nothing personal is written into a view as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.commands import CreateTask
from engine.events import Person
from projections.masking import masked_id_card, masked_mobile, masked_name, masked_row, masked_text
from tests.engine.given import rule, rules
from tests.engine.scenario import Scenario
from tests.projections.live import Live


@pytest.mark.parametrize(
    ("mobile", "shown"),
    [("13812341234", "138****1234"), ("+8613812341234", "+86*******1234"), ("1381234", "****"), ("", ""), (None, "")],
)
def test_mobile(mobile: str | None, shown: str) -> None:
    assert masked_mobile(mobile) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [("320102198001011234", "320***********1234"), ("320102800101123", "320********1123"), ("12345", "********")],
)
def test_id_card(number: str, shown: str) -> None:
    assert masked_id_card(number) == shown


def test_name() -> None:
    assert [masked_name(name) for name in ("王小明", "Li", None, "")] == ["王*", "L*", "", ""]


@given(st.text(min_size=1, max_size=40))
def test_at_most_seven_characters_are_shown(text: str) -> None:
    for shown in (masked_mobile(text), masked_id_card(text)):
        assert len(shown.replace("*", "")) <= 7 + text.count("*")
        assert shown.count("*") >= 4


def test_no_table_holds_a_person_unmasked(empty: Live) -> None:
    scenario = Scenario(rules(rule()))
    scenario.do(CreateTask("call", "loan", person=Person("王小明", "13898765432", "320102198001011234")))
    empty.put(scenario.log)
    empty.catch_up()
    everything = str(empty.dump())
    assert "138****5432" in everything
    assert not any(secret in everything for secret in ("王小明", "13898765432", "320102198001011234"))


def test_long_numbers_in_a_row_set_aside_are_masked() -> None:
    row = "C1,王伟,13912345678,32010119900101123X,2026-01-31,12.5"
    assert masked_text(row) == "C1,王伟,139****5678,320***********123X,2026-01-31,12.5"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("王伟", "C1,王*,139****5678"), ("", "C1,王伟,139****5678"), ("C1", "C*,王伟,139****5678")],
)
def test_the_name_in_a_row_set_aside_is_masked(name: str, shown: str) -> None:
    assert masked_row("C1,王伟,13912345678", name) == shown


def test_a_name_with_quotes_in_it() -> None:
    assert masked_row('C1,"O""Brien",7', 'O"Brien') == 'C1,"O*",7'
