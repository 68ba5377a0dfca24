"""A checked condition as a boolean formula: tests that are wanted true or false, joined by all and any.

Negation is pushed down to the tests here, where ``!=`` and ``not in`` also get their ``has()``.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from engine.rules.atoms import Atom, Compare, Cross, Has, Holds, OneOf, Scalar, Size, TextTest, Values, truth
from engine.rules.tree import Both, Call, Constant, Either, Member, Name, Node, Not, receiver
from engine.rules.tree import Compare as CompareNode


class Test(msgspec.Struct, frozen=True):
    """``atom`` is to be ``wanted``."""

    atom: Atom
    wanted: bool


class All(msgspec.Struct, frozen=True):
    """True where there are no parts."""

    parts: tuple[Formula, ...]


class Any(msgspec.Struct, frozen=True):
    """False where there are no parts."""

    parts: tuple[Formula, ...]


class Stated(msgspec.Struct, frozen=True):
    """A part that we work out ourselves and state in the message as one fact."""

    formula: Formula


Formula: TypeAlias = Test | Stated | All | Any
ALWAYS, NEVER = All(()), Any(())


def formula_of(node: Node, wanted: bool = True) -> Formula:
    """The formula that is true where the condition is ``wanted``."""
    if isinstance(node, Not):
        return formula_of(node.part, not wanted)
    if isinstance(node, Both | Either):
        parts = tuple(formula_of(part, wanted) for part in node.parts)
        return _all(parts) if isinstance(node, Both) == wanted else _any(parts)
    if isinstance(node, CompareNode):
        return _compare(node, wanted)
    if isinstance(node, Member):
        return _wanted(_member(node), _owners(node.left, node.right), node.negated, wanted)
    return _single(node, wanted)


def atoms_of(formula: Formula) -> tuple[Atom, ...]:
    """Every atom, once, in the order of first use."""
    if isinstance(formula, Test):
        return (formula.atom,)
    if isinstance(formula, Stated):
        return atoms_of(formula.formula)
    return tuple(dict.fromkeys(atom for part in formula.parts for atom in atoms_of(part)))


def holds(formula: Formula, values: Values) -> bool:
    """What the formula says about given values."""
    if isinstance(formula, Test):
        return truth(formula.atom, values) == formula.wanted
    if isinstance(formula, Stated):
        return holds(formula.formula, values)
    joined = all if isinstance(formula, All) else any
    return joined(holds(part, values) for part in formula.parts)


def _all(parts: tuple[Formula, ...]) -> Formula:
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, All) else (part,)))
    if NEVER in flat:
        return NEVER
    return flat[0] if len(flat) == 1 else All(tuple(dict.fromkeys(flat)))


def _any(parts: tuple[Formula, ...]) -> Formula:
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Any) else (part,)))
    if ALWAYS in flat:
        return ALWAYS
    return flat[0] if len(flat) == 1 else Any(tuple(dict.fromkeys(flat)))


def _single(node: Node, wanted: bool) -> Formula:
    if isinstance(node, Constant):
        return ALWAYS if node.value == wanted else NEVER
    if isinstance(node, Name):
        return Test(Compare(node.text, "==", True), wanted)
    assert isinstance(node, Call)
    if node.name.parts == ("has",):
        return Test(Has(node.arguments[0].text), wanted)
    return Test(TextTest(receiver(node.name).text, node.name.parts[2], node.arguments[0].value), wanted)


_MIRROR = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _compare(node: CompareNode, wanted: bool) -> Formula:
    left, op, right = node.left, str(node.op), node.right
    if isinstance(left, Constant):
        left, op, right = right, _MIRROR[op], left
    atom = _comparison(left, "==" if op == "!=" else op, right)
    return _wanted(atom, _owners(left, right), op == "!=", wanted)


def _comparison(left: Node, op: str, right: Node) -> Atom:
    if isinstance(left, Name) and isinstance(right, Constant):
        return Compare(left.text, op, right.value)
    if isinstance(left, Call) and isinstance(right, Constant):
        assert not isinstance(right.value, str)
        return Size(left.arguments[0].text, op, right.value)
    return Cross(_scalar(left), op, _scalar(right))


def _scalar(node: Node) -> Scalar:
    if isinstance(node, Call):
        return Scalar(node.arguments[0].text, size=True)
    assert isinstance(node, Name)
    return Scalar(node.text)


def _member(node: Member) -> Atom:
    if isinstance(node.left, Constant):
        return Holds(node.right.text, node.left.value)
    if isinstance(node.right, Name):
        return Cross(Scalar(node.left.text), "in", Scalar(node.right.text))
    return OneOf(node.left.text, frozenset(item.value for item in node.right.values))


def _owners(*sides: Node) -> tuple[str, ...]:
    names = (side.arguments[0] if isinstance(side, Call) else side for side in sides)
    return tuple(name.text for name in names if isinstance(name, Name))


def _wanted(atom: Atom, owners: tuple[str, ...], negated: bool, wanted: bool) -> Formula:
    """A test or its ``!=`` form, which holds only where every attribute it names is present."""
    if not negated:
        return Test(atom, wanted)
    present = tuple(Test(Has(owner), wanted) for owner in dict.fromkeys(owners))
    parts = (*present, Test(atom, not wanted))
    return All(parts) if wanted else Any(parts)
