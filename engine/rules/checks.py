"""Type checks of a parsed condition against its vocabulary: every fault, with the offset it stands at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.rules.problems import Fault, cut, did_you_mean, shown
from engine.rules.tree import (
    TEXT_TESTS,
    Both,
    Call,
    Compare,
    Constant,
    Either,
    Items,
    Member,
    Name,
    Node,
    Not,
    receiver,
)
from engine.rules.vocabulary import Vocabulary

NUMERIC = frozenset({"int", "float"})


def faults_of(node: Node, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Faults in no order; a condition without any can be compiled."""
    if isinstance(node, Both | Either):
        for part in node.parts:
            yield from faults_of(part, vocabulary)
    elif isinstance(node, Not):
        yield from faults_of(node.part, vocabulary)
    else:
        yield from _test(node, vocabulary)


def _test(node: Node, vocabulary: Vocabulary) -> Iterator[Fault]:
    if isinstance(node, Compare):
        return _compare(node, vocabulary)
    if isinstance(node, Member):
        return _member(node, vocabulary)
    if isinstance(node, Call):
        return _call(node, vocabulary)
    return _alone(node, vocabulary)


def _alone(node: Node, vocabulary: Vocabulary) -> Iterator[Fault]:
    if isinstance(node, Constant) and isinstance(node.value, bool):
        return
    if not isinstance(node, Name):
        yield Fault(node.at, f"Expected a test, but {_described(node)} stands alone")
    elif fault := _unknown(node, vocabulary):
        yield fault
    elif (kind := vocabulary.type_of(node)) != "bool":
        yield Fault(node.at, f"Expected a bool attribute or a test, but {node.text} is {_a(kind)}", "compare it")


def _compare(node: Compare, vocabulary: Vocabulary) -> Iterator[Fault]:
    faults = [fault for side in (node.left, node.right) if (fault := _operand(side, vocabulary))]
    if faults:
        yield from faults
        return
    if not isinstance(node.left, Name | Call) and not isinstance(node.right, Name | Call):
        yield Fault(node.at, f"Expected an attribute on one side of {node.op}, but both sides are literals")
        return
    yield from _comparable(node, _type(node.left, vocabulary), _type(node.right, vocabulary))


def _comparable(node: Compare, left: str, right: str) -> Iterator[Fault]:
    first = node.left if isinstance(node.left, Name | Call) else node.right
    for side, kind in ((node.left, left), (node.right, right)):
        if kind.startswith("list"):
            yield Fault(side.at, f"Expected a single value around {node.op}, but {_described(side)} is a list", _LISTS)
            return
    if not _alike(left, right):
        other, kind = (node.right, left) if first is node.left else (node.left, right)
        told = f"Expected {_a(kind)} beside {_described(first)}, but {_described(other)} is not"
        yield Fault(other.at, told, _quoting(kind, other))
    elif node.op not in {"==", "!="} and left not in NUMERIC:
        hint = "use ==, in or startsWith" if left == "string" else "use == or !="
        yield Fault(node.at, f"Expected numbers around {node.op}, but {_described(first)} is {_a(left)}", hint)


_LISTS = 'write "value" in the attribute, or compare size()'


def _member(node: Member, vocabulary: Vocabulary) -> Iterator[Fault]:
    if fault := _value(node.left, vocabulary):
        yield fault
        return
    kind = _type(node.left, vocabulary)
    if kind.startswith("list"):
        yield Fault(node.left.at, f"Expected a single value before in, but {_described(node.left)} is a list")
    elif isinstance(node.right, Items):
        yield from _literals(node, kind)
    else:
        yield from _list_attribute(node, kind, vocabulary)


def _literals(node: Member, kind: str) -> Iterator[Fault]:
    if not isinstance(node.left, Name):
        yield Fault(node.left.at, "Expected an attribute before in, but both sides are literals")
        return
    for item in node.right.values:
        if not _alike(kind, _literal_type(item)):
            told = f"Expected {_a(kind)} in the list, as {node.left.text} is one, but {_described(item)} is not"
            yield Fault(item.at, told, _quoting(kind, item))


def _list_attribute(node: Member, kind: str, vocabulary: Vocabulary) -> Iterator[Fault]:
    if not isinstance(node.right, Name):
        yield Fault(node.right.at, f"Expected a list after in, but {_described(node.right)} is none")
    elif fault := _unknown(node.right, vocabulary):
        yield fault
    elif not (held := vocabulary.type_of(node.right)).startswith("list"):
        told = f"Expected a list after in, but {node.right.text} is {_a(held)}"
        yield Fault(node.right.at, told, "use == or .contains()" if held == "string" else "use ==")
    elif not _alike(kind, held[5:-1]):
        told = f"Expected {_a(held[5:-1])} in {node.right.text}, but {_described(node.left)} is not"
        yield Fault(node.left.at, told, _quoting(held[5:-1], node.left))


