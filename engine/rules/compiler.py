"""Formulas to durable-rules definitions, and values to the messages that those definitions expect."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any as AnyJson
from typing import cast

import msgspec

from engine.rules.atoms import Atom, Compare, Cross, Has, Values, admitted, names_in, truth
from engine.rules.batches import Batch, Chain, Condition, Numbered, Property, dealt
from engine.rules.formula import All, Any, Formula, Stated, Test, atoms_of, holds
from engine.rules.model import AttributeType
from engine.rules.paths import paths_of
from engine.rules.scales import ABSENT, ABSENT_ABOVE, Marks, Scale

PROPERTY_NAMES = tuple(f"p{number}" for number in range(256))
"""Names of properties in a message. durable-rules tells them apart by a 32-bit hash; a test keeps these distinct."""


class Plan(msgspec.Struct, frozen=True):
    """One engine: its definition, the names of its messages' properties, and the rules it answers for."""

    definition: Mapping[str, AnyJson]
    names: Mapping[Property, str]
    numbers: tuple[int, ...]


class Reading:
    """What a family of formulas can learn from values: the scales of all attributes they name."""

    def __init__(self, formulas: Iterable[Formula], kinds: Mapping[str, AttributeType]) -> None:
        atoms = tuple(dict.fromkeys(atom for formula in formulas for atom in atoms_of(formula)))
        grouped: dict[str, list[Atom]] = {}
        for atom in atoms:
            for name in names_in(atom):
                grouped.setdefault(name, []).append(atom)
        self.kinds = {name: kinds[name] for name in sorted(grouped)}
        self.scales = {name: Scale(name, kinds[name], grouped[name]) for name in self.kinds}
        self._crossed = tuple(atom for atom in atoms if isinstance(atom, Cross))
        self._marks = {name: Marks(scale, kinds[name]) for name, scale in self.scales.items()}
        self._keyed: dict[tuple[str, ...], tuple[tuple[Marks, ...], tuple[Cross, ...]]] = {}

    def admit(self, names: Sequence[str], values: Sequence[object]) -> dict[str, object]:
        """Values by name; what is absent or not of its type is left out."""
        admitted_ = ((name, admitted(value, self.kinds[name])) for name, value in zip(names, values, strict=True))
        return {name: value for name, value in admitted_ if value is not None}

    def key(self, names: tuple[str, ...], values: Sequence[object]) -> Hashable:
        """Equal keys mean that every formula over ``names`` answers alike. The bulk path: one lookup a value."""
        marks, crossed = self._keyed.get(names) or self._key_over(names)
        key = tuple([seen[value] for seen, value in zip(marks, values, strict=True)])
        if not crossed:
            return key
        admitted_ = self.admit(names, values)
        return (key, tuple(truth(atom, admitted_) for atom in crossed))

    def keys(self, names: tuple[str, ...], columns: Sequence[Sequence[object]]) -> Iterator[Hashable]:
        """``key`` of many rows, given by column, nearly all in C. Raises TypeError for a value that has no hash."""
        marks, crossed = self._keyed.get(names) or self._key_over(names)
        if crossed:
            return (self.key(names, values) for values in zip(*columns, strict=True))
        return zip(*(map(seen.__getitem__, column) for seen, column in zip(marks, columns, strict=True)), strict=True)

    def _key_over(self, names: tuple[str, ...]) -> tuple[tuple[Marks, ...], tuple[Cross, ...]]:
        crossed = tuple(atom for atom in self._crossed if set(names_in(atom)) <= set(names))
        self._keyed[names] = tuple(self._marks[name] for name in names), crossed
        return self._keyed[names]

    def chains(self, head: Chain, formula: Formula) -> tuple[Chain, ...]:
        """The formula's chains behind ``head``: gates come first, as few of them hold for one message."""
        tails = ([self.condition(test) for test in path] for path in paths_of(formula))
        return tuple((*head, *sorted(tail, key=_selective)) for tail in tails)

    def condition(self, test: Test | Stated) -> Condition:
        """One test as the engine makes it."""
        if isinstance(test, Stated):
            return Condition(Property("fact", test.formula), "$eq", 1)
        atom = test.atom
        if isinstance(atom, Has) and not self.kinds[atom.name].startswith("list"):
            return Condition(Property("place", atom.name), "$gt" if test.wanted else "$eq", ABSENT)
        if isinstance(atom, Compare):
            return self._native(atom, test.wanted)
        return Condition(Property("fact", atom), "$eq", int(test.wanted))

    def _native(self, atom: Compare, wanted: bool) -> Condition:
        # Absent must fail every test and pass its negation, so `<` looks at the property where absent lies above.
        kind, op = _NATIVE[(atom.op, wanted)]
        place = self.scales[atom.name].place(atom.value)
        return Condition(Property(kind, atom.name), op, place)  # type: ignore[arg-type]  # the table holds only these

    def message(self, names: Mapping[Property, str], values: Values) -> dict[str, int]:
        """A message with these properties; none is left out, absent values have places of their own."""
        return {name: self._stated(stated, values) for stated, name in names.items()}

    def _stated(self, stated: Property, values: Values) -> int:
        subject = stated.subject
        if isinstance(subject, str):
            place = self.scales[subject].place(values.get(subject))
            return ABSENT_ABOVE if stated.kind == "above" and place == ABSENT else place
        if isinstance(subject, Test | Stated | All | Any):
            return int(holds(subject, values))
        return int(truth(subject, values))


_NATIVE = {
    ("==", True): ("place", "$eq"),
    ("==", False): ("place", "$neq"),
    (">", True): ("place", "$gt"),
    (">", False): ("place", "$lte"),
    (">=", True): ("place", "$gte"),
    (">=", False): ("place", "$lt"),
    ("<", True): ("above", "$lt"),
    ("<", False): ("above", "$gte"),
    ("<=", True): ("above", "$lte"),
    ("<=", False): ("above", "$gt"),
}


def _selective(condition: Condition) -> tuple[int, str]:
    if condition.property.kind == "place" and condition.op == "$eq":
        return (0, str(condition.property.subject))
    return (1 if condition.property.kind == "fact" else 2, "")


def plans_of(rules: Iterable[Numbered]) -> tuple[Plan, ...]:
    """The engines to ask one after another; the first answer is the answer."""
    return tuple(_plan(batch) for batch in dealt(rules))


def _plan(batch: Batch) -> Plan:
    names = dict(zip(batch.properties, PROPERTY_NAMES, strict=False))
    chains = ((rule.number, chain) for rule in batch.rules for chain in rule.chains)
    # A rule of several chains stands there several times, so its name is its place here and then its number.
    definition = {
        f"{place}x{number}": {"all": [{"m": {"$and": [_json(condition, names) for condition in chain]}}], "pri": place}
        for place, (number, chain) in enumerate(chains)
    }
    return Plan(definition, names, tuple(rule.number for rule in batch.rules))


def _json(condition: Condition, names: Mapping[Property, str]) -> dict[str, AnyJson]:
    comparison = {names[condition.property]: condition.constant}
    return cast("dict[str, AnyJson]", comparison if condition.op == "$eq" else {condition.op: comparison})
