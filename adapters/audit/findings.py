"""What a check of the log comes to, and how far a long piece of work is."""

from __future__ import annotations

import msgspec


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
