"""One process alone: it shows its own metrics, and is ready by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from adapters.grpc_api.probe import health_of
from tests.acceptance.serving import PATIENCE_S, free_address, until
from tests.operations.collector import Collector
from tests.operations.watching import Watched


class Alone:
    """``paidan serve --only ROLE`` as a compose file would start it: told by its environment."""

    def __init__(self, role: str, **settings: str) -> None:
        given = {f"PAIDAN_{name.upper()}": value for name, value in settings.items()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", "--only", role],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **given},
        )  # fmt: skip

    def stop(self) -> int:
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode

    def ended(self) -> tuple[int, str]:
        """Exit code and what it said, where it ends by itself."""
        said = self._process.communicate(timeout=PATIENCE_S)[0].decode()
        return self._process.returncode, said


def test_a_server_alone_shows_itself(postgres: str, workspace_name: str, tmp_path: Path) -> None:
    listen, metrics = free_address(), free_address()
    server = Alone(
        "server", listen=listen, metrics=metrics, postgres=postgres, workspace=workspace_name, data=str(tmp_path)
    )
    projector = Alone("projector", postgres=postgres, workspace=workspace_name)
    try:
        until(lambda: health_of(listen, "readiness") == "SERVING", "a server that is ready")
        port = Watched(None, metrics, Collector())  # type: ignore[arg-type]  # its processes are started here
        assert port.get("/readyz") == (200, "ready\n") and port.get("/healthz")[0] == 200
        until(lambda: port.value("paidan_workspace_owned") == 1, "its metrics")
        assert port.value("process_resident_memory_bytes") > 1_000_000
    finally:
        assert (server.stop(), projector.stop()) == (0, 0)


def test_ports_that_are_taken_are_told_in_a_line(postgres: str, watched: Watched, tmp_path: Path) -> None:
    given = {"postgres": postgres, "workspace": "taken", "data": str(tmp_path)}
    for name, address in (("listen", watched.served.address), ("metrics", watched.address)):
        code, said = Alone("server", **given, **{name: address}).ended()
        told = [line for line in said.splitlines() if line.startswith("paidan: ")]
        assert code == 2 and "Traceback" not in said, said
        assert len(told) == 1 and address in told[0], said
