"""What is wrong with a rule document, and where: values to show, to test and to send over the wire."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec

MAX_PROBLEMS = 50
"""A document with more is cut off here; nobody reads the fifty-first."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault. ``line`` and ``column`` count from 1 in the document; ``path`` reads ``rules[2].when``."""

    line: int
    column: int
    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """``4:11 rules[0].when: Expected ..., but ... (did you mean ...?)``."""
        where = f"{self.line}:{self.column} {self.path or 'document'}: {self.message}"
        return f"{where} ({self.hint})" if self.hint else where


class DocumentError(ValueError):
    """A document that is not a rule set.

    ``problems`` holds 1 to 50 of them in document order.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
        self.problems: tuple[Problem, ...] = tuple(ordered)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Fault(msgspec.Struct, frozen=True):
    """A fault inside one condition; ``offset`` counts characters of its text from 0."""

    offset: int
    message: str
    hint: str | None = None


MAX_NEAR = 100
"""Known words that a hint is looked for among. Comparing 500 with a word costs 60 ms, and there may be 50 problems."""


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str | None:
    """A hint that names the nearest known word, or None when nothing is near."""
    alike = sorted(known, key=lambda other: (abs(len(other) - len(word)), other))[:MAX_NEAR]
    near = difflib.get_close_matches(word[:100], alike, n=1, cutoff=0.6)
    return f"did you mean {prefix}{near[0]}?" if near else None


def shown(text: str, limit: int = 40) -> str:
    """Text as it is quoted in a message: escaped, and cut so that a message stays one line."""
    return repr(cut(text, limit))


def cut(text: str, limit: int = 80) -> str:
    """Text of at most ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
