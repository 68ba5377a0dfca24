"""Subjects: ``paidan.<workspace>.<entity>.<fact>.<agent>.<package>``, always six tokens.

A token that a fact has nothing to say for is ``-``. So every interest is one wildcard, whatever the kind of fact.
The task is no token: JetStream keeps every subject in memory. With a subject a task that was 290 bytes a message, and
half as much work again. A task's facts are told by the ``subject`` of the CloudEvent.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from adapters.nats_bus.facts import Fact

NONE = "-"
_DOT, _DASH = "%2E", "%2D"


def token_of(agent: str) -> str:
    """An agent id as a token: percent-encoded, the dot too, and an id that is a single ``-`` as ``%2D``.

    Any language's percent-decoding (``decodeURIComponent``, ``urllib.parse.unquote``) gives the id back.
    """
    return quote(agent, safe="").replace(".", _DOT) if agent != NONE else _DASH


def agent_of(token: str) -> str | None:
    """The agent id in a token; None: the fact concerns no agent."""
    return None if token == NONE else unquote(token)


def all_of(workspace: str) -> str:
    """Every fact of a workspace, as a subscriber to its stream asks for them."""
    return f"paidan.{workspace}.>"


def kept_of(workspace: str) -> str:
    """What the stream of facts holds: not what comes in (``paidan.<workspace>.in.tasks``), which has fewer tokens."""
    return f"paidan.{workspace}.*.*.*.*"


def of_agent(workspace: str, agent: str) -> str:
    """What an agent is given, what is taken from him, what he does, and what becomes of himself."""
    return f"paidan.{workspace}.*.*.{token_of(agent)}.*"


def of_package(workspace: str, package: int) -> str:
    """A package's own way, and every fact on one of its tasks."""
    return f"paidan.{workspace}.*.*.*.{package}"


def of_kind(workspace: str, kind: str) -> str:
    """One kind of fact, e.g. ``task.assigned``."""
    return f"paidan.{workspace}.{kind}.>"


class Subjects:
    """Subjects of one workspace's facts. They are remembered, as there are few and they come often."""

    def __init__(self, workspace: str, remembered: int = 20_000) -> None:
        self._prefix = f"paidan.{workspace}."
        self._known: dict[tuple[str, str | None, int | None], str] = {}
        self._remembered = remembered

    def of(self, fact: Fact) -> str:
        """The subject of the message that tells this fact."""
        about = fact.kind, getattr(fact, "agent", None), getattr(fact, "package", None)
        return self._known.get(about) or self._made(*about)

    def _made(self, kind: str, agent: str | None, package: int | None) -> str:
        if len(self._known) >= self._remembered:
            self._known.clear()
        token = NONE if agent is None else token_of(agent) or NONE
        made = self._known[kind, agent, package] = f"{self._prefix}{kind}.{token}.{package or NONE}"
        return made
