"""The port for those who watch: ``/metrics`` for Prometheus, ``/healthz`` and ``/readyz`` for whoever starts us."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import make_wsgi_app

log = logging.getLogger("paidan.metrics")

Ready = Callable[[], str]
"""Empty where all is ready, otherwise what is not."""
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

READ_S = 5.0
"""For a client to say what it wants."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 16


class _Handler(WSGIRequestHandler):
    timeout = READ_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        log.debug(format, *args)


class Exposition:
    """``start`` listens on a thread of its own; ``stop`` ends it."""

    def __init__(self, address: str, registry: CollectorRegistry, ready: Ready) -> None:
        self._address, self._ready = address, ready
        self._metrics = make_wsgi_app(registry)
        self._server: WSGIServer | None = None

    def start(self) -> None:
        """Raises OSError where the address cannot be had."""
        host, _, port = self._address.rpartition(":")
        try:
            self._server = make_server(host.strip("[]"), int(port), self._answer, _Server, _Handler)
        except OSError as error:
            told = (
                f"Expected to show metrics on {self._address}, but it cannot be had ({error.strerror}); choose another"
            )
            raise OSError(told) from error
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        log.info("metrics, /healthz and /readyz on %s", self._address)

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics(environ, start_response)
            return answer
        if path == "/healthz":
            return _plain(start_response, "200 OK", "alive")
        if path == "/readyz":
            wrong = self._ready()
            return _plain(start_response, "503 Service Unavailable" if wrong else "200 OK", wrong or "ready")
        return _plain(start_response, "404 Not Found", "Expected /metrics, /healthz or /readyz, but got another path")


def _plain(start_response: StartResponse, status: str, text: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode() + b"\n"]
