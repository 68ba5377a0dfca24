"""Progress of long work on a terminal; elsewhere nothing, so that output stays clean."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from adapters.cli.rendering import console


class Steps:
    """A bar for as long as the ``with`` lasts."""

    def __init__(self, *, quiet: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        shown = not quiet and console().is_terminal
        self._progress = Progress(*columns, console=console(), transient=True, disable=not shown)
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def at(self, step: str, done: int, total: int) -> None:
        """So far."""
        if self._bar is None:
            self._bar = self._progress.add_task(step)
        self._progress.update(self._bar, description=step, completed=done, total=total or None)