def _call(node: Call, vocabulary: Vocabulary) -> Iterator[Fault]:
    parts = node.name.parts
    if parts == ("has",):
        yield from _argument(node, vocabulary)
    elif parts == ("size",):
        yield Fault(node.at, "Expected a comparison of size(), but it stands alone", "write size(...) > 0")
    elif len(parts) == 3:
        yield from _text_test(node, vocabulary)
    else:
        yield Fault(node.at, f"Expected has(), size() or a text test, but {shown(node.name.text)} is no function")


def _text_test(node: Call, vocabulary: Vocabulary) -> Iterator[Fault]:
    name, test = receiver(node.name), node.name.parts[2]
    if test not in TEXT_TESTS:
        told = f"Expected startsWith, endsWith or contains, but {shown(test)} is none"
        yield Fault(node.at, told, did_you_mean(test, TEXT_TESTS))
    elif fault := _unknown(name, vocabulary):
        yield fault
    elif (kind := vocabulary.type_of(name)) != "string":
        hint = f"write {shown('value')} in {name.text}" if kind.startswith("list") else None
        yield Fault(name.at, f"Expected a string before .{test}, but {name.text} is {_a(kind)}", hint)
    elif len(node.arguments) != 1 or not _is_text(node.arguments[0]):
        yield Fault(node.at, f"Expected one string in .{test}(), but something else stands there")


def _argument(node: Call, vocabulary: Vocabulary) -> Iterator[Fault]:
    word = node.name.text
    if len(node.arguments) != 1 or not isinstance(node.arguments[0], Name):
        yield Fault(node.at, f"Expected one attribute in {word}(), but something else stands there")
    elif fault := _unknown(node.arguments[0], vocabulary):
        yield fault


def _operand(node: Node, vocabulary: Vocabulary) -> Fault | None:
    """A fault of one side of a comparison, types apart."""
    if isinstance(node, Call) and node.name.parts == ("size",):
        return _size(node, vocabulary)
    if isinstance(node, Items):
        return Fault(node.at, "Expected a single value in a comparison, but a list stands there", "use in")
    return _value(node, vocabulary)


def _size(node: Call, vocabulary: Vocabulary) -> Fault | None:
    if fault := next(_argument(node, vocabulary), None):
        return fault
    kind = vocabulary.type_of(node.arguments[0])
    if kind != "string" and not kind.startswith("list"):
        return Fault(node.arguments[0].at, f"Expected a string or a list in size(), but it is {_a(kind)}")
    return None


def _value(node: Node, vocabulary: Vocabulary) -> Fault | None:
    if isinstance(node, Constant):
        return None
    if isinstance(node, Name):
        return _unknown(node, vocabulary)
    return Fault(node.at, f"Expected an attribute or a literal, but {_described(node)} stands there")


def _unknown(name: Name, vocabulary: Vocabulary) -> Fault | None:
    if len(name.parts) != 2 or name.parts[0] not in {"task", "agent"}:
        return Fault(
            name.at, f"Expected task.<attribute> or agent.<attribute>, but {cut(name.text)} is neither", _near(name)
        )
    side = vocabulary.task if name.parts[0] == "task" else vocabulary.agent
    if side is None:
        told = f"Expected only task attributes here, but {cut(name.text)} is an agent's"
        return Fault(name.at, told, "say whom a rule is for in targets")
    if name.parts[1] in side:
        return None
    told = f"Expected a declared attribute, but {cut(name.text)} is not declared"
    return Fault(name.at, told, did_you_mean(name.parts[1], side, f"{name.parts[0]}."))


def _near(name: Name) -> str | None:
    if len(name.parts) == 1:
        return f"put text in quotes, or write task.{cut(name.text)}"
    return did_you_mean(name.parts[0], ("task", "agent"))


def _type(node: Node, vocabulary: Vocabulary) -> str:
    if isinstance(node, Name):
        return vocabulary.type_of(node)
    return "int" if isinstance(node, Call) else _literal_type(node)


def _literal_type(node: Node) -> str:
    assert isinstance(node, Constant)
    return {bool: "bool", int: "int", float: "float", str: "string"}[type(node.value)]


def _is_text(node: Node) -> bool:
    return isinstance(node, Constant) and isinstance(node.value, str)


def _alike(left: str, right: str) -> bool:
    return left == right or {left, right} <= NUMERIC


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "int" else f"a {kind}"


def _quoting(kind: str, node: Node) -> str | None:
    if kind == "string" and isinstance(node, Constant):
        return "put it in quotes"
    return "leave the quotes out" if _is_text(node) and kind != "list" else None


def _described(node: Node) -> str:
    for kind, describe in _DESCRIPTIONS:
        if isinstance(node, kind):
            return describe(node)
    return "a condition"


_DESCRIPTIONS: tuple[tuple[type, Callable[..., str]], ...] = (
    (Name, lambda node: cut(node.text)),
    (Call, lambda node: f"{cut(node.name.text)}()"),
    (Items, lambda _: "the list"),
    (Constant, lambda node: shown(str(node.value)) if not isinstance(node.value, bool) else str(node.value).lower()),
)
