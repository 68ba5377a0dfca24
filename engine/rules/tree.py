"""The tree of a condition: what was written, with ``at`` = the character offset it stands at."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

TEXT_TESTS = frozenset({"startsWith", "endsWith", "contains"})


class Constant(msgspec.Struct, frozen=True, tag="literal"):
    at: int
    value: str | int | float | bool


class Items(msgspec.Struct, frozen=True, tag="items"):
    at: int
    values: tuple[Constant, ...]


class Name(msgspec.Struct, frozen=True, tag="name"):
    """``parts`` is what stood between the dots: ``("task", "region")``."""

    at: int
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return ".".join(self.parts)


class Call(msgspec.Struct, frozen=True, tag="call"):
    at: int
    name: Name
    arguments: tuple[Any, ...]


class Compare(msgspec.Struct, frozen=True, tag="compare"):
    at: int
    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Any
    right: Any


class Member(msgspec.Struct, frozen=True, tag="member"):
    at: int
    left: Any
    right: Any
    negated: bool


class Not(msgspec.Struct, frozen=True, tag="not"):
    at: int
    part: Any
    depth: int


class Both(msgspec.Struct, frozen=True, tag="and"):
    """All of ``parts``."""

    at: int
    parts: tuple[Any, ...]
    depth: int


class Either(msgspec.Struct, frozen=True, tag="or"):
    """Any of ``parts``."""

    at: int
    parts: tuple[Any, ...]
    depth: int


Node: TypeAlias = Constant | Items | Name | Call | Compare | Member | Not | Both | Either


def receiver(name: Name) -> Name:
    """``task.x`` of ``task.x.startsWith``."""
    return Name(name.at, name.parts[:-1])
