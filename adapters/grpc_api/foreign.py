"""What other adapters raise, as failures of an RPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.audit.jobs import JobFailedError
from adapters.grpc_api.failures import Failure, invalid, overloaded, too_late, unavailable
from adapters.importing.allowed_sources import NotAllowedError
from adapters.importing.spool import ListTooLargeError, SourceError, SpoolFullError
from adapters.importing.spool_parts import SpoolUnwritableError
from adapters.log.command_queue import LateError, OverloadedError
from adapters.log.event_log import LogUnavailableError
from adapters.log.writer import NotServingError
from adapters.views.queries import BehindError, QueryError, ViewsUnavailableError
from adapters.views.query_pool import TooManyQueriesError
from engine.refusals import Violation
from projections.measuring import TooManyRowsError

AWAY: dict[type[Exception], str] = {
    NotServingError: "NOT_SERVING",
    BehindError: "VIEW_BEHIND",
    LogUnavailableError: "DATABASE_AWAY",
    ViewsUnavailableError: "DATABASE_AWAY",
    SpoolUnwritableError: "SPOOL_UNWRITABLE",
}
"""What passes by itself, with its reason."""

BUSY: dict[type[Exception], str] = {
    OverloadedError: "OVERLOADED",
    SpoolFullError: "SPOOL_FULL",
    TooManyQueriesError: "TOO_MANY_QUERIES",
}
"""More is asked than is taken on."""


def _unreadable(reason: str) -> Callable[[Exception], Failure]:
    return lambda error: Failure("invalid", reason, str(error), violations=[Violation("uri", str(error))])


MEANINGS: tuple[tuple[type[Exception], Callable[[Any], Failure]], ...] = (
    (Failure, lambda error: error),
    (QueryError, lambda error: invalid(Violation(error.field, error.message))),
    (ListTooLargeError, lambda error: overloaded("LIST_TOO_LARGE", str(error), retry_after=None)),
    (TooManyRowsError, lambda error: overloaded("TOO_MANY_ROWS", str(error), retry_after=None)),
    (SourceError, _unreadable("SOURCE_UNREADABLE")),
    (NotAllowedError, _unreadable("SOURCE_NOT_ALLOWED")),
    (LateError, lambda error: too_late(str(error))),
    (JobFailedError, lambda error: Failure("internal", "AUDIT_FAILED", str(error))),
)
"""The rest; the first that fits."""


def failure_of(error: Exception) -> Failure | None:
    """The failure an exception stands for; None for what nobody foresaw."""
    if type(error) in AWAY:
        return unavailable(AWAY[type(error)], str(error))
    if type(error) in BUSY:
        return overloaded(BUSY[type(error)], str(error))
    return next((tell(error) for kind, tell in MEANINGS if isinstance(error, kind)), None)
