"""What is wrong with a roster file, collected."""

from __future__ import annotations

import msgspec

MAX_FAULTS = 50


class Fault(msgspec.Struct, frozen=True):
    """``line`` counts from 1; ``column`` too, or it is the name of a CSV column."""

    line: int
    column: int | str
    message: str

    def __str__(self) -> str:
        """``line 4, column 7: Expected ..., but ...``."""
        return f"line {self.line}, column {self.column}: {self.message}"


class RosterError(ValueError):
    """A file that is not a roster; ``faults`` holds 1 to 50 of them in the order of the file."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, faults)))


class Faults:
    """Faults found so far."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, line: int, column: int | str, message: str) -> None:
        """Note a fault. Raises RosterError at the fiftieth: nobody reads more of them."""
        self.found.append(Fault(line, column, message))
        if len(self.found) >= MAX_FAULTS:
            raise RosterError(self.found)
