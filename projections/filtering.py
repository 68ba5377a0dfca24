"""Filters as in google.aip.dev/160: ``status = "pooled" AND priority >= 50 AND attributes.region = "JS"``.

A filter becomes a condition with bound parameters; names come from a list of fields, values never enter the text.
As the standard has it, OR binds tighter than AND, and terms side by side are joined by AND.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from projections.comparing import Anything, Comparison, compare
from projections.errors import QueryError, expected_one_of

if TYPE_CHECKING:
    from projections.listing import Field

MAX_LENGTH = 4_096
MAX_DEPTH = 32
MAX_TERMS = 100

_GRAMMAR = r"""
start: expression
expression: sequence (_AND sequence)*
sequence: factor+
factor: term (_OR term)*
term: (NOT | MINUS)? simple
?simple: restriction | "(" expression ")" | bare
restriction: member OPERATOR value
bare: member | STRING
member: WORD ("." WORD)*
value: WORD ("." WORD)* -> words | STRING -> string | NUMBER -> number | STAR -> star | MINUS NUMBER -> negative

_AND.3: /AND(?![\w-])/
_OR.3: /OR(?![\w-])/
NOT.3: /NOT(?![\w-])/
OPERATOR: "<=" | ">=" | "!=" | "=" | "<" | ">" | ":"
STRING: /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/s
NUMBER.2: /\d+(\.\d+)?([eE][+-]?\d+)?(?![\w])/
WORD: /[^\W\d][\w-]*|\d+[^\W\d][\w-]*/
STAR: "*"
MINUS: "-"
%ignore /\s+/
"""


class Condition(NamedTuple):
    """Part of a WHERE clause; empty text is no condition."""

    sql: str
    params: tuple[Any, ...]
    joins: tuple[str, ...]


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", propagate_positions=True)


def condition_of(text: str, fields: Mapping[str, Field], attributes: Mapping[str, str]) -> Condition:
    """The condition that a filter states. ``attributes`` are the declared ones with their types.

    Raises QueryError, its message naming the column of the filter where something is wrong.
    """
    if not text.strip():
        return Condition("", (), ())
    _check_size(text)
    try:
        condition = Filter(fields, attributes).transform(_parser().parse(text))
    except UnexpectedInput as error:
        raise QueryError("filter", _unexpected(text, error)) from error
    except VisitError as error:
        raise (error.orig_exc if isinstance(error.orig_exc, QueryError) else error) from None
    return condition


class Filter(Transformer[Token, Condition]):
    """Parse tree to condition, from the leaves up."""

    def __init__(self, fields: Mapping[str, Field], attributes: Mapping[str, str]) -> None:
        super().__init__()
        self._fields, self._attributes = fields, attributes
        self._terms = 0

    def start(self, parts: Sequence[Condition]) -> Condition:
        return parts[0]

    def expression(self, parts: Sequence[Condition]) -> Condition:
        return _joined(" AND ", parts)

    def sequence(self, parts: Sequence[Condition]) -> Condition:
        return _joined(" AND ", parts)

    def factor(self, parts: Sequence[Condition]) -> Condition:
        return _joined(" OR ", parts)

    # What is absent may make a comparison NULL, which counts as false; so it must under NOT, too.
    def term(self, parts: Sequence[Any]) -> Condition:
        condition: Condition = parts[-1]
        return condition if len(parts) == 1 else condition._replace(sql=f"NOT coalesce({condition.sql}, false)")

    def bare(self, parts: Sequence[Any]) -> Condition:
        found = parts[0][0] if isinstance(parts[0], list) else parts[0]
        raise QueryError(
            "filter", f"Expected `field = value` at column {found.column}, but {str(found)!r} stands alone"
        )

    def member(self, parts: Sequence[Token]) -> list[Token]:
        return list(parts)

    def words(self, parts: Sequence[Token]) -> tuple[Token, object]:
        text = ".".join(parts)
        return parts[0], {"true": True, "false": False}.get(text, text)

    def string(self, parts: Sequence[Token]) -> tuple[Token, object]:
        return parts[0], _unquoted(parts[0])

    def number(self, parts: Sequence[Token]) -> tuple[Token, object]:
        return parts[0], _number(str(parts[0]))

    def negative(self, parts: Sequence[Token]) -> tuple[Token, object]:
        return parts[0], _number(f"-{parts[1]}")

    def star(self, parts: Sequence[Token]) -> tuple[Token, object]:
        return parts[0], Anything()

    def restriction(self, parts: Sequence[Any]) -> Condition:
        member, operator, (token, value) = parts
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise QueryError("filter", f"Expected at most {MAX_TERMS} comparisons, but there are more")
        field, key = self._field(member)
        comparison = Comparison(".".join(member), str(operator), value, member[0].column, token.column)
        made = compare(field, key, comparison, self._attributes)
        return Condition(*made, field.joins)

    def _field(self, member: Sequence[Token]) -> tuple[Field, str | None]:
        name = str(member[0])
        field = self._fields.get(name)
        if field is None:
            problem = expected_one_of(f"a field at column {member[0].column}", name, self._fields)
            raise QueryError("filter", problem)
        if field.kind != "attributes" and len(member) > 1:
            raise QueryError(
                "filter", f"Expected {name!r} alone at column {member[0].column}, but a part of it is named"
            )
        return field, ".".join(member[1:]) or None


def _joined(word: str, parts: Sequence[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    params = tuple(value for part in parts for value in part.params)
    joins = tuple(join for part in parts for join in part.joins)
    return Condition(word.join(f"({part.sql})" for part in parts), params, joins)


def _check_size(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise QueryError("filter", f"Expected a filter of at most {MAX_LENGTH} characters, but it has {len(text)}")
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise QueryError("filter", f"Expected parentheses at most {MAX_DEPTH} deep, but they are {deepest} deep")


def _unquoted(token: Token) -> str:
    text = str(token)[1:-1]
    if "\0" in text:
        raise QueryError("filter", f"Expected text without NUL at column {token.column}, but it has one")
    out, escaped = [], False
    for character in text:
        if character == "\\" and not escaped:
            escaped = True
            continue
        out.append(character)
        escaped = False
    return "".join(out)


def _number(text: str) -> int | float:
    return float(text) if any(mark in text for mark in ".eE") else int(text)


def _unexpected(text: str, error: UnexpectedInput) -> str:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return "Expected `field = value`, but the filter ends too soon"
    near = text[error.pos_in_stream or 0 :][:20]
    return f"Expected `field = value` joined by AND or OR at column {error.column}, but found {near!r}"
