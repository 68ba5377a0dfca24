"""What one process tells of itself: made once at its start, handed to the parts; what is off costs nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from adapters.operations.logs import configure
from adapters.settings.model import Settings

if TYPE_CHECKING:
    from adapters.operations.exposition import Exposition
    from adapters.operations.shared_metrics import SharedMetrics, Supervised
    from adapters.operations.traces import Tracing


class Telemetry:
    """Of one process."""

    def __init__(self, settings: Settings, role: str) -> None:
        configure(role, settings.workspace, settings.log_format, settings.log_level)
        self._settings, self._role = settings, role
        self.metrics = bool(settings.metrics)
        """Whether to count at all."""
        self.tracing: Tracing | None = None

    @contextmanager
    def alone(self, has_health: bool) -> Iterator[None]:
        """While the process does its work; shows itself on the metrics port unless its supervisor does.

        ``has_health``: it is a server that can be asked how it is. Raises OSError where the port cannot be had.
        """
        if self._settings.otlp:
            from adapters.operations.traces import Tracing, over_otlp

            self.tracing = Tracing(self._role, self._settings.workspace, over_otlp(self._settings.otlp))
        shown = self._shown(has_health) if self.metrics else None
        try:
            yield
        finally:
            if shown is not None:
                shown.stop()
            if self.tracing is not None:
                self.tracing.close()

    def _shown(self, has_health: bool) -> Exposition | None:
        from adapters.operations.metrics import DIRECTORY_VARIABLE, own_files, own_values

        if os.environ.get(DIRECTORY_VARIABLE):
            own_files(self._role)
            return None
        from adapters.operations.exposition import Exposition
        from adapters.operations.shared_metrics import not_ready

        ready = (lambda: not_ready(self._settings.listen)) if has_health else str
        shown = Exposition(self._settings.metrics, own_values(), ready)
        shown.start()
        return shown

    @contextmanager
    def shared(self) -> Iterator[Shared]:
        """Of a supervisor, while its processes run."""
        shared = Shared(self._settings)
        try:
            yield shared
        finally:
            shared.end()


class Shared:
    """Metrics of all processes under a supervisor; nothing where metrics are off."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shown: Exposition | None = None
        self._made: SharedMetrics | None = None
        if settings.metrics:
            from adapters.operations.shared_metrics import SharedMetrics

            self._made = SharedMetrics(settings.data, settings.listen)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the processes have to be told."""
        return self._made.environment() if self._made is not None else {}

    def show(self, supervised: Supervised) -> None:
        """Listen on the metrics port. Raises OSError where it cannot be had."""
        if self._made is not None:
            self._shown = self._made.shown(self._settings.metrics, supervised, self._settings.listen)

    def end(self) -> None:
        """Nothing more is to be told."""
        if self._shown is not None:
            self._shown.stop()
        if self._made is not None:
            self._made.remove()
