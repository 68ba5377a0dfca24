"""A value's place among the constants that conditions name.

To a rule set a value is only as good as its place: with thresholds 30 and 90 every number has one of five places.
Places are what durable-rules compares (so it never sees a float, a huge integer or a string, all of which it gets
wrong somewhere), and what decisions are remembered by (so a million different balances have a few places).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable
from typing import cast

from engine.rules.atoms import Atom, Compare, Holds, OneOf, Size, TextTest, admitted, truth
from engine.rules.model import AttributeType

ABSENT = 0
"""The place of an absent value, below all others."""
ABSENT_ABOVE = 2**30
"""Its place where ``<`` is asked: above all others, so that every order test on it is false."""
CACHED = 16_384
"""Values whose place is remembered, an attribute."""


class Scale:
    """The places of one attribute; ``atoms`` are those that name it.

    Even places are named constants, odd ones lie between them.
    """

    def __init__(self, name: str, kind: AttributeType, atoms: Iterable[Atom]) -> None:
        mine = tuple(atoms)
        self._name, self._kind = name, kind
        self._numeric = kind in {"int", "float"}
        # Places order numbers and only tell strings apart, but sorting keeps both the same from run to run.
        self._constants: list[object] = sorted(_constants(kind, mine))  # type: ignore[type-var]
        self._index = {constant: 2 * place + 2 for place, constant in enumerate(self._constants)}
        self._held = frozenset(atom.value for atom in mine if isinstance(atom, Holds))
        self._facts = tuple(atom for atom in mine if isinstance(atom, TextTest | Size))

    def place(self, value: object) -> int:
        """The place of an admitted value; None is absent."""
        if value is None:
            return ABSENT
        if not self._numeric:
            return self._index.get(value, 1)
        index = bisect_left(self._constants, cast(float, value))  # type: ignore[type-var]
        exact = index < len(self._constants) and self._constants[index] == value
        return 2 * index + (2 if exact else 1)

    def mark(self, value: object) -> Hashable:
        """All that any one-attribute test can learn about an admitted value."""
        if value is None or not (self._facts or self._kind.startswith("list")):
            return self.place(value)
        facts = tuple(truth(atom, {self._name: value}) for atom in self._facts)
        if self._kind.startswith("list"):
            return (self._held.intersection(cast("tuple[object, ...]", value)), facts)
        return (self.place(value), facts)


class Marks(dict[object, Hashable]):
    """The mark of a raw value, remembered: a million rows hold few different values of one attribute.

    Values that are equal as keys (1, 1.0, True) are admitted alike, so they may share an entry.
    """

    def __init__(self, scale: Scale, kind: AttributeType) -> None:
        super().__init__()
        self._scale, self._kind = scale, kind

    def __missing__(self, value: object) -> Hashable:
        mark = self._scale.mark(admitted(value, self._kind))
        if len(self) >= CACHED:
            self.clear()
        self[value] = mark
        return mark


def _constants(kind: AttributeType, atoms: Iterable[Atom]) -> set[object]:
    if kind.startswith("list"):
        return set()
    found: set[object] = set()
    for atom in atoms:
        if isinstance(atom, Compare):
            found.add(atom.value)
        elif isinstance(atom, OneOf):
            found |= atom.values
    return found
