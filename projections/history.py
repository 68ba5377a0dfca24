"""A task's history, by the page: which of the events that concern it are on one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from projections.listing import Field, Order, last_of, page_size, token_of

MAX_EVENTS = 100
"""Of one page. Each may be cut out of a bulk event of hundreds of tasks, which is read whole."""
_BY_POSITION = (Order("position", Field("position", "int"), descending=False),)


def history_page(task: int, positions: Sequence[int], size: int, token: str) -> tuple[list[int], str]:
    """(those of the page, token of the next one); ``positions`` are all of the task's, ascending. Raises QueryError."""
    digest = f"history-{task}"
    size = min(page_size(size), MAX_EVENTS)
    first = bisect_right(positions, last_of(token, digest, _BY_POSITION)[0]) if token else 0
    found = list(positions[first : first + size])
    more = first + size < len(positions)
    return found, token_of(digest, found[-1:]) if more else ""
