"""The intake on a real NATS, with a server that does as a test tells it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

import nats
import pytest
from nats.js import JetStreamContext

from adapters.nats_bus import intake
from adapters.nats_bus.intake import Intake
from adapters.nats_bus.intake_port import RefusedError, ServerAwayError, ServerFailedError
from adapters.nats_bus.intake_reading import Wish
from adapters.nats_bus.intake_streams import IntakeLimits, dead_stream, make, tasks_subject, waiting_stream
from tests.bus.publishing import Bus, until

LIMITS = IntakeLimits(8, 4_096, 1_000_000, 1_000_000, 3_600.0)
GOOD = b'{"task_type":"errand"}'


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put off comes again at once, and pulls are short."""
    monkeypatch.setattr("adapters.nats_bus.intake_line._LATER", b"")
    monkeypatch.setattr("adapters.nats_bus.intake_line.PULL_S", 0.3)
    monkeypatch.setattr("adapters.nats_bus.intake_streams.ACK_S", 1.0)
    monkeypatch.setattr(intake, "LOOK_S", 0.02)


class Server:
    """Grants every wish once, unless it is told to do something else first."""

    def __init__(self) -> None:
        self.granted: list[str] = []
        self.asked: list[str] = []
        self.serves = True
        self.first: Callable[[Wish], None] = lambda _wish: None

    async def create(self, wish: Wish) -> None:
        self.asked.append(wish.request)
        await asyncio.sleep(0)
        self.first(wish)
        if wish.request not in self.granted:
            self.granted.append(wish.request)

    async def is_serving(self) -> bool:
        return self.serves


@contextmanager
def taking(bus: Bus, server: Server, limits: IntakeLimits = LIMITS, *, begun: bool = True) -> Iterator[Intake]:
    """An intake on a thread; ``begun``: from the moment that messages may be sent."""
    made = Intake(bus.url, bus.workspace, server, limits)
    failures: list[BaseException] = []
    begins: Future[Callable[[], object]] = Future()

    async def until_cancelled() -> None:
        task, loop = asyncio.create_task(made.run()), asyncio.get_running_loop()
        begins.set_result(lambda: loop.call_soon_threadsafe(task.cancel))
        with suppress(asyncio.CancelledError):
            await task

    def run() -> None:
        try:
            asyncio.run(until_cancelled())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: not begun or waiting(bus) is not None, "the stream")
        yield made
    finally:
        begins.result(20)()
        thread.join(20)
        assert not thread.is_alive() and not failures, failures


def waiting(bus: Bus) -> int | None:
    """Messages not yet acknowledged; None: there is no stream."""

    async def messages(js: JetStreamContext) -> int:
        await js.consumer_info(waiting_stream(bus.workspace), "connector")
        return (await js.stream_info(waiting_stream(bus.workspace))).state.messages

    try:
        return bus.ask(messages)
    except nats.errors.Error:
        return None


