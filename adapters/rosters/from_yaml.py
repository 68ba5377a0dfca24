"""Rosters in YAML: a list of agents, or a mapping with that list under ``agents``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.rosters.faults import Faults
from engine.events import AgentSpec, AttributeValue
from engine.rules.outline import Mapping as MappingNode
from engine.rules.outline import Node, Scalar, Sequence, outline
from engine.rules.plain_values import NoValueError, value_of
from engine.rules.problems import DocumentError, cut, did_you_mean
from engine.rules.source import Source

FIELDS = {"id": str, "name": str, "team": str, "capacity": int, "weight": int, "presence": str}


def read_yaml(text: str, _declared: Mapping[str, Any], faults: Faults) -> list[AgentSpec]:
    """The agents of a document; types of attributes are as written. Raises RosterError at the fiftieth fault."""
    source = Source(text)
    try:
        root = outline(source)
    except DocumentError as error:
        for problem in error.problems:
            faults.add(problem.line, problem.column, problem.message + (f"; {problem.hint}" if problem.hint else ""))
        return []
    return _Roster(source, faults).agents(root)


class _Roster:
    """Reads nodes; what is wrong is noted where it stands."""

    def __init__(self, source: Source, faults: Faults) -> None:
        self._source, self._faults = source, faults

    def agents(self, root: Node | None) -> list[AgentSpec]:
        if isinstance(root, MappingNode):
            root = self._entries(root, ("agents",)).get("agents", root)
        if not isinstance(root, Sequence):
            self._wrong(root, "Expected a list of agents, each starting with - id:, but it is something else")
            return []
        return [agent for node in root.items if (agent := self._agent(node)) is not None]

    def _agent(self, node: Node) -> AgentSpec | None:
        if not isinstance(node, MappingNode):
            self._wrong(node, "Expected an agent with id, name, team ..., but it is something else")
            return None
        entries = self._entries(node, (*FIELDS, "attributes"))
        fields = {name: self._field(name, entries[name]) for name in FIELDS if name in entries}
        attributes = self._attributes(entries.get("attributes"))
        if "id" not in entries:
            self._wrong(node, "Expected the agent's id, but there is none")
        elif isinstance(entries["id"], Scalar) and fields["id"] is None:
            self._wrong(entries["id"], "Expected the agent's id, but it is empty")
        given = {name: value for name, value in fields.items() if value is not None}
        return AgentSpec(**{"id": "", **given}, attributes=attributes)

    def _field(self, name: str, node: Node) -> Any:
        kind = FIELDS[name]
        value = self._value(node)
        if name == "id" and isinstance(value, int) and not isinstance(value, bool) and isinstance(node, Scalar):
            return node.value
        if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
            return value
        wanted = "text" if kind is str else "a whole number"
        self._wrong(node, f"Expected {wanted} as {name}, but got {cut(repr(value))}")
        return None

    def _attributes(self, node: Node | None) -> dict[str, AttributeValue]:
        if node is None:
            return {}
        if not isinstance(node, MappingNode):
            self._wrong(node, "Expected attributes as name: value, but it is something else")
            return {}
        return {name: self._value(value) for name, value in self._entries(node, None).items()}

    def _entries(self, node: MappingNode, known: tuple[str, ...] | None) -> dict[str, Node]:
        """Key -> node; keys that are unknown or there twice are faults."""
        found: dict[str, Node] = {}
        for key, value in node.entries:
            name, shown = key.value, repr(cut(key.value))
            if name in found:
                self._wrong(key, f"Expected each key once, but {shown} is there twice")
            elif known is not None and name not in known:
                hint = did_you_mean(name, known)
                told = f"Expected one of {', '.join(known)}, but got {shown}"
                self._wrong(key, told + (f"; {hint}" if hint else ""))
            found[name] = value
        return found

    def _value(self, node: Node) -> AttributeValue:
        """A scalar, or a list of scalars."""
        if isinstance(node, Sequence):
            if not all(isinstance(member, Scalar) for member in node.items):
                self._wrong(node, "Expected a list of plain values, but it holds lists or mappings")
                return None
            return tuple(self._value(member) for member in node.items)  # type: ignore[misc]  # scalars, as was seen
        if isinstance(node, Scalar):
            return self._scalar(node)
        self._wrong(node, "Expected a plain value or a list, but it is something else")
        return None

    def _scalar(self, node: Scalar) -> AttributeValue:
        try:
            return value_of(node)
        except NoValueError:
            shown = repr(cut(node.value))
            self._wrong(node, f"Expected text, a number, true or false, but got {shown}; quote it")
            return None

    def _wrong(self, node: Node | None, message: str) -> None:
        self._faults.add(*self._source.place(0 if node is None else node.start), message)
