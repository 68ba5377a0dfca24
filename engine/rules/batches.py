"""Rules dealt into engines, so that no message can carry any engine across a limit of durable-rules.

durable-rules turns conjunctions into a tree of tests that share their beginnings, and walks it with a stack of 64.
The tree is modelled here before it is built there: crossing a limit hangs the process while it holds the GIL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

from engine.rules.atoms import Atom
from engine.rules.formula import Formula

MAX_SIBLINGS = 256
"""Tests after one test. Measured: 511 pass, 512 hang for ever (a hash table of 512 without a free slot)."""
MAX_WAITING = 48
"""Tests on the engine's stack at once, whatever the message. Measured: 64 pass, 65 are error 303."""
MAX_PROPERTIES = 128
"""Properties of one message. Measured: 252 and ``id`` pass, 253 are error 302."""
MAX_RULES = 512
"""Rules of one engine. Measured: 10,000 pass; but every asked message walks the siblings, so smaller is faster."""

Kind: TypeAlias = Literal["place", "above", "fact", "gate"]


class Property(msgspec.Struct, frozen=True):
    """One property of the message: a place (absent below or above), a fact of 0 or 1, or the question's number."""

    kind: Kind
    subject: str | Atom | Formula


class Condition(msgspec.Struct, frozen=True):
    """A comparison of one property with a constant, as durable-rules makes it; ``op`` is ``$eq`` for equality."""

    property: Property
    op: Literal["$eq", "$neq", "$lt", "$lte", "$gt", "$gte"]
    constant: int


Chain: TypeAlias = tuple[Condition, ...]


class Numbered(msgspec.Struct, frozen=True):
    """A rule as chains of conditions; ``number`` is what the engine answers when one of them holds."""

    number: int
    chains: tuple[Chain, ...]


class _Branch:
    """One node of the engine's tree, with what can wait on the stack below it."""

    __slots__ = ("children", "ends", "equalities", "others", "waiting")

    def __init__(self) -> None:
        self.children: dict[Condition, _Branch] = {}
        self.equalities: set[Property] = set()
        self.others = 0
        self.waiting = 0
        self.ends = False

    def child(self, condition: Condition) -> _Branch:
        if condition not in self.children:
            self.children[condition] = _Branch()
            if condition.op == "$eq":
                self.equalities.add(condition.property)  # one property equals one constant at a time
            else:
                self.others += 1
        return self.children[condition]

    def weigh(self, below: _Branch | None) -> None:
        together = len(self.equalities) + self.others
        self.waiting = max(self.waiting, together, together - 1 + below.waiting if below else 0)


class Batch:
    """Rules of one engine in the order they are asked."""

    def __init__(self) -> None:
        self.rules: list[Numbered] = []
        self.properties: dict[Property, None] = {}
        self._root = _Branch()
        self._siblings = 0

    def add(self, rule: Numbered) -> bool:
        """Take the rule, or answer False and stay as it is in ``rules`` and ``properties``.

        After False the batch is full: its model of the tree holds the refused rule, so it takes no other.
        """
        named = {condition.property for chain in rule.chains for condition in chain}
        if len(self.rules) >= MAX_RULES or len(named | self.properties.keys()) > MAX_PROPERTIES:
            return False
        live = tuple(chain for chain in rule.chains if self._grow(chain))
        if self._root.waiting > MAX_WAITING or self._siblings > MAX_SIBLINGS:
            return False
        if live:
            self.rules.append(Numbered(rule.number, live))
            self.properties.update(dict.fromkeys(condition.property for chain in live for condition in chain))
        return True

    def _grow(self, chain: Chain) -> bool:
        """Add the chain to the tree; False if an earlier rule ends there, so that this one could never fire."""
        trail = [self._root]
        for condition in chain:
            trail.append(trail[-1].child(condition))
            self._siblings = max(self._siblings, len(trail[-2].children))
        for branch, below in zip(reversed(trail), [None, *reversed(trail)], strict=False):
            branch.weigh(below)
        # 256 rules ending in one node kill the process; with the first of them kept there is only ever one.
        ended, trail[-1].ends = trail[-1].ends, True
        return not ended


def dealt(rules: Iterable[Numbered]) -> Sequence[Batch]:
    """The rules in as few engines as the limits allow, in the given order."""
    batches = [Batch()]
    for rule in rules:
        if batches[-1].add(rule):
            continue
        batches.append(Batch())
        if not batches[-1].add(rule):
            raise ValueError(f"Expected rule {rule.number} to fit into an engine of its own, but it does not")
    return [batch for batch in batches if batch.rules]
