"""Condition text to a tree. Grammar and literals only: what names mean is ``language``'s business.

The grammar is a subset of CEL, with ``and or not`` beside ``&& || !``. ``not`` binds looser than a comparison
(``not task.a == 1`` negates the comparison), as in Python. The literals of a list, all but the last, are one word to
the parser: it takes ten microseconds a word, and a list may have 10,000.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import lark

from engine.rules.literals import LITERAL, ConditionSyntaxError, constant, many
from engine.rules.problems import Fault, shown
from engine.rules.tree import Both, Call, Compare, Constant, Either, Items, Member, Name, Node, Not

MAX_TEXT = 262_144
"""Characters of one condition: room for a list of 10,000 codes."""
MAX_DEPTH = 32
"""Levels of and/or/not inside each other; what walks the tree may then recurse."""
MAX_ITEMS = 10_000
"""Literals of one list."""
MAX_WORDS = 8_192
"""Names, literals and signs of one condition, but for those of lists: many times what 256 tests consist of."""

GRAMMAR = r"""
start: either
?either: both (_OR both)*
?both: negation (_AND negation)*
?negation: _NOT negation -> negated
    | test
?test: operand
    | operand COMPARE operand -> compare
    | operand _IN operand -> member
    | operand _NOT _IN operand -> stranger
?operand: "(" either ")"
    | STRING -> string
    | NUMBER -> number
    | TRUE -> true
    | FALSE -> false
    | "[" [MANY] [literal] "]" -> items
    | path
    | path "(" [operand ("," operand)*] ")" -> call
?literal: STRING -> string
    | NUMBER -> number
    | TRUE -> true
    | FALSE -> false
path: NAME ("." NAME)*

