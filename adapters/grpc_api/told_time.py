"""The time that a caller tells a server whose clock is driven, with each command. Any other server refuses it."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.grpc_api.failures import Failure, invalid
from adapters.grpc_api.metadata import TIME
from adapters.log.driven_clock import DrivenClock
from engine.refusals import Violation


def tell_time(clock: DrivenClock | None, text: str, last: int) -> None:
    """Put the clock forward; ``last`` is the time of the last event, milliseconds since 1970 UTC. Raises Failure."""
    if clock is None:
        told = f"Expected a server whose clock is driven, but this one goes by the wall's; leave out {TIME}"
        raise Failure("precondition", "CLOCK_NOT_DRIVEN", told)
    now = _milliseconds(text)
    if now < last:
        was = datetime.fromtimestamp(last / 1000, UTC).isoformat()
        told = f"Expected a time not before the last event's, {was}, but got {text}; time does not go back"
        raise Failure("precondition", "TIME_PASSED", told)
    clock.tell(now)


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise invalid(Violation(TIME, f"Expected a time such as 2016-02-29T01:16:00Z, but got {text[:40]!r}"))
    return round(moment.timestamp() * 1000)
