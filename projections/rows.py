"""What views answer with: one struct a view. Times are milliseconds since 1970 UTC, 0 where not yet."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from engine.events import AttributeValue

Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """One page of a list."""

    rows: list[Row]
    next_page_token: str
    """Empty on the last page."""
    position: int
    """Log position that the view stood at."""


class TaskView(msgspec.Struct, frozen=True):
    number: int
    type: str
    business_type: str
    status: str
    """created, calling, pooled, offered, assigned, in_progress, completed, closed, cancelled, merged; returned between
    two events of one decision."""
    priority: int
    customer: str
    owner: str
    region: str
    attributes: dict[str, AttributeValue]
    name_masked: str
    mobile_masked: str
    id_card_masked: str
    package: int
    """0: came alone."""
    line: int
    rule: str
    """Empty: no rule governs it."""
    version: int
    stage: int
    lane: list[AttributeValue]
    waiting_for: str
    """Why it waits, as a stable word (docs/glossary.md); empty unless pooled."""
    agent: str
    grant: int
    picked_by: str
    """Strategy that found the agent; ``claim`` or ``manual`` where a person did."""
    passed: list[str]
    created_at: int
    pooled_at: int
    assigned_at: int
    started_at: int
    ended_at: int
    wrap_up: dict[str, str]
    positions: list[int]
    """Log positions of every event that concerns it."""
    recycled: int
    """How often nobody had begun it in time."""
    handed_over: int
    escalated: bool
    """A supervisor should look at it."""
    locked_until: int
    respond_by: int
    resolve_by: int
    overdue: bool
    merged_into: int
    """Task that goes on in its place; 0: none does."""
    offered_until: int
    """By when the agent has to accept it; 0 unless it is offered."""
    let_pass: int
    """Offers of it that came to nothing."""
    feedback: str
    """``awaited``, ``satisfied``, ``unsatisfied``; empty where nobody asked."""
    score: int
    """1 to 5; 0: none."""
    feedback_note: str
    feedback_at: int
    closes_at: int
    """While it is completed, and its requester or a supervisor is awaited."""
    closed_at: int
    closed_why: str
    reopened: int
    callback: str
    """What became of asking outside first; empty: nobody was asked."""
    callback_attempts: int
    callback_reason: str
    delivery: str
    """What became of telling the result outside; empty: there was nobody to tell."""
    delivery_attempts: int
    delivery_reason: str


class CommentView(msgspec.Struct, frozen=True):
    """What somebody said of a task."""

    position: int
    at: int
    actor: str
    text: str
    """Long numbers masked."""


class AgentView(msgspec.Struct, frozen=True):
    id: str
    name: str
    team: str
    presence: str
    capacity: int
    weight: int
    load: int
    load_by_rule: dict[str, int]
    attributes: dict[str, AttributeValue]
    assigned_total: int
    completed_total: int
    removed: bool
    changed_at: int


class PoolView(msgspec.Struct, frozen=True):
    """One lane of a pool."""

    rule: str
    stage: int
    lane: list[AttributeValue]
    waiting: int
    waiting_for: str
    oldest_at: int
    """When its oldest task was created."""


class PackageView(msgspec.Struct, frozen=True):
    number: int
    segment: str
    uri: str
    digest: str
    task_type: str
    business_type: str
    status: str
    rule_set_version: int
    """In force when distribution began; 0 before."""
    rows: int
    rejected: int
    distributed: int
    """Rows ever given to an agent."""
    not_distributed: dict[str, int]
    """Reason -> rows; ``created`` before pooling, ``calling`` while somebody outside is asked, ``completed`` by him;
    ``cancelled``, ``merged`` where that came before any agent had it."""
    ended: int
    """Rows completed, cancelled or merged into another task."""
    failure: str
    created_at: int
    updated_at: int


class RejectedView(msgspec.Struct, frozen=True):
    package: int
    line: int
    column: str
    reason: str
    text: str


class RuleSetView(msgspec.Struct, frozen=True):
    version: int
    author: str
    reason: str
    applied_at: int
    position: int
    rules: int
    source: str
    """Empty in lists."""


class AssignmentView(msgspec.Struct, frozen=True):
    """One time that one agent had one task: the allocation history."""

    grant: int
    """Position of the event that made it."""
    task: int
    agent: str
    rule: str
    version: int
    package: int
    round: int
    """0: not by a round."""
    picked_by: str
    passed: list[str]
    assigned_at: int
    started_at: int
    ended_at: int
    outcome: str
    """Empty while in force; completed, cancelled, merged, reassigned, recycled, handed_over, escalated; of an offer
    also rejected, timed_out."""


class CountView(msgspec.Struct, frozen=True):
    """One line of the statistics: tasks by type, business type, rule and status."""

    type: str
    business_type: str
    rule: str
    status: str
    count: int


class SpreadView(msgspec.Struct, frozen=True):
    """How evenly a rule's open tasks lie on agents."""

    rule: str
    agents: int
    tasks: int
    least: int
    most: int


class PositionView(msgspec.Struct, frozen=True):
    """How far a view has come."""

    view: str
    position: int
    updated_at: int
