"""The view of rule sets: every version as it was written, and the attributes it declares."""

from __future__ import annotations

from collections.abc import Sequence

from engine.events import Recorded, RuleSetApplied
from projections.copying import clean, json_of
from projections.port import TEXT, Cursor, View

DDL = f"""
CREATE TABLE rule_sets (
    version bigint PRIMARY KEY, author {TEXT}, reason {TEXT}, applied_at bigint NOT NULL, position bigint NOT NULL,
    rules integer NOT NULL, source {TEXT}, task_attributes jsonb NOT NULL, agent_attributes jsonb NOT NULL
);
"""
_INSERT = "INSERT INTO rule_sets VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"

ATTRIBUTES = """
SELECT key, value FROM rule_sets, jsonb_each_text({side}_attributes) GROUP BY key, value
"""
"""Every attribute ever declared with its type; ``side`` is task or agent. A name keeps its type over all versions."""


def apply(cursor: Cursor, batch: Sequence[Recorded]) -> None:
    """Write a batch of events into the table."""
    for recorded in batch:
        if isinstance(recorded.event, RuleSetApplied):
            _applied(cursor, recorded.event, recorded)


def _applied(cursor: Cursor, event: RuleSetApplied, recorded: Recorded) -> None:
    rules = event.rule_set
    attributes = (json_of(rules.task_attributes), json_of(rules.agent_attributes))
    words = (clean(recorded.actor), clean(event.reason))
    row = (event.version, *words, recorded.at, recorded.position, len(rules.rules), clean(event.source), *attributes)
    cursor.execute(_INSERT, row)


VIEW = View("rule_sets", ("rule_sets",), DDL, apply)
