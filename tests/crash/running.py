"""One run: two servers on one data directory, load, kills, rest, and what was found."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from statistics import median

import msgspec
import psutil

from adapters.grpc_api.readiness import wait_until_serving
from adapters.processes.embedded import stop_postgres
from adapters.processes.embedded_nats import stop_nats
from engine import events as ev
from engine.events import Recorded
from tests.acceptance.serving import Paidan, directory, until
from tests.crash.asking import GIVE_UP_S
from tests.crash.calling import Outside
from tests.crash.checking import check
from tests.crash.history import Findings, History, Message, Told
from tests.crash.killing import Kill, Killer
from tests.crash.load import Load
from tests.crash.reading import log_at_rest, stream_at
from tests.crash.scene import WORKSPACE
from tests.crash.sending import Sending

BETWEEN_S = 1.5
"""At most, from the first answers after a kill to the next one."""
ANSWERS, PATIENCE_S = 5, 20.0
"""So many commands are answered between two kills, unless that takes too long: then the next one comes all the same."""


class Figures(msgspec.Struct, frozen=True):
    """What a run came to."""

    kills: dict[str, int]
    acknowledged: int
    refused: int
    unknown: int
    retries: int
    asked_again: int
    events: int
    packages: int
    rows: int
    grants: int
    messages: int
    sent_in: int
    cut: int
    """Calls that a server at its end told CANCELLED, and that were asked again."""
    heard: int
    """Calls to the outside, as often as they were made."""
    wrong: int
    recovered_p50_s: float
    recovered_max_s: float
    """From a kill to the first answer to what was asked after it."""
    slowest_s: dict[str, float]
    """By target."""
    took_s: float


def run(
    kills: int, seed: int, say: Callable[[str], None] = lambda _told: None, between_s: float = BETWEEN_S
) -> tuple[Figures, Findings, History]:
    """Kill so many times under load, and check what is left."""
    began = time.monotonic()
    with directory() as data, _two_servers(data) as servers:
        outside = Outside()
        outside.start()
        load = Load([served.address for served in servers], seed, outside.url)
        load.prepare()
        load.start()
        sending = Sending(data)
        sending.start()
        killer = Killer(servers, Random(seed))
        for turn in range(kills):
            _wait_for_answers(load, Random(f"{seed}/{turn}").uniform(0.0, between_s))
            say(f"{time.strftime('%H:%M:%S')} {turn + 1:4} {killer.strike().target}")
        _wait_for_answers(load, 0.0)
        killer.end()
        load.stop(GIVE_UP_S + 30)
        sending.stop(GIVE_UP_S + 30)
        ends = [kill.at for kill in killer.kills if kill.target == "supervisor"]
        history, findings = _found(servers, load, sending, outside, ends)
        outside.stop()
        return _figures(history, killer.kills, len(findings), time.monotonic() - began), findings, history


@contextmanager
def _two_servers(data: Path) -> Iterator[list[Paidan]]:
    servers = [Paidan(data, WORKSPACE).start(), Paidan(data, WORKSPACE).start(serving=False)]
    try:
        yield servers
        for served in servers:
            served.stop()
    finally:
        _end_all(data)
        stop_postgres(data)
        stop_nats(data)


def _end_all(data: Path) -> None:
    """What is left of a run that failed; each of its processes has the directory in its environment or arguments."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(data) in " ".join(process.cmdline()) and "serve" in process.cmdline():
                process.send_signal(signal.SIGCONT)
                process.kill()


def _wait_for_answers(load: Load, more_s: float) -> None:
    """Some commands that are asked from now on are answered, and a little more time has gone by."""
    after = time.time()
    end = after + PATIENCE_S
    while sum(told.last > after for asker in load.askers for told in asker.told[-20:]) < ANSWERS and time.time() < end:
        assert not load.failed, load.failed
        time.sleep(0.02)
    time.sleep(more_s)


def _found(
    servers: list[Paidan], load: Load, sending: Sending, outside: Outside, ends: list[float]
) -> tuple[History, Findings]:
    """History and findings, those of ``paidan verify`` among them."""

    def said() -> str:
        return "\n".join(served.said()[-4_000:] for served in servers)

    first = servers[0]
    until(lambda: any(wait_until_serving(served.address, 0.5) for served in servers), "a server to serve", said=said)
    until(lambda: sending.sender.waiting() == 0, "all that was sent in to be taken", said=said)
    log, messages = _of_one_moment(first, said)
    history = History(WORKSPACE, load.told, load.packages, log, messages, sending.sent, ends, outside.heard)
    views = [f"verify: {subject}: {told}" for subject, told in first.wrong().items()]
    return history, [*check(history), *views]


def _of_one_moment(served: Paidan, said: Callable[[], str]) -> tuple[list[Recorded], list[Message]]:
    """Log and stream, both to their end: timers may still come due while they are read."""
    while True:
        log = log_at_rest(served, said)
        served.caught_up()
        messages = stream_at(served, log[-1].position, said)
        with served.log() as now:
            if now.head() == log[-1].position:
                return log, messages


def _figures(history: History, kills: list[Kill], wrong: int, took: float) -> Figures:
    outcomes = Counter(told.outcome for told in history.told)
    requests = Counter(told.request for told in history.told)
    recovered = [_recovered(kill, history.told) for kill in kills]
    imported = [one.event for one in history.log if isinstance(one.event, ev.TasksImported)]
    return Figures(
        dict(Counter(kill.target for kill in kills)),
        outcomes["ok"],
        outcomes["refused"],
        outcomes["unknown"],
        sum(told.tries - 1 for told in history.told),
        sum(count - 1 for count in requests.values()),
        len(history.log),
        sum(isinstance(one.event, ev.PackageRegistered) for one in history.log),
        sum(len(event.rows) for event in imported),
        sum(map(_grants, (one.event for one in history.log))),
        len(history.messages),
        len(history.sent),
        sum(len(told.cut) for told in history.told),
        len(history.heard),
        wrong,
        round(median(recovered), 2) if recovered else 0.0,
        round(max(recovered, default=0.0), 2),
        {
            target: round(seconds, 1)
            for target, seconds in sorted(zip((kill.target for kill in kills), recovered, strict=True))
        },
        round(took, 1),
    )


def _grants(event: ev.Event) -> int:
    if isinstance(event, ev.TasksAllocated):
        return len(event.tasks)
    return isinstance(event, ev.TaskClaimed | ev.TaskReassigned)


def _recovered(kill: Kill, told: list[Told]) -> float:
    """From the kill to the first answer to what was asked after it."""
    return (
        min((one.ended for one in told if one.last >= kill.at and one.outcome != "unknown"), default=kill.at) - kill.at
    )
