"""A made-up bank for ``paidan demo``: a roster and a package of any size, the same for the same seed everywhere.

They go with ``examples/rules/retail-bank.yaml``. Most rows find an agent; some wait, for different reasons: a rule's
cap, a pool that a supervisor empties by hand, and with less ``mean_capacity`` agents that are full. Only
``Random.random`` is used: its sequence is the one that Python promises to keep.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Protocol, TypeVar

from engine.events import AgentSpec, ColumnMapping

WORKSPACE = "retail-bank"
TASK_TYPE = "follow_up"
BUSINESS_TYPE = "consumer_loan"
MAPPING = ColumnMapping(
    customer="customer_no", name="name", mobile="mobile", id_card="id_card", owner="account_manager", region="region",
    priority="priority",
    attributes={name: name for name in ("language", "overdue_days", "phone_status", "product", "segment")},
)  # fmt: skip

AGENTS = 300
MEAN_CAPACITY = 345
"""Open tasks an agent may hold on average: just enough for 100,000 rows over 300 agents."""
_BLOCK = 1_000
"""Rows written at a time."""

_HEADER = (
    "customer_no,name,mobile,id_card,account_manager,region,priority,"
    "overdue_days,segment,product,phone_status,language\n"
)
_TEAMS = {
    "east": ("JS", "ZJ", "SH"),
    "north": ("BJ", "HB"),
    "south": ("GD", "FJ"),
    "west": ("SC",),
    "screening": (),
}
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"

Item = TypeVar("Item")
Chance = Callable[[], float]
"""Gives 0 <= x < 1."""


def _table(shares: dict[Item, int]) -> tuple[Item, ...]:
    """A hundred entries, each item as often as its share in per cent."""
    table = tuple(item for item, share in shares.items() for _ in range(share))
    assert len(table) == 100
    return table


_REGIONS = _table({"JS": 6, "ZJ": 6, "SH": 14, "BJ": 14, "GD": 20, "SC": 14, "HB": 14, "FJ": 12})
_SEGMENTS = _table({"mass": 70, "affluent": 27, "private": 3})
_PRODUCTS = _table({"consumer_loan": 60, "car_loan": 25, "renovation_loan": 15})
_PHONES = _table({"valid": 86, "invalid": 8, "": 6})
_LANGUAGES = _table({"zh": 90, "yue": 8, "en": 2})
_PRESENCES = _table({"available": 96, "busy": 1, "away": 2, "offline": 1})
_LEVELS = _table({1: 40, 2: 40, 3: 20})
_TEAM_OF = {region: team for team, regions in _TEAMS.items() for region in regions}


def roster(count: int = AGENTS, seed: int = 1, mean_capacity: int = MEAN_CAPACITY) -> tuple[AgentSpec, ...]:
    """``count`` agents in five teams; a few are not available."""
    random = Random(f"roster {seed}").random
    teams = tuple(_TEAMS)
    return tuple(
        _agent(teams[index % len(teams)], index // len(teams) + 1, mean_capacity, random) for index in range(count)
    )


def write_package(path: str | Path, rows: int, seed: int = 1, agents: int = AGENTS) -> None:
    """Write a CSV, gzipped if the path ends in .gz; its account managers are those of ``roster(agents, ...)``."""
    with Path(path).open("wb") as file:
        if str(path).endswith(".gz"):
            with gzip.GzipFile("", "wb", 1, file, mtime=0) as packed:
                _write(packed, rows, seed, agents)
        else:
            _write(file, rows, seed, agents)


def _agent(team: str, number: int, mean_capacity: int, random: Chance) -> AgentSpec:
    level = _pick(_LEVELS, random)
    regions = tuple(region for region in _TEAMS[team] if random() < 0.7) or _TEAMS[team][:1]
    skills = ["loan"] if team == "screening" or random() < 0.9 else ["card"]
    skills += ["private"] if level == 3 and random() < 0.5 else []
    languages = ["zh"] + (["yue"] if random() < (0.5 if team == "south" else 0.05) else [])
    return AgentSpec(
        f"{team}-{number:03}",
        _name(random),
        team,
        mean_capacity * (82 + 10 * level) // 100,  # the mean level is 1.8
        level,
        {
            "languages": tuple(languages + (["en"] if random() < 0.2 else [])),
            "level": level,
            "regions": regions,
            "skills": tuple(skills),
        },
        _pick(_PRESENCES, random),
    )


class _Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


def _write(file: _Writable, rows: int, seed: int, agents: int) -> None:
    random = Random(f"package {seed}").random
    per_team = max(1, agents // len(_TEAMS))
    file.write(_HEADER.encode())
    for start in range(0, rows, _BLOCK):
        numbers = range(start + 1, min(rows, start + _BLOCK) + 1)
        file.write("".join([_row(number, per_team, random) for number in numbers]).encode())


def _row(number: int, per_team: int, random: Chance) -> str:
    region = _pick(_REGIONS, random)
    overdue = int(181 * random() ** 4)  # most are a few days late, some half a year
    born = f"{1950 + int(55 * random())}{1 + int(12 * random()):02}{1 + int(28 * random()):02}"
    return (
        f"C{number:08},{_name(random)},199{int(1e8 * random()):08},999999{born}{int(1e4 * random()):04},"
        f"{_manager(region, per_team, random)},{region},{overdue // 10},{overdue},{_pick(_SEGMENTS, random)},"
        f"{_pick(_PRODUCTS, random)},{_pick(_PHONES, random)},{_pick(_LANGUAGES, random)}\n"
    )


def _manager(region: str, per_team: int, random: Chance) -> str:
    """Of the team of the region; often there is none, now and then one who has left."""
    chance = random()
    if chance < 0.4:
        return ""
    return f"{_TEAM_OF[region]}-{1 + int(per_team * random()):03}" if chance > 0.43 else "former-001"


def _name(random: Chance) -> str:
    return _pick(_SURNAMES, random) + _pick(_GIVEN, random) + (_pick(_GIVEN, random) if random() < 0.6 else "")


def _pick(table: Sequence[Item], random: Chance) -> Item:
    return table[int(len(table) * random())]