def send(bus: Bus, payload: bytes = GOOD, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    bus.ask(lambda js: js.publish(tasks_subject(bus.workspace), payload, headers=named or None))


def send_raw(bus: Bus, headers: bytes, payload: bytes = GOOD) -> None:
    """Headers as no client would write them."""

    async def sending(js: JetStreamContext) -> None:
        subject, size = tasks_subject(bus.workspace), len(headers)
        line = f"HPUB {subject} {size} {size + len(payload)}\r\n".encode()
        await js._nc._send_command(line + headers + payload + b"\r\n")
        await js._nc.flush()

    bus.ask(sending)


def dead(bus: Bus) -> list[Any]:
    async def letters(js: JetStreamContext) -> list[Any]:
        state = (await js.stream_info(dead_stream(bus.workspace))).state
        return [await js.get_msg(dead_stream(bus.workspace), seq=one + 1) for one in range(state.last_seq)]

    return bus.ask(letters)


def test_each_message_is_one_wish_in_order(bus: Bus) -> None:
    server = Server()
    with taking(bus, server) as made:
        for number in range(40):
            send(bus, Nats_Msg_Id=f"a{number}")
        until(lambda: waiting(bus) == 0, "all to be taken")
        assert made.outcomes == {"created": 40} and dead(bus) == []
    assert server.granted == [f"nats:a{number}" for number in range(40)]


def test_messages_without_an_id_are_told_apart(bus: Bus) -> None:
    server = Server()
    with taking(bus, server):
        for _ in range(3):
            send(bus)
        until(lambda: waiting(bus) == 0, "all to be taken")
    assert len(server.granted) == 3 and all(one.startswith("nats-seq:") for one in server.granted)


def test_a_bad_message_is_put_away_whole_with_the_reason(bus: Bus) -> None:
    server = Server()
    with taking(bus, server) as made:
        send(bus, b'{"task_type":"x","colour":1}', Nats_Msg_Id="bad", X_Team="中")
        send(bus, b"x" * 4_097)
        send(bus, Nats_Msg_Id="good")
        until(lambda: waiting(bus) == 0, "all to be taken")
        assert made.outcomes == {"created": 1, "dead": 2}
    assert server.granted == ["nats:good"]
    first, large = sorted(dead(bus), key=lambda one: one.headers["Paidan-Reason"])
    assert first.data == b'{"task_type":"x","colour":1}' and "X-Team" in first.headers
    assert first.headers["Original-Nats-Msg-Id"] == "bad" and first.headers["Paidan-Reason"] == "MESSAGE_INVALID"
    assert "`colour`" in first.headers["Paidan-Error"] and first.subject == f"paidan.{bus.workspace}.in.dead"
    assert large.headers["Paidan-Reason"] == "MESSAGE_TOO_LARGE" and len(large.data) == 4_097


def test_what_the_server_refuses_is_put_away(bus: Bus) -> None:
    server = Server()

    def refuse(wish: Wish) -> None:
        raise RefusedError("TASK_INVALID", "Expected int\r\nNats-Rollup: all, but got 'x'")

    server.first = refuse
    with taking(bus, server):
        send(bus, Nats_Expected_Stream=waiting_stream(bus.workspace))
        until(lambda: waiting(bus) == 0, "it to be taken")
    (letter,) = dead(bus)
    assert letter.headers["Paidan-Reason"] == "TASK_INVALID" and "Nats-Rollup" not in letter.headers
    assert letter.headers["Original-Nats-Expected-Stream"] == waiting_stream(bus.workspace)


@pytest.mark.parametrize(
    "headers",
    [
        b"NATS/1.0 503\r\n\r\n",
        b"NATS/1.0 408 Timeout\r\n\r\n",
        b"NATS/1.0 100 Idle Heartbeat\r\n\r\n",
        b"NATS/1.0\r\nStatus: 404\r\n\r\n",
        b"NATS/1.0\r\nStatus: 409\r\nDescription: Consumer Deleted\r\n\r\n",
        b"XX\r\n\r\n",
        b"NATS/1.0",
        b"NATS/1.0\r\n\xff\xfe: \xff\r\n\r\n",
        b"NATS/1.0\r\n: x\r\nno colon\r\n\r\n",
    ],
)
def test_headers_that_look_like_a_notice_of_nats_stop_nothing(bus: Bus, headers: bytes) -> None:
    server = Server()
    with taking(bus, server) as made:
        send_raw(bus, headers)
        send(bus, Nats_Msg_Id="after")
        until(lambda: "nats:after" in server.granted and waiting(bus) == 0, "all to be taken")
        assert made.outcomes.total() == 2


def test_a_server_away_keeps_messages_and_their_order(bus: Bus) -> None:
    """But for those that were on their way to it at that moment."""
    server = Server()
    down = threading.Event()

    def away(_wish: Wish) -> None:
        if down.is_set():
            server.serves = False
            raise ServerAwayError("gone")

    server.first = away
    with taking(bus, server):
        down.set()
        for number in range(20):
            send(bus, Nats_Msg_Id=f"a{number}")
        until(lambda: server.asked, "the first to be asked")
        assert waiting(bus) == 20 and not server.granted
        down.clear()
        server.serves = True
        until(lambda: waiting(bus) == 0, "all to be taken")
        assert dead(bus) == []
    order = [int(name.removeprefix("nats:a")) for name in server.granted]
    assert sorted(order) == list(range(20))
    assert all(abs(place - number) < LIMITS.in_flight for place, number in enumerate(order)), order


def test_nothing_is_pulled_for_a_server_that_stands_by(bus: Bus) -> None:
    """Another connector, whose server owns the workspace, gets all."""
    standby, owner = Server(), Server()
    standby.serves = False
    with taking(bus, standby), taking(bus, owner):
        for number in range(20):
            send(bus, Nats_Msg_Id=f"a{number}")
        until(lambda: waiting(bus) == 0, "all to be taken")
    assert not standby.asked and len(owner.granted) == 20


@pytest.mark.parametrize("failure", [ServerFailedError("Expected to serve, but it failed"), KeyError("unforeseen")])
def test_a_message_that_is_failed_over_again_and_again_is_put_away(bus: Bus, failure: Exception) -> None:
    server = Server()

    def fail(wish: Wish) -> None:
        if wish.request == "nats:bad":
            raise failure

    server.first = fail
    with taking(bus, server):
        send(bus, Nats_Msg_Id="bad")
        send(bus, Nats_Msg_Id="good")
        until(lambda: waiting(bus) == 0, "all to be taken")
    assert server.granted == ["nats:good"] and server.asked.count("nats:bad") == intake.FAILURES
    assert [letter.headers["Paidan-Reason"] for letter in dead(bus)] == ["SERVER_FAILED"]


def test_a_lost_acknowledgement_grants_nothing_twice(own_bus: Bus) -> None:
    """NATS is killed when the server has granted all, and before it could be told."""
    server = Server()
    held = threading.Event()

    def kill(_wish: Wish) -> None:
        if not held.is_set() and len(server.asked) == LIMITS.in_flight:
            own_bus.kill_nats()
            held.set()

    server.first = kill
    with taking(own_bus, server) as made:
        own_bus.ask(lambda js: _many(js, own_bus.workspace, LIMITS.in_flight))
        until(held.is_set, "NATS to be killed")
        own_bus.server.start()
        until(lambda: waiting(own_bus) == 0, "all to be taken")
        assert made.outcomes["dead"] == 0
    assert sorted(server.granted) == sorted(f"nats:a{number}" for number in range(LIMITS.in_flight))
    assert len(server.asked) > len(server.granted)


async def _many(js: JetStreamContext, workspace: str, count: int) -> None:
    for number in range(count):
        await js.publish(tasks_subject(workspace), GOOD, headers={"Nats-Msg-Id": f"a{number}"})


def test_a_nats_that_is_not_there_yet_is_waited_for(own_bus: Bus) -> None:
    server = Server()
    own_bus.kill_nats()
    with taking(own_bus, server, begun=False) as made:
        until(lambda: made._attempt > 0, "it to try")
        own_bus.server.start()
        until(lambda: waiting(own_bus) is not None, "the stream")
        send(own_bus, Nats_Msg_Id="late")
        until(lambda: waiting(own_bus) == 0, "it to be taken")
    assert server.granted == ["nats:late"]


def test_a_stream_that_is_deleted_is_made_anew(bus: Bus) -> None:
    server = Server()
    with taking(bus, server):
        bus.ask(lambda js: js.delete_stream(waiting_stream(bus.workspace)))
        until(lambda: waiting(bus) is not None, "the stream")
        send(bus, Nats_Msg_Id="after")
        until(lambda: waiting(bus) == 0 and server.granted, "it to be taken")
    assert server.granted == ["nats:after"]


def test_limits_are_brought_into_force_and_a_full_stream_tells_its_senders(bus: Bus) -> None:
    bus.ask(lambda js: make(js, bus.workspace, LIMITS))
    smaller = IntakeLimits(8, 100, 10_000, 1_000_000, 3_600.0)
    bus.ask(lambda js: make(js, bus.workspace, smaller))
    with pytest.raises(nats.errors.Error):
        send(bus, b"x" * 9_000)
    with pytest.raises(nats.errors.Error):
        for _ in range(200):
            send(bus, b" " * 90)
    with taking(bus, Server(), smaller):
        until(lambda: waiting(bus) == 0, "all to be taken")
    assert {letter.headers["Paidan-Reason"] for letter in dead(bus)} == {"NOT_JSON"}
