"""When distribution comes to rest, each package says how it went."""

from __future__ import annotations

from engine import events as ev
from engine.answers import Answer
from engine.commands import SettlePackages
from engine.decide.context import Context
from engine.state import Lane, Package, State


def settle(state: State, command: SettlePackages, _context: Context) -> list[ev.Event] | Answer:
    packages = [state.packages[number] for number in command.packages]
    events: list[ev.Event] = [
        ev.PackageDistributed(package.registered.package, package.distributed, waiting_by_reason(state, package))
        for package in packages
        if _is_news(package)
    ]
    return events or Answer(state.position, changed=False)


def _is_news(package: Package) -> bool:
    if package.status == "distributing":
        return package.pooled_through == package.last_task
    return package.status == "partly_distributed" and package.waiting == package.calling == 0


def waiting_by_reason(state: State, package: Package) -> dict[str, int]:
    """Why rows of a package wait -> how many."""
    counts: dict[str, int] = {"calling": package.calling} if package.calling else {}
    for lane in state.lanes.values() if package.waiting else ():
        count = lane.packages.get(package.registered.package, 0)
        if count:
            reason = reason_of(state, lane)
            counts[reason] = counts.get(reason, 0) + count
    return counts


def reason_of(state: State, lane: Lane) -> str:
    """Why a lane's tasks wait, as a stable word (docs/glossary.md)."""
    rule = state.governing.get(lane.key[0] or "")
    if rule is None:
        return "no_rule_governs"
    if rule.method == "claim":
        return "to_be_claimed"
    if rule.method == "manual":
        return "to_be_assigned"
    return lane.stalled or "in_turn"
