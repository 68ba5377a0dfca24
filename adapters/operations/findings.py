"""What ``paidan doctor`` finds: one line each, with what to do where it is not well."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["ok", "warn", "fail", "unreachable"]


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at. ``remedy`` is empty where it is well."""

    subject: str
    state: State
    message: str
    remedy: str = ""


def ok(subject: str, message: str) -> Finding:
    """It is well."""
    return Finding(subject, "ok", message)


def warn(subject: str, message: str, remedy: str) -> Finding:
    """It works, and should be looked at."""
    return Finding(subject, "warn", message, remedy)


def fail(subject: str, message: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(subject, "fail", message, remedy)


def unreachable(subject: str, message: str, remedy: str) -> Finding:
    """It cannot be asked."""
    return Finding(subject, "unreachable", message, remedy)


class Lag(msgspec.Struct, frozen=True):
    """How far a follower of the log is behind it."""

    subject: str
    position: int
    head: int
    seconds: float
    """Age of the first event it has yet to take; 0 where it has all."""

    def finding(self, bound_s: float, remedy: str) -> Finding:
        """Behind for longer than ``bound_s`` is worth a look."""
        if self.position >= self.head:
            return ok(self.subject, f"at position {self.position:,}, where the log ends")
        events = self.head - self.position
        told = f"at position {self.position:,}, {events:,} events and {self.seconds:,.1f} s behind the log"
        return warn(self.subject, told, remedy) if self.seconds > bound_s else ok(self.subject, told)


GIB = 1024**3


def room(subject: str, free: int, whole: int, remedy: str) -> Finding:
    """Free space of a disk, in bytes."""
    told = f"{free / GIB:.1f} GiB free of {whole / GIB:.1f}"
    if free < GIB // 2:
        return fail(subject, f"Expected at least 0.5 GiB, but {told}", remedy)
    return warn(subject, told, remedy) if free < 5 * GIB else ok(subject, told)
