"""The condition language: what a condition may say, and what it means.

Names are ``task.x`` and ``agent.x``; literals are strings, 64-bit integers, floats, true, false and lists of them.
Tests: ``== != < <= > >=``, ``in``, ``not in``, ``.startsWith() .endsWith() .contains()``, ``size()``, ``has()``;
joined with ``and or not`` (or ``&& || !``) and parentheses. A bool attribute may stand alone.

An attribute may be absent. Every test on an absent attribute is false, so a condition is never undecided:

* ``task.x == v``, ``task.x < v``, ``task.x in [...]``, ``size(task.x) > n`` and the rest are false;
* ``task.x != v`` means ``has(task.x) and not (task.x == v)``, and ``not in`` likewise: they are false, too;
* ``not (...)`` negates the result, so ``not (task.x == v)`` is true where ``task.x`` is absent;
* a value that is not of its declared type counts as absent.

Two attributes may be compared with each other when their types are equal (int and float count as equal).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from engine.rules.checks import faults_of
from engine.rules.problems import MAX_PROBLEMS, Fault
from engine.rules.syntax import parse
from engine.rules.tree import TEXT_TESTS, Both, Call, Compare, Either, Member, Name, Node, Not, receiver
from engine.rules.vocabulary import Vocabulary

MAX_TESTS = 256
"""Tests in one condition."""


class ConditionError(ValueError):
    """Text that is no condition came where only checked text may come."""


def check(text: str, vocabulary: Vocabulary) -> tuple[Fault, ...]:
    """The faults of a condition, up to 50, in the order they stand; none means that the compiler takes it."""
    node = parse(text)
    if isinstance(node, Fault):
        return (node,)
    if (count := sum(1 for _ in tests_of(node))) > MAX_TESTS:
        return (Fault(node.at, f"Expected at most {MAX_TESTS} tests in a condition, but there are {count}"),)
    return tuple(sorted(islice(faults_of(node, vocabulary), MAX_PROBLEMS), key=lambda fault: fault.offset))


def parsed(text: str) -> Node:
    """The tree of a condition that ``check`` passed. Raises ``ConditionError`` for any other text."""
    node = parse(text)
    if isinstance(node, Fault):
        raise ConditionError(node.message)
    return node


def tests_of(node: Node) -> Iterator[Node]:
    """The leaves between and/or/not."""
    if isinstance(node, Both | Either):
        for part in node.parts:
            yield from tests_of(part)
    elif isinstance(node, Not):
        yield from tests_of(node.part)
    else:
        yield node


def names_of(text: str) -> frozenset[str]:
    """Every attribute a checked condition names: ``{"task.region", "agent.team"}``."""
    return frozenset(name.text for test in tests_of(parsed(text)) for name in _names_in(test))


def _names_in(node: Node) -> Iterator[Name]:
    if isinstance(node, Name):
        yield node if node.parts[-1] not in TEXT_TESTS or len(node.parts) == 2 else receiver(node)
    elif isinstance(node, Compare | Member):
        yield from _names_in(node.left)
        yield from _names_in(node.right)
    elif isinstance(node, Call):
        yield from _names_in(node.name if len(node.name.parts) == 3 else node.arguments[0])
