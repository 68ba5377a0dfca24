"""The port itself: whoever speaks no HTTP/2, half of it, or too much of it, does not stop the others from being served."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable

from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.fuzz.hunting import hunt, seconds
from tests.fuzz.mutator import Mutator
from tests.wire.served import Served

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
LISTEN_S = 0.05


def frame(kind: int, flags: int = 0, stream: int = 0, body: bytes = b"", length: int | None = None) -> bytes:
    """One HTTP/2 frame; ``length`` lies about the body."""
    size = len(body) if length is None else length
    return struct.pack(">I", size & 0xFFFFFF)[1:] + bytes([kind & 255, flags & 255]) + struct.pack(">I", stream) + body


def field(name: str, value: str) -> bytes:
    """A header as HPACK writes it without table and without Huffman."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def asking(path: str, content: str = "application/grpc", method: str = "POST") -> bytes:
    """The headers of a call."""
    pairs = (
        (":method", method),
        (":scheme", "http"),
        (":path", path),
        (":authority", "x"),
        ("content-type", content),
        ("te", "trailers"),
    )
    return b"".join(field(*pair) for pair in pairs)


HELLO = PREFACE + frame(SETTINGS)
PATH = "/paidan.v1.TaskService/GetTask"


def call(body: bytes, path: str = PATH, content: str = "application/grpc", method: str = "POST") -> bytes:
    """A whole call on stream 1 whose body is this."""
    return HELLO + frame(HEADERS, 4, 1, asking(path, content, method)) + frame(DATA, 1, 1, body)


_SPOKEN: tuple[Callable[[Mutator], bytes], ...] = (
    lambda chance: chance.randbytes(chance.choice([1, 24, 1_000, 70_000])),
    lambda chance: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * chance.choice([1, 1_000]),
    lambda chance: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(500),  # TLS
    lambda chance: PREFACE[: chance.randint(0, len(PREFACE))],
    lambda chance: HELLO + chance.randbytes(chance.choice([9, 100, 20_000])),
    lambda chance: (
        HELLO
        + frame(chance.randint(0, 255), chance.randint(0, 255), chance.choice([0, 1, 2**31 - 1]), chance.randbytes(20))
    ),
    lambda chance: HELLO + frame(DATA, 0, 1, b"x", length=chance.choice([0, 16_384, 2**24 - 1])),
    lambda chance: HELLO + frame(GOAWAY, 0, 0, bytes(8)) * chance.choice([1, 2_000]),
    lambda chance: HELLO + frame(PING, 0, 0, bytes(8)) * chance.choice([1, 5_000]),
    lambda chance: HELLO + frame(SETTINGS) * 5_000,
    lambda chance: (
        HELLO + frame(SETTINGS, 0, 0, struct.pack(">HI", chance.randint(0, 9), chance.choice([0, 1, 2**32 - 1])) * 50)
    ),
    lambda chance: HELLO + frame(WINDOW, 0, 0, struct.pack(">I", 2**31 - 1)) * 3,
    lambda chance: (
        HELLO
        + b"".join(frame(HEADERS, 4, 2 * n + 1, asking(PATH)) + frame(RST, 0, 2 * n + 1, bytes(4)) for n in range(500))
    ),
    lambda chance: HELLO + frame(HEADERS, 0, 1, asking(PATH)) + frame(CONTINUATION, 0, 1, b"") * 2_000,
    lambda chance: HELLO + frame(HEADERS, 4, 1, chance.data(asking(PATH), 3)),
    lambda chance: HELLO + frame(HEADERS, 4, 1, asking(PATH) + field("x" * 100, "y" * 127) * 500),
    lambda chance: call(b"\0" + struct.pack(">I", chance.choice([0, 5, 2**24, 2**32 - 1])) + chance.randbytes(5)),
    lambda chance: call(b"\x01\0\0\0\x05" + chance.randbytes(5)),  # says that it is packed
    lambda chance: call(chance.randbytes(chance.choice([0, 1, 4, 3_000]))),
    lambda chance: call(
        b"\0" * 5, content=chance.choice(["text/plain", "", "application/grpc+json", "application/json"])
    ),
    lambda chance: call(
        b"\0" * 5,
        path=chance.choice(["/", "", "*", "/x", "/paidan.v1.TaskService/", "/../x", "/%00", PATH + "/" + "x" * 100]),
    ),
    lambda chance: call(b"\0" * 5, method=chance.choice(["GET", "", "PUT", "OPTIONS"])),
    lambda chance: chance.data(call(b"\0" * 5), 5),
)


class Port:
    name = "port"
    slowest_s = 5.0

    def __init__(self, served: Served) -> None:
        host, _, port = served.target.rpartition(":")
        self._address = (host, int(port))
        self._health = HealthStub(served.channel)
        self._silent: list[socket.socket] = []

    def attempt(self, chance: Mutator) -> str:
        answered = self._spoken(chance.choice(_SPOKEN)(chance), hold=chance.random() < 0.1)
        assert self._health.Check(HealthCheckRequest(), timeout=10).status == 1
        return "a status" if b"grpc-status" in answered else "frames" if answered else "nothing"

    def _spoken(self, data: bytes, *, hold: bool) -> bytes:
        """What came back within a moment. Some connections are held open, as those that say no more are."""
        connection = socket.create_connection(self._address, timeout=5)
        answer = b""
        with contextlib.suppress(OSError):
            connection.sendall(data)
            connection.settimeout(LISTEN_S)
            while piece := connection.recv(65_536):
                answer += piece
        if hold:
            self._silent.append(connection)
        if not hold or len(self._silent) > 100:
            (self._silent.pop(0) if len(self._silent) > 100 else connection).close()
        return answer

    def close(self) -> None:
        """Leave those that were held."""
        for connection in self._silent:
            connection.close()


def test_the_server_outlives_whoever_speaks_badly(ruled: Served) -> None:
    entrance = Port(ruled)
    try:
        figures = hunt(entrance, seconds(2))
    finally:
        entrance.close()
    print(figures.report())
    assert not figures.faults, figures.report()
    assert {"a status", "frames"} <= figures.refused.keys()


def test_a_call_that_is_spoken_by_hand_is_answered(ruled: Served) -> None:
    """So that the frames above are known to be calls, as far as they are whole."""
    with socket.create_connection(ruled.target.split(":"), timeout=5) as connection:  # type: ignore[arg-type]
        connection.sendall(call(b"\0" * 5))
        connection.settimeout(5)
        answer = b""
        while b"grpc-status" not in answer:
            piece = connection.recv(65_536)
            assert piece, answer
            answer += piece
