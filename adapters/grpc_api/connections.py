"""Connections of the gRPC server: their options, and how one is ended whose reader is stuck."""

from __future__ import annotations

import logging
import os
import socket
from urllib.parse import unquote

import psutil

from adapters.settings.limits import Limits

log = logging.getLogger("paidan.grpc")

Option = tuple[str, int]

NEVER = 1_000_000


def options_of(limits: Limits) -> list[Option]:
    """Channel arguments of the server; times go to gRPC in milliseconds."""
    return [
        ("grpc.so_reuseport", 0),  # a second server on the port is to fail, not to share it
        ("grpc.max_receive_message_length", limits.message_bytes),
        ("grpc.max_send_message_length", limits.message_bytes),
        ("grpc.max_metadata_size", limits.metadata_bytes),
        ("grpc.absolute_max_metadata_size", limits.metadata_bytes),  # between the two gRPC would refuse by chance
        ("grpc.max_allowed_incoming_connections", limits.connections),
        ("grpc.max_concurrent_streams", limits.calls_per_connection),
        ("grpc.server.max_pending_requests", NEVER),  # what gRPC turns away here it calls CANCELLED, which says nothing
        ("grpc.server.max_pending_requests_hard_limit", NEVER),
        ("grpc.server_handshake_timeout_ms", _ms(limits.handshake_s)),
        ("grpc.keepalive_time_ms", _ms(limits.keepalive_s)),
        ("grpc.keepalive_timeout_ms", _ms(limits.keepalive_answer_s)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _ms(limits.ping_interval_s)),
    ]


def close_connection(peer: str) -> bool:
    """End the connection of a call's peer, ``ipv4:1.2.3.4:5678``; False where it is not found.

    gRPC lets a server end a call only once its reader has taken what is buffered. A reader that takes nothing would
    keep that memory for as long as it likes; the socket is all there is to take it back by.
    """
    host, _, port = unquote(peer).partition(":")[2].rpartition(":")
    wanted = (host.strip("[]").removeprefix("::ffff:"), int(port)) if port.isdigit() else None
    for connection in psutil.Process().net_connections("tcp"):
        if connection.raddr and wanted == _plain(connection.raddr):
            return _shut(connection.fd, wanted)
    return False


def is_local(peer: str) -> bool:
    """Whether the peer is on this machine."""
    kind, _, address = unquote(peer).partition(":")
    return kind == "unix" or address.startswith(("127.", "[::1]", "[::ffff:127."))


def _shut(descriptor: int, wanted: tuple[str, int]) -> bool:
    """On a duplicate, so that it is still the same socket when it is looked at once more."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as found:
            if _plain(found.getpeername()) != wanted:
                return False
            found.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False  # it ended by itself meanwhile
    log.warning("connection of %s port %d closed: its reader took nothing", *wanted)
    return True


def _plain(address: tuple[object, ...]) -> tuple[str, int]:
    host, port, *_ = address
    return str(host).removeprefix("::ffff:"), int(str(port))


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)