_AND.2: /and\b|&&/
_OR.2: /or\b|\|\|/
_NOT.2: /not\b|!(?!=)/
_IN.2: /in\b/
TRUE.2: /true\b/
FALSE.2: /false\b/
COMPARE: "==" | "!=" | "<=" | ">=" | "<" | ">"
STRING: /"[^"\\\n]*(\\.[^"\\\n]*)*"|'[^'\\\n]*(\\.[^'\\\n]*)*'/
NUMBER: /-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?/
NAME: /[A-Za-z_][A-Za-z0-9_]*/
MANY.3: ((STRING | NUMBER | TRUE | FALSE) _BLANK? "," _BLANK?)+
_BLANK: /[ \t\r\n]+/
%ignore _BLANK
"""


@lru_cache(maxsize=32_768)
def parse(text: str) -> Node | Fault:
    """The tree of a condition, or the first fault in it. Remembered by text."""
    if len(text) > MAX_TEXT:
        return Fault(0, f"Expected at most {MAX_TEXT} characters in a condition, but it has {len(text)}")
    try:
        return _parser().parse(text)  # type: ignore[no-any-return]  # lark's stubs say Tree whatever the transformer
    except lark.exceptions.UnexpectedCharacters as error:
        return _bad_character(text, error.pos_in_stream or 0)
    except lark.exceptions.UnexpectedToken as error:
        return _bad_token(text, error)
    except ConditionSyntaxError as error:
        return error.fault
    except lark.exceptions.VisitError as error:
        return _from_builder(error)


@lru_cache(maxsize=1)
def _parser() -> Any:
    # A transformer inside the parser builds nodes while it reduces, so depth of input is never depth of recursion.
    return lark.Lark(GRAMMAR, parser="lalr", transformer=_Builder(), maybe_placeholders=False, postlex=_Bound())


class _Bound(lark.lark.PostLex):
    """Stops the parser early: what is no condition may be as long as a list."""

    def process(self, stream: Iterator[lark.Token]) -> Iterator[lark.Token]:
        for count, token in enumerate(stream):
            if count >= MAX_WORDS:
                told = f"Expected at most {MAX_WORDS} names, values and signs in a condition, but there are more"
                raise ConditionSyntaxError(Fault(token.start_pos or 0, told))
            yield token


def _from_builder(error: lark.exceptions.VisitError) -> Fault:
    if isinstance(error.orig_exc, ConditionSyntaxError):
        return error.orig_exc.fault
    raise error


def _bad_character(text: str, at: int) -> Fault:
    found = text[at]
    if found in "\"'":
        return Fault(at, "Expected the string to end on its line, but no closing quote was found")
    hint = {"=": "equality is ==", "&": "write and, or &&", "|": "write or, or ||"}.get(found)
    return Fault(at, f"Expected a condition, but {shown(found)} has no meaning here", hint)


def _bad_token(text: str, error: lark.exceptions.UnexpectedToken) -> Fault:
    token = error.token
    word = next(LITERAL.finditer(token))[0] if token.type == "MANY" else str(token)
    found = "the condition ends" if token.type == "$END" else f"{shown(word)} stands there"
    at = len(text.rstrip()) if token.type == "$END" else token.start_pos
    wanted = "an attribute or a value" if "NAME" in error.expected else _operators(error.expected, _inside(text[:at]))
    hint = "a condition may not be empty; leave the field out instead" if not text.strip() else _case_hint(word)
    return Fault(at, f"Expected {wanted}, but {found}", hint)


def _operators(expected: set[str], inside: bool) -> str:
    if "_IN" in expected and "COMPARE" not in expected:
        return '"in" after "not"'
    if expected == {"RSQB"}:  # behind a literal without a comma: with one it would have been one of many
        expected = {"COMMA", "RSQB"}
    words = [word for terminal, word in _WORDS.items() if terminal in expected]
    words = words if inside else [*(word for word in words if word in _OUTSIDE), "the end"]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _case_hint(word: str) -> str | None:
    return f"write {word.lower()}" if word.lower() != word and word.lower() in _KEYWORDS else None


def _inside(before: str) -> bool:
    # The parser's tables merge states, so it would offer a bracket where none is open.
    return before.count("(") > before.count(")") or before.count("[") > before.count("]")


_WORDS = {
    "COMPARE": "a comparison",
    "_AND": '"and"',
    "_OR": '"or"',
    "COMMA": '","',
    "RPAR": '")"',
    "RSQB": '"]"',
}
_OUTSIDE = frozenset({"a comparison", '"and"', '"or"'})
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})


def _depth(parts: tuple[Any, ...], at: int) -> int:
    depth = 1 + max(getattr(part, "depth", 0) for part in parts)
    if depth > MAX_DEPTH:
        raise ConditionSyntaxError(
            Fault(at, f"Expected at most {MAX_DEPTH} levels of and, or and not, but there are more")
        )
    return depth


@lark.v_args(inline=True)
class _Builder(lark.Transformer[Any, Any]):
    """Called by the parser at each reduction; tokens carry ``start_pos``."""

    def start(self, node: Node) -> Node:
        return node

    def either(self, *parts: Any) -> Either:
        return Either(parts[0].at, parts, _depth(parts, parts[0].at))

    def both(self, *parts: Any) -> Both:
        return Both(parts[0].at, parts, _depth(parts, parts[0].at))

    def negated(self, part: Any) -> Not:
        return Not(part.at, part, _depth((part,), part.at))

    def compare(self, left: Any, op: Any, right: Any) -> Compare:
        return Compare(op.start_pos, str(op), left, right)  # type: ignore[arg-type]  # the terminal has these six

    def member(self, left: Any, right: Any) -> Member:
        return Member(left.at, left, right, negated=False)

    def stranger(self, left: Any, right: Any) -> Member:
        return Member(left.at, left, right, negated=True)

    def path(self, *names: Any) -> Name:
        return Name(names[0].start_pos, tuple(str(name) for name in names))

    def call(self, name: Name, *arguments: Any) -> Call:
        return Call(name.at, name, arguments)

    def items(self, *parts: Any) -> Items:
        values = tuple(value for part in parts for value in (many(part) if isinstance(part, lark.Token) else (part,)))
        # An empty list has no token of its own to stand on; its place is not needed, as nothing in it can be wrong.
        at = values[0].at if values else 0
        if len(values) > MAX_ITEMS:
            raise ConditionSyntaxError(
                Fault(at, f"Expected at most {MAX_ITEMS} values in a list, but there are {len(values)}")
            )
        return Items(at, values)

    def string(self, token: Any) -> Constant:
        return constant(str(token), token.start_pos)

    number = true = false = string
