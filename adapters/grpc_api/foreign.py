"""What other adapters raise, as failures of an RPC."""

from __future__ import annotations

from adapters.audit.jobs import JobFailedError
from adapters.grpc_api.failures import Failure, invalid, unavailable
from adapters.importing.spool import SourceError
from adapters.log.event_log import LogUnavailableError
from adapters.log.writer import NotServingError, OverloadedError
from adapters.views.queries import BehindError, QueryError, ViewsUnavailableError
from engine.refusals import Violation

AWAY: dict[type[Exception], str] = {
    NotServingError: "NOT_SERVING",
    BehindError: "VIEW_BEHIND",
    LogUnavailableError: "DATABASE_AWAY",
    ViewsUnavailableError: "DATABASE_AWAY",
}
"""What passes by itself, with its reason."""


def failure_of(error: Exception) -> Failure | None:  # noqa: PLR0911 - one a kind
    """The failure an exception stands for; None for what nobody foresaw."""
    if type(error) in AWAY:
        return unavailable(AWAY[type(error)], str(error))
    match error:
        case Failure():
            return error
        case QueryError():
            return invalid(Violation(error.field, error.message))
        case SourceError():
            return Failure("invalid", "SOURCE_UNREADABLE", str(error), violations=[Violation("uri", str(error))])
        case OverloadedError():
            return Failure("overloaded", "OVERLOADED", str(error), retry_after=1.0)
        case JobFailedError():
            return Failure("internal", "AUDIT_FAILED", str(error))
    return None
