"""A hint that a log has grown, for whoever tails it. It may be missed or come for nothing: the log is the truth."""

from __future__ import annotations

import psycopg

from adapters.log.connection import line
from adapters.log.event_log import LogUnavailableError

LOG_CHANNEL = "stored_events"


class LogListener:
    """Waits for appends. One thread at a time.

    ``bell``: a channel of the caller's own, heard in ``wait`` and in ``rest``.
    """

    def __init__(self, dsn: str, name: str, bell: str = "") -> None:
        self._dsn, self._name, self._bell = dsn, name, bell
        self._made: psycopg.Connection | None = None
        self._hears_appends = False

    def wait(self, seconds: float) -> None:
        """Until something was appended or ``seconds`` are over. Raises LogUnavailableError.

        The first call, and the first after a rest, only begins to listen: what was appended before is to be read first.
        """
        try:
            connection = self._connection()
            if self._hears_appends:
                _hear(connection, seconds)
                return
            connection.execute(f"LISTEN {LOG_CHANNEL}")
            self._hears_appends = True
        except psycopg.Error as error:
            raise self._away(error) from error

    def rest(self, seconds: float) -> None:
        """Until the bell rings or ``seconds`` are over, deaf to appends. Raises LogUnavailableError."""
        try:
            connection = self._connection()
            if self._hears_appends:
                connection.execute(f"UNLISTEN {LOG_CHANNEL}")
                self._hears_appends = False
                for _ in connection.notifies(timeout=0):
                    pass
            _hear(connection, seconds)
        except psycopg.Error as error:
            raise self._away(error) from error

    def close(self) -> None:
        """Give the connection back."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def _connection(self) -> psycopg.Connection:
        if self._made is None or self._made.closed:
            self._made = psycopg.connect(self._dsn, autocommit=True, application_name=self._name, **line(self._dsn))
            self._hears_appends = False
            if self._bell:
                self._made.execute(f"LISTEN {self._bell}")
        return self._made

    def _away(self, error: psycopg.Error) -> LogUnavailableError:
        self.close()
        return LogUnavailableError(f"Expected PostgreSQL to answer, but {str(error).strip()}")


def _hear(connection: psycopg.Connection, seconds: float) -> None:
    for _ in connection.notifies(timeout=seconds, stop_after=1):
        return
