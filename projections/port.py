"""What views need of a database: a cursor. Adapters hand in a real one, so nothing here knows the driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from engine.events import Recorded


class Copy(Protocol):
    """Rows on their way into a table, in PostgreSQL's text form."""

    def write(self, buffer: str, /) -> None: ...


class Cursor(Protocol):
    """The part of a DB-API cursor that views use. Placeholders are ``%s``."""

    def execute(self, query: str, params: Sequence[Any] | None = None, /) -> Any: ...

    def copy(self, statement: str, /) -> AbstractContextManager[Copy]: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


TEXT = 'text COLLATE "C" NOT NULL'
"""Text columns: byte order, the same on every machine."""

Apply = Callable[[Cursor, Sequence[Recorded]], None]


class View(msgspec.Struct, frozen=True):
    """A read model: tables that are a function of the log.

    Table names stand unqualified everywhere: the connection's ``search_path`` says which schema is meant, so the same
    handlers fill the live tables, a new copy beside them, and the temporary ones that ``paidan verify`` compares with.
    """

    name: str
    tables: tuple[str, ...]
    ddl: str
    apply: Apply
    """Writes consecutive events; where one batch ends and the next begins makes no difference."""
    indexes: str = ""
    """Made for queries alone: a copy nobody asks goes without, one being built gets them when it is full."""
