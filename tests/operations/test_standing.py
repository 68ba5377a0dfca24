"""How late a view is: for how long there has been something it does not show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.operations.standing import MOST_SAMPLES, Lateness


def test_what_shows_all_is_not_late() -> None:
    late = Lateness()
    late.note(10, 100.0)
    assert late.of(10, 160.0) == 0.0
    assert late.of(9, 160.0) == 60.0


def test_it_is_late_since_the_first_event_it_lacks() -> None:
    late = Lateness()
    for head, now in ((10, 100.0), (20, 110.0), (30, 120.0)):
        late.note(head, now)
    assert [late.of(position, 130.0) for position in (5, 10, 20, 30)] == [30.0, 20.0, 10.0, 0.0]
    late.forget(10)
    assert late.of(10, 130.0) == 20.0


def test_from_before_the_first_look_the_log_knows() -> None:
    late = Lateness()
    late.began(11, 40.0)
    late.note(20, 100.0)
    assert late.of(10, 100.0) == 60.0 and late.of(11, 100.0) == 0.0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=200), st.integers(0, 500))
def test_it_agrees_with_all_it_was_told(steps: list[tuple[int, int]], position: int) -> None:
    late, told, head, now = Lateness(), [], 0, 0.0
    for more, seconds in steps:
        head, now = head + more, now + seconds
        late.note(head, now)
        told.append((now, head))
    assert late.of(position, now) == next((now - then for then, to in told if to > position), 0.0)


def test_it_keeps_a_bounded_history() -> None:
    late = Lateness()
    for number in range(5 * MOST_SAMPLES):
        late.note(number, float(number))
    assert late.of(0, 5.0 * MOST_SAMPLES) > 4 * MOST_SAMPLES
    assert len(late._passed) <= MOST_SAMPLES
