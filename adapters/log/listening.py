"""A hint that a log has grown, for whoever tails it. It may be missed or come for nothing: the log is the truth."""

from __future__ import annotations

import psycopg

from adapters.log.connection import line
from adapters.log.event_log import LogUnavailableError

LOG_CHANNEL = "stored_events"


class LogListener:
    """Waits for appends. One thread at a time."""

    def __init__(self, dsn: str, name: str) -> None:
        self._dsn, self._name = dsn, name
        self._made: psycopg.Connection | None = None

    def wait(self, seconds: float) -> None:
        """Until something was appended or ``seconds`` are over. Raises LogUnavailableError.

        The first call only begins to listen: what was appended before is to be read first.
        """
        try:
            if self._made is None or self._made.closed:
                self._listen()
                return
            for _ in self._made.notifies(timeout=seconds, stop_after=1):
                return
        except psycopg.Error as error:
            self.close()
            raise LogUnavailableError(f"Expected PostgreSQL to answer, but {str(error).strip()}") from error

    def close(self) -> None:
        """Give the connection back."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def _listen(self) -> None:
        self._made = psycopg.connect(self._dsn, autocommit=True, application_name=self._name, **line(self._dsn))
        self._made.execute(f"LISTEN {LOG_CHANNEL}")
