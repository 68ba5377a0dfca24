"""What is wrong with a query."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class QueryError(Exception):
    """The query can never be answered as it is asked; ``field`` names the part of the request."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def expected_one_of(what: str, given: str, known: Iterable[str]) -> str:
    """ "Expected a field ..., but ..." with the nearest name, or all of them."""
    names = sorted(known)
    near = get_close_matches(given, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}"
    return f"Expected {what}, but {given!r} is not one{hint}"
