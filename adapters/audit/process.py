"""The process of one audit job: reads the job, does it, writes JSON lines. Started by ``audit_jobs.run_job``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from adapters.audit.dry_run import dry_run
from adapters.audit.findings import Progress
from adapters.audit.jobs import Job, Line
from adapters.audit.rule_changes import compare_sources
from adapters.audit.simulate import simulate
from adapters.audit.verify import explain, verify
from adapters.log.event_log import LogUnavailableError
from adapters.views.rebuild import RebuildRunningError, rebuild

Say = Callable[[Progress], None]


def main() -> None:
    """Entry point of the process."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        result = JOBS[job.kind](job, lambda progress: _write(Line(progress=_raw(progress))))
    except (LogUnavailableError, RebuildRunningError) as error:
        _write(Line(error=str(error)))
        return
    _write(Line(result=_raw(result)))


def _rebuild(job: Job, say: Say) -> Any:
    def told(done: int, total: int) -> None:
        say(Progress("build", done, total))

    return rebuild(job.dsn, job.workspace, job.arguments["view"], told)


JOBS: dict[str, Callable[[Job, Say], Any]] = {
    "compare": lambda job, _say: compare_sources(job.arguments["before"], job.arguments["after"]),
    "dry_run": lambda job, _say: dry_run(job.dsn, job.workspace, job.arguments["source"]),
    "explain": lambda job, _say: explain(job.dsn, job.workspace, **job.arguments),
    "rebuild": _rebuild,
    "simulate": lambda job, say: simulate(job.dsn, job.workspace, job.arguments["source"], say),
    "verify": lambda job, say: verify(job.dsn, job.workspace, say),
}


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _write(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
