"""Mixed load: creators, agents, a supervisor and an operator, each a thread that goes on whatever happens."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import NamedTuple

from google.protobuf.duration_pb2 import Duration
from paidan.v1 import agents_pb2, packages_pb2, rules_pb2, tasks_pb2

from tests.crash.asking import Asker
from tests.crash.history import Package, Told
from tests.crash.scene import AGENTS, PARENT, RULE_IDS, SPEC, TASK_TYPES, VARIANTS, package, roster, rules

AGAIN = 0.05
"""So often something is asked that was asked before."""


class Held(NamedTuple):
    """A task that somebody holds, as far as is known."""

    task: int
    agent: str
    grant: int


class Load:
    """``start`` the threads, ``stop`` them; what they were told and sent is here."""

    def __init__(self, addresses: list[str], seed: int, outside: str) -> None:
        self.packages: dict[str, Package] = {}
        self.askers: list[Asker] = []
        self._addresses, self._seed, self._outside = addresses, seed, outside
        self._numbers = count(1)
        self._created: deque[int] = deque(maxlen=300)
        self._held: deque[Held] = deque(maxlen=300)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.failed: list[BaseException] = []

    @property
    def told(self) -> list[Told]:
        """By all clients."""
        return [told for asker in self.askers for told in list(asker.told)]

    def prepare(self) -> None:
        """Rules and agents."""
        asker = self._asker()
        self._apply_rules(asker, 0)
        request = self._request("roster")
        made = agents_pb2.ApplyRosterRequest(parent=PARENT, agents=roster(), request_id=request)
        assert asker.command("ApplyRoster", lambda: made, request).outcome == "ok"

    def start(self) -> None:
        """Six clients."""
        for turn in (
            self._create,
            self._create,
            self._serve_claims,
            self._serve_pushed,
            self._supervise,
            self._operate,
        ):
            args = (turn, self._asker(), Random(f"{self._seed}/{len(self.askers)}"))
            self._threads.append(threading.Thread(target=self._go_on, args=args, daemon=True))
            self._threads[-1].start()

    def stop(self, patience: float) -> None:
        """Let each end what it is at."""
        self._stop.set()
        for thread in self._threads:
            thread.join(patience)
        assert not any(thread.is_alive() for thread in self._threads) and not self.failed, self.failed

    def _go_on(self, turn: Callable[[Asker, Random], None], asker: Asker, random: Random) -> None:
        try:
            while not self._stop.is_set():
                turn(asker, random)
                if random.random() < AGAIN:
                    asker.again()
        except BaseException as error:
            self.failed.append(error)
            raise

    def _asker(self) -> Asker:
        self.askers.append(Asker(self._addresses, self._seed + len(self.askers)))
        return self.askers[-1]

    def _request(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    def _create(self, asker: Asker, random: Random) -> None:
        request, kind = self._request("create"), random.choice(TASK_TYPES)
        made = tasks_pb2.CreateTaskRequest(
            parent=PARENT, task_type=kind, customer=request, priority=random.randint(0, 100), request_id=request
        )
        told = asker.command("CreateTask", lambda: made, request, task_type=kind, customer=request)
        if told.outcome == "ok":
            self._created.append(told.answer["number"])
        self._stop.wait(0.02)

    def _serve_claims(self, asker: Asker, random: Random) -> None:
        request, agent = self._request("claim"), random.choice(AGENTS)
        made = tasks_pb2.ClaimTaskRequest(parent=PARENT, agent=agent, request_id=request)
        told = asker.command("ClaimTask", lambda: made, request, agent=agent)
        if told.outcome == "ok":
            self._work(asker, random, Held(told.answer["number"], agent, told.answer["grant"]))

    def _serve_pushed(self, asker: Asker, random: Random) -> None:
        held = self._looked_up(asker, random)
        if held is None:
            self._stop.wait(0.05)
        else:
            self._work(asker, random, held)

    def _work(self, asker: Asker, random: Random, held: Held) -> None:
        """Most is done to its end; some is left, kept or handed over, and some done under a grant that is not his."""
        self._held.append(held)
        chance = random.random()
        if chance < 0.1:
            return
        if chance < 0.25:
            self._lock(asker, random, held)
        if 0.2 < chance < 0.35:
            self._hand_over(asker, random, held)
            return
        grant = held.grant + (random.random() < 0.03)
        for method, kind in (
            ("StartTask", tasks_pb2.StartTaskRequest),
            ("CompleteTask", tasks_pb2.CompleteTaskRequest),
        ):
            request = self._request("work")
            made = kind(name=f"{PARENT}/tasks/{held.task}", agent=held.agent, grant=grant, request_id=request)
            asked = {"task": held.task, "agent": held.agent, "grant": grant}
            if asker.command(method, lambda made=made: made, request, **asked).outcome != "ok":  # type: ignore[misc]
                return

    def _lock(self, asker: Asker, random: Random, held: Held) -> None:
        """For longer than its rule allows, too; half of them are ended early."""
        name, asked = f"{PARENT}/tasks/{held.task}", {"task": held.task, "agent": held.agent, "grant": held.grant}
        request, period = self._request("lock"), Duration(seconds=random.randint(1, 6))
        lock = tasks_pb2.LockTaskRequest(
            name=name, agent=held.agent, grant=held.grant, period=period, request_id=request
        )
        told = asker.command("LockTask", lambda: lock, request, **asked)
        if told.outcome == "ok" and random.random() < 0.5:
            request = self._request("unlock")
            unlock = tasks_pb2.UnlockTaskRequest(name=name, agent=held.agent, grant=held.grant, request_id=request)
            asker.command("UnlockTask", lambda: unlock, request, **asked)

    def _hand_over(self, asker: Asker, random: Random, held: Held) -> None:
        """With another task of his, if one is known; what is known may be no longer so, and then nothing is handed over."""
        others = [one for one in list(self._held) if one.agent == held.agent and one.task != held.task]
        tasks = [held, *random.sample(others, min(len(others), random.choice((0, 0, 1))))]
        request, where = self._request("handover"), random.choice(("pool", "pool", "agent", "rule"))
        made = tasks_pb2.HandOverTasksRequest(
            parent=PARENT,
            agent=held.agent,
            tasks=[tasks_pb2.HeldTask(task=one.task, grant=one.grant) for one in tasks],
            to_agent=random.choice(AGENTS) if where == "agent" else "",
            to_rule=random.choice(RULE_IDS) if where == "rule" else "",
            request_id=request,
        )
        numbers = [one.task for one in tasks]
        asker.command("HandOverTasks", lambda: made, request, agent=held.agent, tasks=numbers)

    def _looked_up(self, asker: Asker, random: Random) -> Held | None:
        """A task that was created, or came with a package, if somebody holds it."""
        if not self._created:
            return None
        number = random.choice(list(self._created)) - random.choice((0, 0, random.randint(0, 500)))
        task = asker.look(number) if number > 0 else None
        return Held(number, task.agent, task.grant) if task is not None and task.agent else None

    def _supervise(self, asker: Asker, random: Random) -> None:
        """Cancels and gives to others, often what has changed hands since."""
        held = (
            random.choice(list(self._held)) if self._held and random.random() < 0.7 else self._looked_up(asker, random)
        )
        if held is None:
            self._stop.wait(0.05)
        elif random.random() < 0.3:
            request = self._request("cancel")
            cancel = tasks_pb2.CancelTaskRequest(
                name=f"{PARENT}/tasks/{held.task}", grant=held.grant, request_id=request
            )
            asker.command("CancelTask", lambda: cancel, request, task=held.task)
        else:
            self._reassign(asker, held, random.choice(AGENTS))

    def _reassign(self, asker: Asker, held: Held, agent: str) -> None:
        request = self._request("reassign")
        made = tasks_pb2.ReassignTaskRequest(
            name=f"{PARENT}/tasks/{held.task}", agent=agent, grant=held.grant, request_id=request
        )
        told = asker.command("ReassignTask", lambda: made, request, task=held.task, agent=agent)
        if told.outcome == "ok":
            self._held.append(Held(held.task, agent, told.answer["grant"]))

    def _operate(self, asker: Asker, random: Random) -> None:
        """Presence, mostly; lists; now and then other rules."""
        chance = random.random()
        if chance < 0.12:
            self._upload(asker, random)
        elif chance < 0.2:
            self._apply_rules(asker, random.randrange(len(VARIANTS)))
        else:
            self._set_presence(asker, random)
        self._stop.wait(0.2)

    def _set_presence(self, asker: Asker, random: Random) -> None:
        request, agent = self._request("presence"), random.choice(AGENTS)
        presence = random.choice(("available", "available", "available", "busy", "away", "offline"))
        made = agents_pb2.SetPresenceRequest(
            name=f"{PARENT}/agents/{agent}",
            presence=agents_pb2.Presence.Value(f"PRESENCE_{presence.upper()}"),
            request_id=request,
        )
        asker.command("SetPresence", lambda: made, request, agent=agent, presence=presence)

    def _apply_rules(self, asker: Asker, variant: int) -> None:
        request, source = self._request("rules"), rules(variant, self._outside)
        made = rules_pb2.ApplyRulesRequest(parent=PARENT, source=source, request_id=request)
        asker.command("ApplyRules", lambda: made, request)

    def _upload(self, asker: Asker, random: Random) -> None:
        request = self._request("package")
        data, self.packages[request] = package(random, request)
        asker.command("UploadPackage", lambda: _upload(request, data), request)


def _upload(request: str, data: bytes) -> Iterator[packages_pb2.UploadPackageRequest]:
    header = packages_pb2.UploadHeader(parent=PARENT, file_name=f"{request}.csv", spec=SPEC, request_id=request)
    yield packages_pb2.UploadPackageRequest(header=header)
    for place in range(0, len(data), 16_384):
        yield packages_pb2.UploadPackageRequest(data=data[place : place + 16_384])
