"""What others put into the stream: the publisher passes it over, and every fact is there once and in order all the same."""

from __future__ import annotations

import time

from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from adapters.nats_bus.stream import BUCKET, SEQUENCE
from tests.bus.conftest import _looks_often, bus, shared_nats
from tests.bus.publishing import Bus, Told, assert_same, until
from tests.fuzz.hunting import SEED, Figures, seconds
from tests.fuzz.mutator import NUMBERS, TOKENS, Mutator
from tests.projections.drawing import seeded

__all__ = ["_looks_often", "bus", "shared_nats"]

IDS = (
    "",
    "0.0",
    "1",
    "1.",
    ".1",
    "-1.0",
    "99999999999999999999.0",
    "1.99999999999",
    "x.y",
    "1.0.0",
    "999999.9",
    "1e3.0",
    "1.0",
    "50.0",
)
"""Ids that look like ours, or are."""
NOTES = (
    b"",
    b"{",
    b"null",
    b"[" * 10_000,
    b'{"created":"x","sequence":1,"cursor":{"position":-5,"part":9}}',
    b'{"created":1}',
    b"\xff",
)
"""What may stand in the place of the publisher's note."""
STRANGER = "Stranger"
"""Header by which the test knows what it put in itself."""
PIECE = 4
"""Events put into the log between two disturbances."""


class Strangers:
    """Puts messages and notes of its own where the publisher's are."""

    def __init__(self, bus: Bus, chance: Mutator) -> None:
        self._bus, self._chance = bus, chance

    def disturb(self) -> int:
        """How much it put in."""
        count: int = self._chance.choice([1, 2, 5])
        self._bus.ask(lambda js: self._publish(js, count))
        if self._chance.random() < 0.4:
            self._bus.ask(self._note)
            count += 1
        return count

    async def _publish(self, js: JetStreamContext, count: int) -> None:
        for _ in range(count):
            headers = {STRANGER: "1"}
            if self._chance.random() < 0.8:
                headers["Nats-Msg-Id"] = self._chance.choice(IDS)
            if self._chance.random() < 0.5:
                headers[SEQUENCE] = self._chance.choice(["0", "-1", "999999999", "x", ""])
            subject = f"paidan.{self._bus.workspace}.{self._chance.choice(['task', 'x', 'agent', 'package'])}.{self._chance.choice(['y', 'created', 'A1'])}.-.z"
            try:
                await js.publish(
                    subject, self._payload(), headers={name: value for name, value in headers.items() if value}
                )
            except NatsError:
                continue  # NATS itself refuses some of it, such as an id that was there a moment ago

    def _payload(self) -> bytes:
        text: str = self._chance.choice([*TOKENS, *NUMBERS, "{}", '{"specversion":"1.0"}', "x" * 100_000])
        return text.encode("utf-8", "replace") if self._chance.random() < 0.7 else bytes(self._chance.randbytes(50))

    async def _note(self, js: JetStreamContext) -> None:
        await (await js.key_value(BUCKET)).put(self._bus.workspace, self._chance.choice(NOTES))


def test_what_others_put_in_changes_nothing(bus: Bus) -> None:
    chance = Mutator(f"{SEED}:stream")
    strangers, figures = Strangers(bus, chance), Figures("stream")
    log, end = seeded(77, 2_000).log, time.monotonic() + seconds(2)
    while len(bus.put_in) < len(log) and time.monotonic() < end:
        bus.put(log[len(bus.put_in) : len(bus.put_in) + PIECE])
        with bus.publishing() as publisher:
            until(lambda: publisher.position >= len(bus.put_in), "the publisher to come up to the log")
            figures.tried += strangers.disturb()
            bus.put(log[len(bus.put_in) : len(bus.put_in) + PIECE])
            until(lambda: publisher.position >= len(bus.put_in), "the publisher to come up to the log")
        figures.tried += strangers.disturb()
    print(figures.report())
    assert figures.tried > 10
    ours = [
        Told(subject, headers["Nats-Msg-Id"], data)
        for subject, headers, data in bus.everything()
        if STRANGER not in headers
    ]
    assert_same(ours, bus.expected())
