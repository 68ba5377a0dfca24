"""What is kept of agents' order from round to round (engine/decide/standing.py) changes nothing but the cost."""

from __future__ import annotations

import random
from typing import Any

import pytest

import engine.workspace
from engine.commands import AllocateTasks, Order
from engine.decide import Context, Decision, decide
from engine.decide.judge import Judge
from engine.state import State
from tests.simulation.steps import WIDTH, limited, opened, run

SEQUENCES = 150


def test_a_round_decided_from_memory_is_as_one_decided_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = 0

    def thrice(state: State, order: Order, context: Context) -> Decision:
        nonlocal rounds
        first = decide(state, order, context)
        if isinstance(order.command, AllocateTasks):
            rounds += 1
            assert decide(state, order, context) == first, "a round that came to nothing was remembered"
            assert decide(state, order, Context(context.now, Judge())) == first, "memory decides otherwise"
            return decide(state, order, context)
        return first

    monkeypatch.setattr(engine.workspace, "decide", thrice)
    for seed in range(SEQUENCES):
        chance = random.Random(seed)
        sequence: Any = opened(chance.randbytes(7), [chance.randbytes(WIDTH) for _ in range(chance.randint(20, 80))])
        with limited((3, 5)):
            run(sequence, checked=False)
    assert rounds > SEQUENCES
