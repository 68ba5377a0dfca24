"""What is being measured now, and what came of it: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """One step at a time."""

    def __init__(self, console: Console, total: int) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self.faults: list[str] = []
        self._console = console
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=total)

    @contextmanager
    def running(self) -> Iterator[Steps]:
        """Show the bar."""
        with self._progress:
            yield self

    def begin(self, what: str) -> None:
        """Say what comes now."""
        self._progress.update(self._task, description=what)
        if not self._console.is_terminal:
            self._console.print(f"… {what}", highlight=False)

    def told(self, line: str) -> None:
        """A step is done; say what came of it."""
        self._progress.advance(self._task)
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def failed(self, name: str) -> None:
        """A part ended by an exception; show it and go on."""
        self.faults.append(name)
        self._console.print_exception()
