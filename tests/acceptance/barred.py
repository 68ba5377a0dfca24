"""A replay where neither durable-rules nor the readers of rule documents can be imported: ``python -m`` this module.

    python -m tests.acceptance.barred DSN WORKSPACE

Prints what came of it as JSON.
"""

from __future__ import annotations

import sys
from hashlib import sha256

import msgspec

from engine.state import State

BARRED = ("durable_rules_engine", "lark", "yaml")


class Replayed(msgspec.Struct):
    """What a replay gave: wrong is what is not empty."""

    position: int
    digest: str
    views: dict[str, str]


def digest_of(state: State) -> str:
    """Equal for equal states, down to the order of whatever has one."""
    parts = (msgspec.structs.replace(state, timers=None), state.timers.entries())  # timers show only their address
    return sha256(repr(parts).encode()).hexdigest()


def main(dsn: str, workspace: str) -> None:
    """Replay the log into a state, and into views that are held against those in use."""
    for name in BARRED:
        sys.modules[name] = None  # type: ignore[assignment]
    sys.stdout.buffer.write(msgspec.json.encode(_replayed(dsn, workspace)))


def _replayed(dsn: str, workspace: str) -> Replayed:
    from adapters.audit.view_check import Shadow
    from adapters.log.event_log import EventLog
    from engine.evolve import evolve

    log, state = EventLog(dsn, workspace), State(workspace)
    try:
        for recorded in log.replay():
            evolve(state, recorded)
        with Shadow(dsn, workspace) as shadow, shadow.moment(log):
            views = {one.subject: "" if one.ok else one.message for one in shadow.findings(state.position)}
    finally:
        log.close()
    return Replayed(state.position, digest_of(state), views)


if __name__ == "__main__":
    main(*sys.argv[1:])
