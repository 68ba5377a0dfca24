"""What heavy readings of the log come to: explanations, checks and how far they are."""

from __future__ import annotations

import msgspec


class RuleVerdict(msgspec.Struct, frozen=True):
    """One rule held against a task."""

    rule: str
    matches: bool
    reason: str


class AgentVerdict(msgspec.Struct, frozen=True):
    """One agent held against a task; ``load`` is what it held then."""

    agent: str
    chosen: bool
    eligible: bool
    reason: str
    load: int


class Explanation(msgspec.Struct, frozen=True):
    """Why a task went where it went, or why it waits. Empty strings where there is nobody and nothing."""

    summary: str
    decision_position: int
    rule: str
    version: int
    agent: str
    picked_by: str
    passed: tuple[str, ...]
    rules: tuple[RuleVerdict, ...]
    agents: tuple[AgentVerdict, ...]
    confirmed: bool
    """The decision, made again from the log, is the one on record."""
    position: int
    """Looked at last."""


class Progress(msgspec.Struct, frozen=True, tag=True):
    """Positions done of a long piece of work."""

    step: str
    done: int
    total: int


class Finding(msgspec.Struct, frozen=True):
    """One thing a check looked at: ``chain``, ``state`` or a view."""

    subject: str
    ok: bool
    message: str


class Report(msgspec.Struct, frozen=True, tag=True):
    """The end of a check."""

    findings: tuple[Finding, ...]
    events: int
    head_hash: str
    position: int

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)
