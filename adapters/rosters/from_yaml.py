"""Rosters in YAML: a list of agents, or a mapping with that list under ``agents``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import yaml

from adapters.rosters.faults import Faults
from engine.events import AgentSpec, AttributeValue
from engine.rules.problems import did_you_mean

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

FIELDS = {"id": str, "name": str, "team": str, "capacity": int, "weight": int, "presence": str}


def read_yaml(text: str, _declared: Mapping[str, Any], faults: Faults) -> list[AgentSpec]:
    """The agents of a document; types of attributes are as written."""
    try:
        root = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        faults.add(line, column, f"Expected YAML, but {error.problem or error.context}")
        return []
    except yaml.YAMLError as error:
        faults.add(1, 1, f"Expected YAML, but {error}")
        return []
    return [agent for node in _listed(root, faults) if (agent := _agent(node, faults)) is not None]


class Loader(yaml.SafeLoader):
    """Values are text, numbers and truth; no dates, and no aliases that grow without bound."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "there is an alias (*); write the value out", mark)
        return super().compose_node(parent, index)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _listed(root: yaml.Node | None, faults: Faults) -> list[yaml.Node]:
    if isinstance(root, yaml.MappingNode):
        entries = _entries(root, ("agents",), faults)
        root = entries.get("agents", root)
    if not isinstance(root, yaml.SequenceNode):
        faults.add(*_at(root), "Expected a list of agents, each starting with - id:, but it is something else")
        return []
    return list(root.value)


def _agent(node: yaml.Node, faults: Faults) -> AgentSpec | None:
    if not isinstance(node, yaml.MappingNode):
        faults.add(*_at(node), "Expected an agent with id, name, team ..., but it is something else")
        return None
    entries = _entries(node, (*FIELDS, "attributes"), faults)
    if "id" not in entries:
        faults.add(*_at(node), "Expected the agent's id, but there is none")
        return None
    fields = {name: _field(name, entries[name], faults) for name in FIELDS if name in entries}
    attributes = _attributes(entries.get("attributes"), faults)
    return AgentSpec(**{name: value for name, value in fields.items() if value is not None}, attributes=attributes)


def _field(name: str, node: yaml.Node, faults: Faults) -> Any:
    value = _plain(node, faults)
    kind = FIELDS[name]
    if name == "id" and isinstance(value, int) and not isinstance(value, bool) and isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    faults.add(*_at(node), f"Expected {'text' if kind is str else 'a whole number'} as {name}, but got {value!r}")
    return None


def _attributes(node: yaml.Node | None, faults: Faults) -> dict[str, AttributeValue]:
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        faults.add(*_at(node), "Expected attributes as name: value, but it is something else")
        return {}
    return {name: _plain(value, faults) for name, value in _entries(node, None, faults).items()}


def _entries(node: yaml.MappingNode, known: tuple[str, ...] | None, faults: Faults) -> dict[str, yaml.Node]:
    """Key -> node; keys that are unknown or there twice are faults."""
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = str(key.value)
        if name in found:
            faults.add(*_at(key), f"Expected each key once, but {name!r} is there twice")
        elif known is not None and name not in known:
            hint = did_you_mean(name, known)
            faults.add(
                *_at(key), f"Expected one of {', '.join(known)}, but got {name!r}" + (f"; {hint}" if hint else "")
            )
        found[name] = value
    return found


def _plain(node: yaml.Node, faults: Faults) -> AttributeValue:
    """A scalar, or a list of scalars."""
    if isinstance(node, yaml.SequenceNode):
        members = [_plain(member, faults) for member in node.value]
        if any(isinstance(member, tuple) for member in members):
            faults.add(*_at(node), "Expected a list of plain values, but it holds lists")
            return None
        return tuple(members)  # type: ignore[arg-type]  # no tuples among them any more
    if not isinstance(node, yaml.ScalarNode):
        faults.add(*_at(node), "Expected a plain value or a list, but it is something else")
        return None
    scalar: AttributeValue = _scalar(node, faults)
    return scalar


def _scalar(node: yaml.ScalarNode, faults: Faults) -> Any:
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
        return msgspec.convert(value, str | Int64 | float | bool | None)
    except (yaml.YAMLError, msgspec.ValidationError, ValueError):
        faults.add(*_at(node), f"Expected text, a number, true or false, but got {str(node.value)[:80]!r}; quote it")
        return None


def _at(node: yaml.Node | None) -> tuple[int, int]:
    return (1, 1) if node is None else (node.start_mark.line + 1, node.start_mark.column + 1)
