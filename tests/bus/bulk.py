"""A log with the shape of a large import: chunks that hold hundreds of facts each."""

from __future__ import annotations

from engine import events as ev
from engine.events import Recorded

ROWS = 500
FACTS_A_CHUNK = 3 * ROWS


def bulk(chunks: int, after: int = 0) -> list[Recorded]:
    """``chunks`` times 500 tasks imported, pooled and allocated; positions follow ``after``."""
    events: list[ev.Event] = []
    for chunk in range(chunks):
        first = 1 + chunk * ROWS
        tasks = tuple(range(first, first + ROWS))
        rows = tuple(ev.TaskRow(line, f"c{line}", None, "JS", 5, ("a", line)) for line in tasks)
        events += [
            ev.TasksImported(1, chunk, first, "call", "loan", ("segment", "days"), rows),
            ev.TasksPooled(1, (ev.Placement("p", tasks),), 1, tasks[-1]),
            ev.TasksAllocated(
                chunk, 1, ("ann", "bob"), ("p",), (ev.Pick("least_loaded"),), tasks,
                tuple(task % 2 for task in tasks), (0,) * ROWS, (0,) * ROWS,
            ),
        ]  # fmt: skip
    return recorded(events, after)


def recorded(events: list[ev.Event], after: int = 0) -> list[Recorded]:
    """Events with an envelope each."""
    return [
        Recorded(position, 1_800_000_000_000 + position, "op", f"q{position}", "", event)
        for position, event in enumerate(events, after + 1)
    ]
