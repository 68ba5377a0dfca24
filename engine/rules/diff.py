"""What a new rule set changes: for the dry run before it is applied, and for the record after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from engine.rules.model import AttributeType, Rule, RuleSet

Section: TypeAlias = Literal["calendars", "templates", "task_types"]
SECTIONS: tuple[Section, ...] = ("calendars", "templates", "task_types")


class FieldChange(msgspec.Struct, frozen=True):
    """One field of a rule, or of an entry of a section; values are those of ``model.Rule``."""

    field: str
    old: object
    new: object


class RuleChange(msgspec.Struct, frozen=True):
    rule_id: str
    fields: tuple[FieldChange, ...]


class AttributeChange(msgspec.Struct, frozen=True):
    """A declaration; ``old`` is None where it is new, ``new`` is None where it is gone."""

    owner: Literal["task", "agent"]
    name: str
    old: AttributeType | None
    new: AttributeType | None


class SectionChange(msgspec.Struct, frozen=True):
    """A calendar, template or task type; ``fields`` are those of ``model``, or of a template by name."""

    section: Section
    name: str
    kind: Literal["added", "removed", "changed"]
    fields: tuple[FieldChange, ...] = ()
    """Of a changed one."""


class RuleSetDiff(msgspec.Struct, frozen=True):
    """Rule ids are in the order they are asked: of the new set, and for ``removed`` of the old one."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[RuleChange, ...] = ()
    attributes: tuple[AttributeChange, ...] = ()
    order_changed: bool = False
    """Rules that stay are asked in another order than before."""
    sections: tuple[SectionChange, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing changes."""
        return self == RuleSetDiff()


def diff(old: RuleSet | None, new: RuleSet) -> RuleSetDiff:
    """What ``new`` changes; ``old`` None means that nothing was in force."""
    before = {rule.id: rule for rule in old.rules} if old else {}
    after = {rule.id: rule for rule in new.rules}
    changes = (_rule_change(before[name], rule) for name, rule in after.items() if name in before)
    return RuleSetDiff(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(change for change in changes if change.fields),
        attributes=_attribute_changes(old, new),
        order_changed=[name for name in before if name in after] != [name for name in after if name in before],
        sections=tuple(change for section in SECTIONS for change in _section_changes(section, old, new)),
    )


def _rule_change(old: Rule, new: Rule) -> RuleChange:
    return RuleChange(new.id, _field_changes(_fields_of(old), _fields_of(new)))


def _fields_of(entry: Any) -> Mapping[str, object]:
    return entry if isinstance(entry, dict) else msgspec.structs.asdict(entry)


def _field_changes(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[FieldChange, ...]:
    pairs = ((name, old.get(name), new.get(name)) for name in {**old, **new})
    return tuple(FieldChange(*pair) for pair in pairs if pair[1] != pair[2])


def _section_changes(section: Section, old: RuleSet | None, new: RuleSet) -> Iterator[SectionChange]:
    before, after = getattr(old, section) if old else {}, getattr(new, section)
    for name in sorted(before.keys() | after.keys()):
        if name not in after or name not in before:
            yield SectionChange(section, name, "added" if name in after else "removed")
        elif fields := _field_changes(_fields_of(before[name]), _fields_of(after[name])):
            yield SectionChange(section, name, "changed", fields)


def _attribute_changes(old: RuleSet | None, new: RuleSet) -> tuple[AttributeChange, ...]:
    task = _side_changes("task", old.task_attributes if old else {}, new.task_attributes)
    agent = _side_changes("agent", old.agent_attributes if old else {}, new.agent_attributes)
    return (*task, *agent)


def _side_changes(
    owner: Literal["task", "agent"], old: dict[str, AttributeType], new: dict[str, AttributeType]
) -> list[AttributeChange]:
    names = sorted(old.keys() | new.keys())
    pairs = ((name, old.get(name), new.get(name)) for name in names)
    return [AttributeChange(owner, *pair) for pair in pairs if pair[1] != pair[2]]
