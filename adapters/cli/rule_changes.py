"""What differs between rule sets, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from paidan.v1.rules_pb2 import ApplyRulesResponse, ChangeKind, DiffRuleSetsResponse, FieldChange

from adapters.cli.session import Session

_MARKS = {ChangeKind.CHANGE_KIND_ADDED: "+", ChangeKind.CHANGE_KIND_REMOVED: "-", ChangeKind.CHANGE_KIND_CHANGED: "~"}


def show_changes(session: Session, found: ApplyRulesResponse | DiffRuleSetsResponse) -> None:
    """``+`` new, ``-`` gone, ``~`` changed; then the tasks that would move."""
    if session.as_json:
        session.show_json(found)
        return
    lines = list(_lines(found))
    for line in lines or ["Nothing differs."]:
        session.say(line)


def _lines(found: ApplyRulesResponse | DiffRuleSetsResponse) -> Iterator[str]:
    for attribute in found.attribute_changes:
        types = " -> ".join(filter(None, (attribute.before, attribute.after)))
        yield f"{_MARKS[attribute.kind]} attribute {attribute.attribute}: {types}"
    for section in found.section_changes:
        yield f"{_MARKS[section.kind]} {section.section}: {section.entry}"
        yield from _fields(section.fields)
    for rule in found.rule_changes:
        yield f"{_MARKS[rule.kind]} rule {rule.rule}"
        yield from _fields(rule.fields)
    if found.order_changed:
        yield "~ rules that stay are asked in another order"
    if isinstance(found, ApplyRulesResponse):
        yield from _moves(found)


def _fields(changes: Iterable[FieldChange]) -> Iterator[str]:
    for field in changes:
        yield f"    {field.field}: {field.before or '(not set)'} -> {field.after or '(not set)'}"


def _moves(found: ApplyRulesResponse) -> Iterator[str]:
    for move in found.moves:
        yield f"  {move.tasks:,} waiting tasks move from {move.from_rule or 'no rule'} to {move.to_rule or 'no rule'}"
    if found.waiting_tasks and not found.moves and found.changed:
        yield f"  none of the {found.waiting_tasks:,} waiting tasks moves to another rule"
