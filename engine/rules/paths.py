"""A formula as paths: conjunctions of which any one suffices. Each path becomes one rule of durable-rules.

Paths multiply (six ``or`` pairs joined by ``and`` are 64), so a formula with too many has its alternatives folded:
we work them out ourselves and state the result as one fact.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TypeAlias

from engine.rules.formula import All, Any, Formula, Stated, Test

Path: TypeAlias = tuple[Test | Stated, ...]

MAX_PATHS = 8
"""Paths of one condition. Measured: nothing breaks at 1,000, but each is a chain of nodes of 2 KB."""
MAX_TESTS_NATIVE = 48
"""Distinct tests of one condition that the engine is shown; it bounds the properties that one rule needs."""


def paths_of(formula: Formula) -> tuple[Path, ...]:
    """At most ``MAX_PATHS`` paths; none where the formula is never true, one empty one where it always is."""
    folded = _folded(formula)
    paths = _expanded(folded)
    if len({test for path in paths for test in path}) > MAX_TESTS_NATIVE:
        return ((Stated(formula),),)
    return tuple(tuple(dict.fromkeys(path)) for path in paths)


def _folded(formula: Formula) -> Formula:
    if isinstance(formula, Test | Stated):
        return formula
    folded = type(formula)(tuple(_folded(part) for part in formula.parts))
    if _width(folded) <= MAX_PATHS:
        return folded
    if isinstance(folded, Any):
        return Stated(folded)
    return All(tuple(Stated(part) if isinstance(part, Any) else part for part in folded.parts))


def _width(formula: Formula) -> int:
    if isinstance(formula, Test | Stated):
        return 1
    widths = [_width(part) for part in formula.parts]
    return prod(widths) if isinstance(formula, All) else sum(widths)


def _expanded(formula: Formula) -> tuple[Path, ...]:
    if isinstance(formula, Test | Stated):
        return ((formula,),)
    parts = [_expanded(part) for part in formula.parts]
    if isinstance(formula, Any):
        return tuple(path for part in parts for path in part)
    return tuple(tuple(test for path in choice for test in path) for choice in product(*parts))
