"""The long variant: ``python -m tests.crash --kills 200 --seed 1``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from tests.crash.running import run


def main() -> int:
    """Exit code 1 where anything is wrong."""
    options = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path, help="Write the history there, as JSON.")
    asked = options.parse_args()
    figures, findings, history = run(asked.kills, asked.seed, lambda told: print(told, flush=True))
    for name, value in msgspec.to_builtins(figures).items():
        print(f"{name.replace('_', ' '):18} {value}")
    for finding in findings:
        print(f"WRONG: {finding}")
    if asked.keep:
        asked.keep.write_bytes(msgspec.json.encode([history.told, history.log, history.messages]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
