"""Random stories: small numbers become commands on a real workspace, whatever they are, so every draw makes sense."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine import commands as cmd
from engine.events import ColumnMapping, Person, RejectedRow
from tests.engine.given import agent, document, row, rule
from tests.engine.scenario import DUE, REST, After, Scenario

Draw = tuple[int, int, int]

AGENTS = ("ann", "bob", "cyd", "dee", "eva")
REGIONS = ("JS", "ZJ", None)

DOCUMENTS = (
    document(
        rule("p", strategy=["owner", "region", "least_loaded"], targets="agent.level >= 1", cap_per_agent=2,
             recycle_after="5m", recycle_limit=2, feedback={"raise_priority": 9, "reopen_limit": 1}),
        rule("z", "visit", strategy=["round_robin"], targets="task.level <= agent.level", sla={"resolve_within": "1h"},
             escalation=[{"at": "resolve_within", "reassign": "true", "raise_priority": 5}]),
    ),
    document(
        rule("p", when="task.level > 1", precedence=5, method="claim", targets="agent.level >= 1"),
        rule("q", strategy=["last_agent", "weighted"], targets="agent.level >= task.level", cap_per_agent=3,
             relax=[{"after": "10m", "targets": "agent.level >= 2"}, {"after": "1h", "targets": "true"}]),
        task_types={"visit": {"callback": {"url": "https://o/ask"}, "feedback_channel": {"subject": "crm.told"},
                              "sla": {"resolve_within": "10m"}}},
    ),
    document(rule("m", method="manual", feedback={"unsatisfied": "escalate", "auto_close_after": "1h"}), rule("z", "visit", when="task.level == 2", targets="agent.load < 2")),
    document(
        rule("p", strategy=["owner", "least_loaded"], targets="agent.level >= 2", ageing="1m",
             feedback={"reopen_to": "other", "auto_close_after": "2h"}),
        rule("z", "visit", method="claim", recycle_after="1h", sla={"respond_within": "20m", "resolve_within": "2h"},
             escalation=[{"at": "50% of resolve_within", "raise_priority": 30, "mark_overdue": True},
                         {"at": "resolve_within", "reassign": "agent.level >= task.level", "notify": "duty"}], handover={"raise_priority": 40, "limit": 1}),
    ),
    document(
        rule("p", method="offer", offer={"accept_within": "3m", "rounds": 2}, strategy=["owner", "least_loaded"],
             cap_per_agent=2, recycle_after="5m", targets="agent.level >= 1"),
        rule("q", method="offer", offer={"accept_within": "1m", "rounds": 1}, when="task.level == 3", precedence=3),
        rule("z", "visit", escalation=[{"at": "10m", "reassign": "true"}], method="offer",
             offer={"accept_within": "30m", "rounds": 1}),
    ),
)  # fmt: skip


class Story:
    """A scenario driven by draws of small numbers."""

    def __init__(self, draws: Iterable[Draw] = ()) -> None:
        self.scenario = Scenario()
        self._packages = self._requests = 0
        for draw in draws:
            self.go(draw)

    @property
    def log(self) -> list:
        return self.scenario.log

    def go(self, draw: Draw) -> None:
        """One step, chosen by the first number."""
        kind, a, b = draw
        STEPS[kind](self, a, b)

    def _do(self, command: cmd.Command) -> None:
        self._requests += 1
        self.scenario.do(cmd.Order(command, "op", f"q{self._requests}"))

    def _rules(self, a: int, b: int) -> None:
        self._do(cmd.ApplyRules(DOCUMENTS[a % len(DOCUMENTS)], f"reason {b}"))

    def _agent(self, a: int, b: int) -> None:
        spec = agent(
            AGENTS[a % len(AGENTS)],
            capacity=b % 5,
            weight=1 + b % 3,
            level=b % 4,
            regions=("JS",) if a % 2 else ("ZJ",),
        )
        self._do(cmd.ApplyRoster((spec,), prune=(a + b) % 11 == 0))

    def _presence(self, a: int, b: int) -> None:
        self._do(cmd.SetPresence(AGENTS[a % len(AGENTS)], ("available", "busy", "away", "offline")[b % 4]))

    def _package(self, a: int, b: int) -> None:
        self._packages += 1
        number = self.scenario.state.last_package + 1
        self._do(
            cmd.RegisterPackage(
                "seg", "file:x", "x", f"d{self._packages}", 9, ("call", "visit")[b % 2], "loan", _MAPPING
            )
        )
        if self.scenario.state.last_package != number:
            return
        self._do(cmd.StartParsing(number))
        chunks = 1 + a % 3
        for chunk in range(chunks):
            self._do(self._chunk(number, chunk, a, b))
            if (a + b + chunk) % 4 == 0:
                self._create(a, b)
        self._do(cmd.FailPackage(number, "bad") if b % 7 == 6 else cmd.FinishParsing(number, chunks))

    def _chunk(self, number: int, chunk: int, a: int, b: int) -> cmd.ImportRows:
        rows = tuple(
            row(
                line,
                (a * line) % 101,
                AGENTS[(a + line) % 5] if line % 2 else None,
                REGIONS[(b + line) % 3],
                "no|r\\th\t",
                (a + line) % 4,
            )
            for line in range(2, 2 + (a + b + chunk) % 6)
        )
        persons = tuple(Person("王小明", "13812345678", "320102198001011234") for _ in rows) if b % 2 else ()
        rejected = tuple(
            RejectedRow(90 + n, "level", "not an int", "王小明,b|\\ \n", "王小明" if n else "") for n in range(b % 3)
        )
        return cmd.ImportRows(number, chunk, ("zone", "level"), rows, persons, rejected)

    def _end_package(self, a: int, _b: int) -> None:
        self._do(cmd.WithdrawPackage(1 + a % 4, "wrong list"))

    def _create(self, a: int, b: int) -> None:
        attributes = {"zone": f"zone {b % 2}", "level": a % 4}
        person = Person("李", "123", None) if a % 2 else None
        kind = ("call", "visit", "other")[b % 3]
        self._do(
            cmd.CreateTask(kind, "loan", attributes, f"c{a % 5}", AGENTS[b % 5], REGIONS[a % 3], b * 7 % 101, person)
        )

    def _claim(self, a: int, b: int) -> None:
        self._do(cmd.ClaimTask(AGENTS[a % 5], self._task(b) if b % 2 else None))

    def _task(self, a: int) -> int:
        known = sorted(self.scenario.state.tasks)
        return known[a % len(known)] if known else 1 + a % 3

    def _held(self, a: int) -> tuple[int, str, int]:
        """A task that somebody holds, if there is one; now and then under a stale grant."""
        held = [task for task in self.scenario.state.tasks.values() if task.agent]
        if not held:
            return self._task(a), AGENTS[a % 5], 1
        task = held[a % len(held)]
        return task.number, task.agent or "", task.grant - (a % 13 == 12)

    def _offered(self, a: int, b: int) -> tuple[int, str, int]:
        """Mostly a task that is offered."""
        offered = [task for task in self.scenario.state.tasks.values() if task.status == "offered"]
        if not offered or b % 6 == 5:
            return self._held(a)
        task = offered[a % len(offered)]
        return task.number, task.agent or "", task.grant

    def _accept(self, a: int, b: int) -> None:
        self._do(cmd.AcceptOffer(*self._offered(a, b)))

    def _reject(self, a: int, b: int) -> None:
        self._do(cmd.RejectOffer(*self._offered(a, b), "no time"))

    def _start(self, a: int, _b: int) -> None:
        self._do(cmd.StartTask(*self._held(a)))

    def _complete(self, a: int, b: int) -> None:
        number, who, grant = self._held(a)
        if b % 4:
            self._do(cmd.AcceptOffer(number, who, grant))
        if b % 3:
            self._do(cmd.StartTask(number, who, grant))
        self._do(cmd.CompleteTask(number, who, grant, {"note": f"n{b}"}))

    def _cancel(self, a: int, b: int) -> None:
        number = self._held(a)[0] if b % 2 else self._task(a)
        task = self.scenario.state.tasks.get(number)
        self._do(cmd.CancelTask(number, task.grant if task else 0, "gone"))

    def _reassign(self, a: int, b: int) -> None:
        number = self._held(a)[0] if b % 2 else self._task(a)
        task = self.scenario.state.tasks.get(number)
        self._do(cmd.ReassignTask(number, AGENTS[b % 5], task.grant if task else 0, "ill"))

    def _hand_over(self, a: int, b: int) -> None:
        number, who, grant = self._held(a)
        to_agent, to_rule = (("", ""), ("", ""), (AGENTS[b % 5], ""), ("", "pqzm"[b % 4]))[b % 4]
        self._do(cmd.HandOverTasks(who, (cmd.Held(number, grant),), "note", to_agent, to_rule))

    def _reprioritise(self, a: int, b: int) -> None:
        number = self._held(a)[0] if b % 2 else self._task(a)
        task = self.scenario.state.tasks.get(number)
        self._do(cmd.ReprioritiseTask(number, b * 13 % 101, task.grant if task else 0, "why"))

    def _change_deadlines(self, a: int, b: int) -> None:
        number = self._held(a)[0] if b % 2 else self._task(a)
        task = self.scenario.state.tasks.get(number)
        limits = {("respond_by", "resolve_by")[a % 2]: self.scenario.now + 60_000 * (1 + b)}
        self._do(cmd.ChangeDeadlines(number, **limits, grant=task.grant if task else 0, reason="why"))

    def _comment(self, a: int, b: int) -> None:
        self._do(cmd.CommentTask(self._task(a), f"call 13800001234, line|{b}"))

    def _merge(self, a: int, b: int) -> None:
        tasks = list(self.scenario.state.tasks.values())
        some = [tasks[(a + step) % len(tasks)] for step in range(1 + b % 3)] if tasks else []
        held = tuple(cmd.Held(task.number, task.grant) for task in some)
        self._do(cmd.MergeTasks(held, self._task(a + b % 5), "the same"))

    def _lock(self, a: int, b: int) -> None:
        self._do(cmd.LockTask(*self._held(a), 60_000 * (1 + b)))

    def _unlock(self, a: int, _b: int) -> None:
        self._do(cmd.UnlockTask(*self._held(a)))

    def _feedback(self, a: int, b: int) -> None:
        """Of completed work, where there is some."""
        asked = [task.number for task in self.scenario.state.tasks.values() if task.status == "completed"]
        number = asked[a % len(asked)] if asked else self._task(a)
        if (a + b) % 5 == 4:
            self._do(cmd.ReassignTask(number, AGENTS[b % 5], 0, "see to it"))
        self._do(cmd.GiveFeedback(number, b % 4 == 3, b % 6, "call 13800001234 back|\\"))

    def _call(self, a: int, b: int) -> None:
        """What came of asking or telling outside."""
        calls = self.scenario.state.calls
        asked, told = list(calls.callbacks.values()), list(calls.results.values())
        if asked and (a % 2 or not told):
            call, outcome = asked[a % len(asked)], ("succeeded", "declined", "failed")[b % 3]
            result = {"balance": f"no|r\\{b}"} if outcome == "succeeded" else {}
            self._do(cmd.FinishCallback(call.task, call.made - (a % 13 == 12), outcome, result, "HTTP 503", 1 + b % 3))
        elif told:
            call = told[a % len(told)]
            self._do(cmd.FinishDelivery(call.task, call.made, b % 2 > 0, "HTTP 503", 1 + b % 3))

    def _rest(self, _a: int, _b: int) -> None:
        self.scenario.do(REST)

    def _one_step(self, _a: int, _b: int) -> None:
        outcome = self.scenario.workspace.follow_up(self.scenario.now)
        self.scenario.log.extend(outcome[0] if outcome else ())

    def _time(self, a: int, b: int) -> None:
        self.scenario.do(After(a * 60_000 * (1 + b % 7)))
        self.scenario.do(DUE)


_MAPPING = ColumnMapping()


STEPS: tuple[Callable[[Story, int, int], None], ...] = (
    Story._rules, Story._agent, Story._presence, Story._package, Story._end_package, Story._create, Story._claim,
    Story._start, Story._complete, Story._cancel, Story._reassign, Story._rest, Story._one_step, Story._time,
    Story._hand_over, Story._lock, Story._unlock, Story._reprioritise, Story._change_deadlines, Story._comment,
    Story._merge, Story._accept, Story._reject, Story._feedback, Story._call,
)  # fmt: skip
"""What may happen next in a story. Whatever stands here is drawn."""
