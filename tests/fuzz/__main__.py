"""``python -m tests.fuzz --seconds 60 --entrance rules``: hunt for long, and say what came of it.

Without an entrance, all of them, one after another; ``--seed`` makes other inputs; ``--number`` tries one input again.
"""

from __future__ import annotations

import argparse
import os
import sys

SERVED = {
    "messages": "test_messages.py", "port": "test_port.py", "cli": "test_command_line.py", "imports": "test_imports.py", "stream": "test_stream.py",
}  # fmt: skip
"""Entrances of a whole server, which pytest's fixtures bring up."""


def main() -> int:
    """How many entrances had faults."""
    asked = _arguments()
    os.environ["FUZZ_SEED"] = asked.seed
    os.environ["FUZZ_SECONDS"] = str(asked.seconds)
    from tests.fuzz.entrances import ALONE, alone
    from tests.fuzz.hunting import Figures, attempt

    if asked.number is not None:
        figures = Figures(asked.entrance)
        attempt(alone(asked.entrance), figures, asked.number)
        print(figures.report())
        return len(figures.faults)
    names = [asked.entrance] if asked.entrance else [*ALONE, *SERVED]
    return sum(_hunted(name, asked.seconds) for name in names)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each entrance")
    parser.add_argument(
        "--entrance", default="", help="rules, rosters, packages, mappings, intake, configuration, " + ", ".join(SERVED)
    )
    parser.add_argument("--seed", default="paidan")
    parser.add_argument("--number", type=int, help="one input again, of an entrance that needs no server")
    return parser.parse_args()


def _hunted(name: str, lasting: float) -> bool:
    from tests.fuzz.watched import ROOT, watched_hunt

    if name not in SERVED:
        figures = watched_hunt(name, lasting)
        print(figures.report(), flush=True)
        return bool(figures.faults)
    import pytest

    return pytest.main(["-q", "-s", "--timeout=0", str(ROOT / "tests/fuzz" / SERVED[name])]) != 0


if __name__ == "__main__":
    sys.exit(main())
