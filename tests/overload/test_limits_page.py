"""docs/limits.md shows every limit there is, with the value that it has."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapters.settings.limits import Limits
from tests.overload import limits_page


def test_the_page_is_what_the_program_has() -> None:
    text = limits_page.PAGE.read_text()
    assert text == limits_page.page(text), "run `python -m tests.overload.limits_page`"
    assert all(f"`{name}`" in text for name in Limits.model_fields)


def test_every_constant_that_bounds_something_is_on_it() -> None:
    listed = {name for constants in limits_page.FIXED.values() for name in constants}
    missing = limits_page.limits_in_the_tree() - listed
    assert not missing, f"tell in tests/overload/limits_page.py what these bound: {sorted(missing)}"


def test_a_limit_says_what_is_wrong_with_it() -> None:
    for wrong in ({"jobs": 0}, {"queued_s": -1}, {"message_bytes": 1}, {"no_such": 1}):
        with pytest.raises(ValidationError):
            Limits(**wrong)
    with pytest.raises(ValidationError, match="frozen"):
        Limits().jobs = 5  # type: ignore[misc]
