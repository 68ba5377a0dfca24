"""A callee over HTTP, of the standard library alone: answers as told, and keeps what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Sent:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Reply:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None
    """Answer once it is set."""


Answering = Callable[[Sent, int], Reply]
"""(what was sent, how often that key came before) -> the answer."""


class Callee:
    """``effects`` has each key once: what a callee does that knows a key again."""

    def __init__(self, answering: Answering) -> None:
        self.sent: list[Sent] = []
        self.effects: dict[str, int] = {}
        self.came = threading.Condition()
        self._answering = answering
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def wait_for(self, requests: int) -> None:
        """Until so many have come."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.sent) >= requests, 20), f"only {len(self.sent)} have come"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, sent: Sent) -> Reply:
        with self.came:
            before = self.effects.get(sent.key, 0)
            self.sent.append(sent)
            self.effects[sent.key] = before + 1
            self.came.notify_all()
        return self._answering(sent, before)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        callee = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                reply = callee._take(Sent(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                if reply.hold is not None:
                    reply.hold.wait(20)
                with suppress(ConnectionError):  # whoever asked may be dead by now
                    self._say(reply)

            def _say(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler


@contextmanager
def callee(answering: Answering | Reply | None = None) -> Iterator[Callee]:
    """One that listens."""
    fixed = answering if isinstance(answering, Reply) else Reply()
    running = Callee(answering if callable(answering) else lambda _sent, _before: fixed)
    running.start()
    try:
        yield running
    finally:
        running.stop()
