"""Messages on NATS that ask for tasks: any bytes and headers are a request for the server, or a dead letter with a reason."""

from __future__ import annotations

import asyncio

from adapters.grpc_api.intake_client import request_of
from adapters.nats_bus.intake_letters import CUT, dead_letter, size_of
from adapters.nats_bus.intake_line import IntakeClient
from adapters.nats_bus.intake_port import RefusedError
from adapters.nats_bus.intake_reading import LONGEST_ID, BadMessageError, Wish, read
from tests.fuzz.hunting import ACCEPTED, expected, seconds
from tests.fuzz.mutator import TOKENS, Mutator
from tests.fuzz.watched import watched_hunt

TASK = (
    '{"task_type":"follow_up","business_type":"loan","attributes":{"days":31,"rate":4.5,"vip":true,"tags":["a","b"],'
    '"lines":[1,2],"none":null},"customer":"C-1","owner":"A17","region":"JS","priority":50,'
    '"person":{"name":"\u738b","mobile":"13812341234","id_card":"110101199003071234"}}'
)
PAYLOADS = (
    '{"task_type":"errand"}',
    TASK,
    '{"specversion":"1.0","id":"7","source":"/crm","type":"due","datacontenttype":"application/json","data":'
    + TASK
    + "}",
)
HEADERS = (
    "NATS/1.0\r\nNats-Msg-Id: A-1\r\n\r\n",
    "NATS/1.0\r\nContent-Type: application/cloudevents+json\r\n\r\n",
    "NATS/1.0\r\nce-specversion: 1.0\r\nce-id: 7\r\nce-source: /crm\r\nce-type: due\r\nContent-Type: application/json\r\n\r\n",
    "NATS/1.0\r\nNats-Msg-Id: A-1\r\nNats-Expected-Last-Sequence: 5\r\ntraceparent: 00-1-2-3\r\nX-Team: \u4e2d\r\n\r\n",
    "NATS/1.0 503\r\n\r\n",
    "",
)
LARGEST, ROOM = 100_000, 110_000


async def _silent(_error: Exception) -> None:
    """Of what the client cannot read."""


class Intake:
    name = "intake"
    slowest_s = 2.0

    def __init__(self) -> None:
        self._client, self._loop = IntakeClient(), asyncio.new_event_loop()
        self._client._error_cb = _silent

    def attempt(self, chance: Mutator) -> str:
        raw = self._damaged(chance, HEADERS, 0.5)
        payload = self._damaged(chance, PAYLOADS, 0.8)
        headers = self._loop.run_until_complete(self._client._process_headers(raw)) or {}
        try:
            self._asked(read(headers, payload, LARGEST, "5@1.0"))
        except (BadMessageError, RefusedError) as error:
            self._buried(payload, headers, error)
            return f"{error.reason} {expected(str(error))}"
        return ACCEPTED

    def _damaged(self, chance: Mutator, samples: tuple[str, ...], share: float) -> bytes:
        if chance.random() > share:
            return chance.choice(samples).encode()  # type: ignore[no-any-return]  # random knows no types
        if chance.random() < 0.1:
            return (chance.choice(TOKENS) * chance.choice([1, 50])).encode("utf-8", "surrogatepass")  # type: ignore[no-any-return]  # as above
        return chance.file(samples)

    def _asked(self, wish: Wish) -> None:
        assert 0 < len(wish.request) <= LONGEST_ID and wish.request.isprintable(), wish.request
        try:
            request = request_of("workspaces/w", wish)
        except ValueError as error:  # as the port itself has it
            raise RefusedError("MESSAGE_INVALID", f"Expected what the server can be told, but {error}") from error
        assert request.SerializeToString() and request.task_type

    def _buried(self, payload: bytes, headers: dict[str, str], error: BadMessageError | RefusedError) -> None:
        told = {"Paidan-Reason": error.reason, "Paidan-Error": str(error)}
        data, kept = dead_letter(payload, headers, told, ROOM)
        assert len(data) + size_of(kept) <= ROOM
        assert data == payload or int(kept[CUT]) == len(payload)
        assert kept["Paidan-Reason"] and all(value.isprintable() for value in kept.values()), kept
        assert not any(name.lower().startswith("nats-") for name in kept)


def test_intake() -> None:
    figures = watched_hunt("intake", seconds(2))
    print(figures.report())
    assert not figures.faults and figures.accepted > 20 and len(figures.refused) > 4
