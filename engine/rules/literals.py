"""The literals of conditions: their texts to the values they stand for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from engine.rules.problems import Fault, shown
from engine.rules.tree import Constant

INT64 = range(-(2**63), 2**63)
LITERAL = re.compile(r"""("|')(?:[^\\]|\\.)*?\1|[^\s,]+""")


class ConditionSyntaxError(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def many(token: Any) -> Iterator[Constant]:
    """Of a list, literals that commas follow."""
    return (constant(found[0], token.start_pos + found.start()) for found in LITERAL.finditer(token))


def constant(text: str, at: int) -> Constant:
    if text[0] in "\"'":
        return Constant(at, unescape(text[1:-1], at + 1))
    return Constant(at, text == "true" if text in {"true", "false"} else _number(text, at))


def _number(text: str, at: int) -> int | float:
    if not re.fullmatch(r"-?[0-9]+", text):
        return _float(text, at)
    # Python refuses to read integers of thousands of digits at all, so length is looked at first.
    if len(text) > 25 or int(text) not in INT64:
        raise ConditionSyntaxError(Fault(at, f"Expected an integer of 64 bits, but {shown(text)} is beyond it"))
    return int(text)


def _float(text: str, at: int) -> float:
    value = float(text)
    if math.isinf(value):
        raise ConditionSyntaxError(Fault(at, f"Expected a finite number, but {shown(text)} is beyond a float"))
    return value


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", '"': '"', "'": "'"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)


def unescape(body: str, at: int) -> str:
    """The text a literal stands for; ``at`` is where its body starts.

    Raises ``ConditionSyntaxError`` on a bad escape.
    """
    return _ESCAPE.sub(_escape_at(at), body) if "\\" in body else body


def _escape_at(at: int) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        word = match[1]
        code = int(word[1:], 16) if len(word) > 1 else -1
        if 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000:
            return chr(code)
        if word in _ESCAPES:
            return _ESCAPES[word]
        fault = Fault(at + match.start(), f"Expected an escape, but {shown(match[0])} is none", "write \\\\ for \\")
        raise ConditionSyntaxError(fault)

    return replace
