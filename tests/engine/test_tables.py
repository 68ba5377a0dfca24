"""What "add a command" rests on: every command has a decision, every event a place in the state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.commands import Command
from engine.decide import DECIDE
from engine.events import EVENT_TYPES, Event
from engine.evolve import EVOLVE


def _leaves(base: type[Any]) -> Iterator[type[Any]]:
    for cls in base.__subclasses__():
        below = list(_leaves(cls))
        yield from below or [cls]


def test_every_command_has_a_decision() -> None:
    assert set(DECIDE) == set(_leaves(Command))


def test_every_event_is_evolved() -> None:
    assert set(EVOLVE) == set(_leaves(Event))


def test_every_event_has_a_topic_with_a_version() -> None:
    assert set(EVENT_TYPES.values()) == set(_leaves(Event))
    for topic, event in EVENT_TYPES.items():
        name, version = topic.rsplit(".v", 1)
        assert event.__name__.startswith(name) and int(version) >= 1
