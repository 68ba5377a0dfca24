"""The end of the log as it was noted when it was written: what the chain of hashes alone cannot vouch for.

Whoever may write to the database can change the note too. So the report names the last hash: kept elsewhere, it vouches
for everything before it.
"""

from __future__ import annotations

from adapters.log.event_log import EventLog


class Anchor:
    """Position and hash of the last event, noted in the statement that appended it."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._position, self._hash = log.anchor() or (0, "")

    def passed(self, position: int, found: str) -> str:
        """What is wrong with an event of this hash, empty if nothing is."""
        if position != self._position or found == self._hash:
            return ""
        return (
            f"Expected event {position} to have the hash {self._hash[:16]}…, noted when it was written, "
            f"but it has {found[:16]}…; it was changed"
        )

    def ended(self, position: int) -> str:
        """What is wrong with a log that ends there."""
        noted, _ = self._log.anchor() or (0, "")
        if position < self._position:
            return (
                f"Expected {self._position} events, as was noted, but the log ends at {position}; the rest was removed"
            )
        if noted < position:
            return (
                f"Expected the log to end at {noted}, as was noted, but it goes on to {position}; no server wrote that"
            )
        return ""
