"""A small whole history, made without a server, for the checker to be tried on."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from engine import commands as cmd
from engine import events as ev
from engine.answers import Answer
from engine.workspace import Workspace
from tests.crash.calling import ASKS, BUSY_NOW, DONE, TELLS
from tests.crash.check_stream import expected
from tests.crash.history import Heard, History, Package, Told

RULES = """\
workspace: forged
task_types:
  check: {callback: {url: "https://outside/ask"}, feedback_channel: {url: "https://outside/told"}}
rules:
  - {id: claimed, task_type: errand, method: claim, cap_per_agent: 3, handover: {limit: 1}}
  - id: limited
    task_type: complaint
    method: claim
    sla: {resolve_within: 10s}
    escalation: [{at: 50% of resolve_within, raise_priority: 5}, {at: resolve_within, reassign: "true"}]
  - {id: listed, task_type: follow_up}
"""
AGENTS = tuple(ev.AgentSpec(name, capacity=4) for name in ("ann", "bob"))
SENT = Package(frozenset({2, 3}), frozenset({4}))
_ROWS = tuple(ev.TaskRow(line, None, None, None, 0, ()) for line in sorted(SENT.good))
_REJECTED = tuple(ev.RejectedRow(line, "priority", "no number", "x") for line in sorted(SENT.bad))


class Forge:
    """Puts commands to an engine, and notes what their client would be told."""

    def __init__(self) -> None:
        self._workspace = Workspace("forged")
        self._now = 1_000
        self.history = History("forged", [], {"package": SENT}, [], [])

    def ask(self, method: str, command: cmd.Command, request: str, **asked: Any) -> Answer:
        """An accepted or refused command, and all it sets in motion."""
        recorded, told = self._workspace.handle(cmd.Order(command, "tester", request), self._now)
        self.history.log += recorded
        self._follow_up()
        if method:
            self.history.told.append(self._told(method, request, asked, told))
        return told if isinstance(told, Answer) else Answer(0)

    def wait(self, until: int) -> None:
        """Time goes by, and what falls due happens."""
        self._now = until
        self.history.log += self._workspace.tick(until)[0]
        self._follow_up()

    def _follow_up(self) -> None:
        while (more := self._workspace.follow_up(self._now)) is not None:
            self.history.log += more[0]

    def _told(self, method: str, request: str, asked: dict[str, Any], told: Any) -> Told:
        if not isinstance(told, Answer):
            return Told(request, method, asked, "refused", {"code": "FAILED_PRECONDITION", "reason": told.reason})
        answer: dict[str, Any] = {"position": told.position, "changed": told.changed}
        if method in ("CreateTask", "ClaimTask", "UploadPackage"):
            answer["number"] = told.number
        if method in ("ClaimTask", "ReassignTask"):
            answer["grant"] = told.position
        if method == "LockTask":
            answer["locked_until"] = told.until
        if method == "ApplyRules":
            answer["version"] = told.number
        return Told(request, method, asked, "ok", answer)


def forged() -> History:
    """Rules, agents, a package, a task that is claimed, given to another, and done; one that is cancelled; a refusal."""
    forge = Forge()
    ask = forge.ask
    ask("ApplyRules", cmd.ApplyRules(RULES), "rules")
    ask("ApplyRoster", cmd.ApplyRoster(AGENTS), "roster")
    for place in range(2):
        ask("CreateTask", cmd.CreateTask("errand", "", customer=f"c{place}"), f"create-{place}", task_type="errand")
    grant = ask("ClaimTask", cmd.ClaimTask("ann"), "claim", agent="ann").position
    grant = ask("ReassignTask", cmd.ReassignTask(1, "bob", grant), "reassign", task=1, agent="bob").position
    ask("StartTask", cmd.StartTask(1, "bob", grant), "start", task=1, agent="bob", grant=grant)
    ask("CompleteTask", cmd.CompleteTask(1, "bob", grant), "complete", task=1, agent="bob", grant=grant)
    ask("CompleteTask", cmd.CompleteTask(1, "bob", grant), "late", task=1, agent="bob", grant=grant)
    ask("CancelTask", cmd.CancelTask(2), "cancel", task=2)
    ask("SetPresence", cmd.SetPresence("ann", "busy"), "presence", agent="ann", presence="busy")
    _import(forge)
    _keep_and_give_back(forge)
    _run_late(forge)
    _ask_outside(forge)
    forge.history.messages = expected("forged", forge.history.log)
    forge.history.sent = ["c0", "c1"]
    return forge.history


def _keep_and_give_back(forge: Forge) -> None:
    """Task 5: bob hands it over twice, the second time it is escalated; ann keeps it a while, and goes."""
    forge.ask("CreateTask", cmd.CreateTask("errand", ""), "create-5", task_type="errand")
    for turn in range(2):
        grant = forge.ask("ClaimTask", cmd.ClaimTask("bob"), f"claim-{turn}", agent="bob").position
        over = cmd.HandOverTasks("bob", (cmd.Held(5, grant),))
        forge.ask("HandOverTasks", over, f"handover-{turn}", agent="bob", tasks=[5])
    grant = forge.ask("ClaimTask", cmd.ClaimTask("ann"), "claim-2", agent="ann").position
    asked = {"task": 5, "agent": "ann", "grant": grant}
    forge.ask("LockTask", cmd.LockTask(5, "ann", grant, 60_000), "lock", **asked)
    forge.ask("UnlockTask", cmd.UnlockTask(5, "ann", grant), "unlock", **asked)
    forge.ask("SetPresence", cmd.SetPresence("ann", "offline"), "offline", agent="ann", presence="offline")


def _run_late(forge: Forge) -> None:
    """Task 6: nobody takes it, and both steps of its escalation fall due."""
    forge.ask("CreateTask", cmd.CreateTask("complaint", ""), "create-6", task_type="complaint")
    for until in (6_000, 11_000, 60_000):
        forge.wait(until)
    forge.ask("SetPresence", cmd.SetPresence("bob", "busy"), "late-presence", agent="bob", presence="busy")


def _ask_outside(forge: Forge) -> None:
    """Task 7: somebody outside does it at the second attempt, and is told."""
    asked = forge.ask("CreateTask", cmd.CreateTask("check", ""), "create-7", task_type="check").position
    key = f"forged-7-{asked}"
    done = forge.ask("", cmd.FinishCallback(7, asked, "succeeded", {"done": key}, "", 2), "").position
    forge.ask("", cmd.FinishDelivery(7, done, True), "")
    ask, told = (key, ASKS, b"?"), (f"forged-7-{done}", TELLS, b"!")
    forge.history.heard = [Heard(*ask, BUSY_NOW), Heard(*ask, DONE), Heard(*told, DONE)]


def _import(forge: Forge) -> None:
    package = cmd.RegisterPackage("s", "u", "f", "d", 9, "follow_up", "", ev.ColumnMapping())
    forge.ask("UploadPackage", package, "package")
    for command in (
        cmd.StartParsing(1),
        cmd.ImportRows(1, 0, (), _ROWS, (), _REJECTED),
        cmd.FinishParsing(1, 1),
    ):
        forge.ask("", command, "")


def event_at(history: History, kind: type[ev.Event], last: bool = False) -> int:
    """Place in the log of the first event of a kind, or of the last."""
    places = [place for place, one in enumerate(history.log) if isinstance(one.event, kind)]
    return places[-1 if last else 0]


def with_event(history: History, kind: type[ev.Event], **changes: Any) -> None:
    """Change the first event of a kind."""
    place = event_at(history, kind)
    one = history.log[place]
    history.log[place] = replace(one, event=replace(one.event, **changes))


def with_answer(history: History, request: str, **changes: Any) -> None:
    """Change what a client was told."""
    place = next(place for place, one in enumerate(history.told) if one.request == request)
    told = history.told[place]
    history.told[place] = replace(told, answer={**told.answer, **changes})


def without_event(history: History, place: int) -> None:
    """Leave an event out and close the gap, so that only its effect is missed."""
    del history.log[place]
    history.log[place:] = [replace(one, position=one.position - 1) for one in history.log[place:]]


def with_event_again(history: History, kind: type[ev.Event]) -> None:
    """The first event of a kind once more, at the end."""
    one = history.log[event_at(history, kind)]
    last = history.log[-1]
    history.log.append(replace(one, position=last.position + 1, at=last.at))
