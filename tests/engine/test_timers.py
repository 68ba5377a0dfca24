"""The due-index against a sorted set, and what it looks at when very many are due."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import MonkeyPatch

from engine.state.timers import ESCALATE, RECYCLE, Timer, Timers

_NUMBERS = st.sets(st.sampled_from((1, 2, 3, 4_095, 4_096, 4_097, 8_191, 8_192, 70_000)))
_MOVES = st.lists(st.tuples(st.booleans(), st.sampled_from((RECYCLE, ESCALATE)), st.integers(1, 4), _NUMBERS))


@settings(max_examples=40, deadline=None)
@given(_MOVES, st.integers(0, 5), st.integers(0, 12))
def test_it_is_a_sorted_set(moves: list[tuple[bool, str, int, set[int]]], now: int, limit: int) -> None:
    timers, model = Timers(), set[Timer]()
    for setting, kind, due, numbers in moves:
        known = {number for number in numbers if (due, kind, number) in model}
        if setting:
            timers.set_all(kind, due, numbers - known)
            model |= {(due, kind, number) for number in numbers}
        else:
            timers.drop_all(kind, due, known)
            model -= {(due, kind, number) for number in known}
    assert timers.entries() == sorted(model) and len(timers) == len(model)
    assert timers.next_due() == min((due for due, _, _ in model), default=None)
    assert timers.due(now, limit) == sorted(timer for timer in model if timer[0] <= now)[:limit]


def test_however_many_are_due_in_one_instant_the_first_are_quickly_found(monkeypatch: MonkeyPatch) -> None:
    timers, looked_at = Timers(), 0
    entries = Timers._entries

    def counted(self: Timers, key: tuple[int, str, int]) -> list[Timer]:
        nonlocal looked_at
        found = entries(self, key)
        looked_at += len(found)
        return found

    monkeypatch.setattr(Timers, "_entries", counted)
    timers.set_all(ESCALATE, 7, range(100_000))
    assert timers.due(7, 500) == [(7, ESCALATE, number) for number in range(500)]
    assert looked_at <= 5_000
