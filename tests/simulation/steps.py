"""Random bytes read as steps: five bytes a step, the first says which, zeros do nothing.

Every step can be taken in any state, so any part of a sequence is a sequence too, and a failing one can be shortened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from pytest import MonkeyPatch

from engine import commands as cmd
from engine.events import AttributeValue, ColumnMapping, Person, RejectedRow
from engine.refusals import Refusal
from engine.state import Package, Task
from tests.simulation.simulation import Simulation
from tests.simulation.worlds import AGENTS, COLUMNS, DOCUMENTS, NOW, TASK_TYPES, row, spec

Dice = bytes
"""Bytes 1 to 4 of a step."""
WIDTH = 5
_JUMPS = (0, 1, 1_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, -60_000)


LIMITS = ((1, 1), (3, 2), (500, 2_000))
"""(picks a round and tasks a step, waiting tasks asked about in one step): small ones have many edges."""


@contextmanager
def limited(limits: tuple[int, int]) -> Iterator[None]:
    """The engine's own step sizes, made this small."""
    with MonkeyPatch.context() as patch:
        patch.setattr("engine.reactions.ROUND", limits[0])
        patch.setattr("engine.workspace.ROUND", limits[0])
        patch.setattr("engine.reactions.REPOOL", limits[1])
        yield


def run(sequence: list[bytes], checked: bool = True) -> Simulation:
    """Take every step, then come to rest."""
    simulation = Simulation(checked)
    for place, step in enumerate(sequence):
        take(simulation, step, place)
    simulation.finish()
    return simulation


def take(simulation: Simulation, step: bytes, place: int) -> None:
    """One step of a sequence, the one at this place."""
    _STEPS[step[0] * len(_STEPS) >> 8](simulation, step[1:], place)


Step = Callable[[Simulation, Dice, int], None]


def _nothing(_sim: Simulation, _dice: Dice, _place: int) -> None:
    """A step left out."""


def _request(dice: Dice, place: int) -> str:
    return f"req-{place}" if dice[3] % 4 else ""


def _task(sim: Simulation, byte: int) -> Task | None:
    """An open task."""
    tasks = list(sim.state.tasks.values())
    return tasks[byte % len(tasks)] if tasks else None


def _held(sim: Simulation, byte: int) -> Task | None:
    tasks = [task for task in sim.state.tasks.values() if task.agent]
    return tasks[byte % len(tasks)] if tasks else None


def _grant(task: Task, byte: int) -> int:
    """Mostly the one in force."""
    return task.grant if byte % 5 else max(0, task.grant - 1)


def _create(sim: Simulation, dice: Dice, place: int) -> None:
    one = row(0, *dice[:3])
    attributes: dict[str, AttributeValue] = {
        name: value for name, value in zip(COLUMNS, one.attributes, strict=True) if value is not None
    }
    task_type = TASK_TYPES[dice[3] % 7]
    person = Person("Li") if dice[0] % 7 == 0 else None
    asked = cmd.CreateTask(task_type, "b", attributes, one.customer, one.owner, one.region, one.priority, person)
    sim.ask(asked, _request(dice, place))


def _create_some(sim: Simulation, dice: Dice, place: int) -> None:
    """A batch; now and then one of it is wrong, which is the end of all."""
    tasks = tuple(
        cmd.CreateTask(TASK_TYPES[(dice[3] + at) % 7], "b", {"level": at} if at % 2 else {}, priority=dice[1] % 101)
        for at in range(1 + dice[0] % 5)
    )
    wrong = (cmd.CreateTask("", "b"),) if dice[2] % 6 == 0 else ()
    before = sim.state.last_task
    sim.ask(cmd.CreateTasks((*tasks, *wrong)), _request(dice, place))
    assert sim.state.last_task == before + (0 if wrong else len(tasks)), "neither all nor none of a batch"


def _claim(sim: Simulation, dice: Dice, place: int) -> None:
    sim.ask(cmd.ClaimTask(AGENTS[dice[0] % 6]), _request(dice, place))


def _claim_this(sim: Simulation, dice: Dice, place: int) -> None:
    number = dice[1] % (sim.state.last_task + 2)
    sim.ask(cmd.ClaimTask(AGENTS[dice[0] % 6], number), _request(dice, place))


def _start(sim: Simulation, dice: Dice, place: int) -> None:
    task = _held(sim, dice[0])
    if task is not None:
        agent = str(task.agent) if dice[2] % 9 else AGENTS[dice[2] % 6]
        sim.ask(cmd.StartTask(task.number, agent, _grant(task, dice[1])), _request(dice, place))


def _offered(sim: Simulation, dice: Dice) -> Task | None:
    """Mostly a task that is offered, else any that is held."""
    tasks = [task for task in sim.state.tasks.values() if task.status == "offered"] if dice[2] % 8 else []
    return tasks[dice[0] % len(tasks)] if tasks else _held(sim, dice[0])


def _accept(sim: Simulation, dice: Dice, place: int) -> None:
    task = _offered(sim, dice)
    if task is not None:
        sim.ask(cmd.AcceptOffer(task.number, str(task.agent), _grant(task, dice[1])), _request(dice, place))


def _reject(sim: Simulation, dice: Dice, place: int) -> None:
    task = _offered(sim, dice)
    if task is not None:
        sim.ask(cmd.RejectOffer(task.number, str(task.agent), _grant(task, dice[1]), "no"), _request(dice, place))


def _complete(sim: Simulation, dice: Dice, place: int) -> None:
    task = _held(sim, dice[0])
    if task is None:
        return
    if task.status == "offered" and dice[1] % 4:
        sim.ask(cmd.AcceptOffer(task.number, str(task.agent), task.grant))
    if task.status == "assigned" and dice[1] % 4:
        sim.ask(cmd.StartTask(task.number, str(task.agent), task.grant))
    note = {"note": "done"} if dice[2] % 4 else {}
    sim.ask(cmd.CompleteTask(task.number, str(task.agent), _grant(task, dice[1]), note), _request(dice, place))


def _cancel(sim: Simulation, dice: Dice, place: int) -> None:
    task = _task(sim, dice[0])
    if task is not None:
        sim.ask(cmd.CancelTask(task.number, _grant(task, dice[1]), "x"), _request(dice, place))


def _reassign(sim: Simulation, dice: Dice, place: int) -> None:
    task = _task(sim, dice[0])
    if task is not None:
        sim.ask(cmd.ReassignTask(task.number, AGENTS[dice[2] % 6], _grant(task, dice[1])), _request(dice, place))


def _reprioritise(sim: Simulation, dice: Dice, place: int) -> None:
    task = _task(sim, dice[0])
    if task is not None:
        priority = (0, 1, 40, 60, 100, 101, task.priority)[dice[2] % 7]
        sim.ask(cmd.ReprioritiseTask(task.number, priority, _grant(task, dice[1])), _request(dice, place))


def _change_deadlines(sim: Simulation, dice: Dice, place: int) -> None:
    task = _task(sim, dice[0])
    if task is not None:
        respond_by, resolve_by = ((0, 1), (1, 0), (1, 1), (0, 0))[dice[2] % 4]
        times = sim.now + _JUMPS[dice[2] % 8], sim.now + _JUMPS[dice[2] % 9]
        asked = cmd.ChangeDeadlines(task.number, respond_by * times[0], resolve_by * times[1], _grant(task, dice[1]))
        sim.ask(asked, _request(dice, place))


def _comment(sim: Simulation, dice: Dice, place: int) -> None:
    number = dice[0] % (sim.state.last_task + 2)
    sim.ask(cmd.CommentTask(number, ("he called", " ", "x" * 4_097)[dice[1] % 5 // 2]), _request(dice, place))


def _merge(sim: Simulation, dice: Dice, place: int) -> None:
    """A few tasks into another; now and then one of them has ended, is named twice, or is that other itself."""
    tasks = list(sim.state.tasks.values())
    if not tasks:
        return
    first = dice[0] % len(tasks)
    some = (tasks + tasks)[first : first + 1 + dice[1] % 8 // 3]
    duplicates = tuple(cmd.Held(task.number, _grant(task, dice[2])) for task in some)
    number = dice[3] % (sim.state.last_task + 2) if dice[2] % 7 == 0 else tasks[(first - 1) % len(tasks)].number
    before = set(sim.state.tasks)
    sim.ask(cmd.MergeTasks(duplicates, number, "the same"), _request(dice, place))
    gone = before - set(sim.state.tasks)
    assert gone in (set(), {one.task for one in duplicates}), "neither all nor none of the duplicates"


def _hand_over(sim: Simulation, dice: Dice, place: int) -> None:
    """One or two tasks of one agent, back to the pool, to another agent, or to a rule's pool."""
    task = _held(sim, dice[0])
    if task is None:
        return
    more = [one for one in sim.state.tasks.values() if one.agent == task.agent and one is not task][: dice[1] % 2]
    tasks = tuple(cmd.Held(one.number, _grant(one, dice[2])) for one in (task, *more))
    to_agent, to_rule = (("", ""), ("", ""), (AGENTS[dice[3] % 6], ""), ("", f"r{dice[3] % 7}"))[dice[1] % 4]
    sim.ask(cmd.HandOverTasks(str(task.agent), tasks, "note", to_agent, to_rule), _request(dice, place))


def _lock(sim: Simulation, dice: Dice, place: int) -> None:
    task = _held(sim, dice[0])
    if task is not None:
        period = (1, 60_000, 300_000, 300_001, 3_600_000)[dice[2] % 5]
        sim.ask(cmd.LockTask(task.number, str(task.agent), _grant(task, dice[1]), period), _request(dice, place))


def _unlock(sim: Simulation, dice: Dice, place: int) -> None:
    held = [task for task in sim.state.tasks.values() if task.locked] if dice[2] % 4 else []
    task = held[dice[0] % len(held)] if held else _held(sim, dice[0])
    if task is not None:
        sim.ask(cmd.UnlockTask(task.number, str(task.agent), _grant(task, dice[1])), _request(dice, place))


def _feedback(sim: Simulation, dice: Dice, place: int) -> None:
    """Mostly of a completed task, mostly bad; now and then a supervisor takes up what he is to look at."""
    asked = [task for task in sim.state.tasks.values() if task.status == "completed"] if dice[2] % 5 else []
    task = asked[dice[0] % len(asked)] if asked else _task(sim, dice[0])
    number = dice[0] % (sim.state.last_task + 2) if task is None or dice[2] % 9 == 8 else task.number
    if task is not None and task.marks is not None and task.marks.unsatisfied and dice[2] % 3:
        sim.ask(cmd.ReassignTask(number, AGENTS[dice[3] % 6], dice[1] % 7 // 6), _request(dice, place))
        return
    sim.ask(cmd.GiveFeedback(number, dice[1] % 4 == 0, dice[2] % 6, "so so"), _request(dice, place))


def _answer(sim: Simulation, dice: Dice, place: int) -> None:
    """What came of asking outside is reported; now and then twice, or of a callback that is over."""
    calls = list(sim.state.calls.callbacks.values())
    if not calls:
        return
    call, outcome = calls[dice[0] % len(calls)], ("succeeded", "succeeded", "declined", "failed")[dice[1] % 4]
    result = {"balance": "12"} if outcome == "succeeded" else {}
    started = call.made if dice[2] % 7 else call.made - 1
    report = cmd.FinishCallback(call.task, started, outcome, result, "" if result else "HTTP 503", 1 + dice[1] % 3)
    sim.ask(report, _request(dice, place))
    if dice[2] % 5 == 0:
        recorded, told = sim.ask(report)
        assert not recorded and isinstance(told, Refusal) and told.reason == "STALE_CALL"


def _told(sim: Simulation, dice: Dice, place: int) -> None:
    """What came of telling a result is reported."""
    calls = list(sim.state.calls.results.values())
    if calls:
        call, delivered = calls[dice[0] % len(calls)], dice[1] % 3 > 0
        made = call.made if dice[2] % 7 else call.made - 1
        report = cmd.FinishDelivery(call.task, made, delivered, "" if delivered else "HTTP 503", 1 + dice[1] % 3)
        sim.ask(report, _request(dice, place))


def _presence(sim: Simulation, dice: Dice, place: int) -> None:
    presence = ("available", "available", "busy", "away", "offline")[dice[1] % 5]
    sim.ask(cmd.SetPresence(AGENTS[dice[0] % 6], presence), _request(dice, place))


def _roster(sim: Simulation, dice: Dice, place: int) -> None:
    """Up to three agents at once; sometimes all others go, those who hold nothing."""
    chosen = {AGENTS[byte % 6]: byte // 6 for byte in dice[:3]}
    prune = dice[3] % 16 == 0
    if prune and dice[3] % 32:
        chosen |= {agent.id: dice[0] for agent in sim.state.agents.values() if agent.load}
    sim.ask(cmd.ApplyRoster(tuple(spec(*pair) for pair in chosen.items()), prune), _request(dice, place))


def _everybody(sim: Simulation, dice: Dice, place: int) -> None:
    """All six agents; a sequence opens with it."""
    sim.ask(cmd.ApplyRoster(tuple(spec(one, dice[at % 4] + at) for at, one in enumerate(AGENTS))), f"all-{place}")


def _rules(sim: Simulation, dice: Dice, place: int) -> None:
    near = dice[0] - dice[0] % 2 + (sim.state.version + 1) % 2 if dice[1] % 2 else dice[0]
    expected = sim.state.version + dice[2] % 2 if dice[1] % 5 == 0 else None
    sim.ask(cmd.ApplyRules(DOCUMENTS[near % len(DOCUMENTS)], "why", expected), _request(dice, place))


def _package(sim: Simulation, dice: Dice, place: int) -> None:
    """A whole package at once, or only the beginning of one."""
    digest = f"d{dice[0] % 8}"
    mapping = ColumnMapping(attributes={name: name for name in COLUMNS})
    task_type = TASK_TYPES[dice[1] % 7]
    sim.ask(cmd.RegisterPackage("", "file:x", "x", digest, 9, task_type, "b", mapping, 0), _request(dice, place))
    if sim.state.packages and dice[2] % 5:
        _import(sim, dice, place)
        _finish(sim, bytes((1, 1, 0, 0)), place)


def _recent(sim: Simulation, byte: int) -> tuple[int, Package] | None:
    """One of the last two packages."""
    number = sim.state.last_package - byte % 2
    return (number, sim.state.packages[number]) if number in sim.state.packages else None


def _import(sim: Simulation, dice: Dice, place: int) -> None:
    found = _recent(sim, 0)
    if found is None:
        return
    number, package = found
    if package.status == "initialized":
        sim.ask(cmd.StartParsing(number))
    rows = tuple(row(line + 2, dice[1] + 7 * line, dice[2] + 5 * line, dice[3] + line) for line in range(dice[0] % 16))
    persons = tuple(Person("Li", str(one.line)) for one in rows) if dice[1] % 2 else ()
    rejected = (RejectedRow(1, "level", "not an int", "x"),) if dice[2] % 3 == 0 else ()
    chunk = package.chunks + {5: -1, 6: 1}.get(dice[3] % 16, 0)
    sim.ask(cmd.ImportRows(number, max(chunk, 0), COLUMNS, rows, persons, rejected), f"chunk-{place}")


def _finish(sim: Simulation, dice: Dice, place: int) -> None:
    found = _recent(sim, dice[0] + 1)
    if found is not None:
        sim.ask(cmd.FinishParsing(found[0], found[1].chunks + (dice[1] % 7 == 0)), f"end-{place}")


def _fail(sim: Simulation, dice: Dice, place: int) -> None:
    sim.ask(cmd.FailPackage(sim.state.last_package, "torn"), _request(dice, place))


def _withdraw(sim: Simulation, dice: Dice, place: int) -> None:
    number = dice[0] % (sim.state.last_package + 2)
    sim.ask(cmd.WithdrawPackage(number, "wrong"), _request(dice, place))


def _time(sim: Simulation, dice: Dice, _place: int) -> None:
    """Clocks may jump, also backwards."""
    sim.now = max(NOW, sim.now + _JUMPS[dice[0] % len(_JUMPS)])
    if dice[1] % 3:
        sim.tick()


def _follow(sim: Simulation, dice: Dice, _place: int) -> None:
    for _ in range(1 + dice[0] % 3):
        sim.follow_up()


def _rest(sim: Simulation, _dice: Dice, _place: int) -> None:
    sim.rest()


def _again(sim: Simulation, dice: Dice, _place: int) -> None:
    if sim.asked:
        sim.ask_again(dice[0], cmd.ClaimTask(AGENTS[dice[1] % 6]) if dice[2] % 4 == 0 else None)


def _restart(sim: Simulation, _dice: Dice, _place: int) -> None:
    sim.restart()


def _crash(sim: Simulation, _dice: Dice, _place: int) -> None:
    sim.crash()


_OFTEN: dict[Step, int] = {
    _nothing: 1, _create: 10, _create_some: 2, _claim: 6, _claim_this: 3, _start: 4, _complete: 12, _cancel: 3,
    _accept: 4, _reject: 6,
    _reassign: 4, _reprioritise: 3, _change_deadlines: 3, _comment: 2, _merge: 3, _hand_over: 5, _lock: 4, _unlock: 2,
    _feedback: 6, _answer: 4, _told: 2,
    _presence: 4, _roster: 4, _everybody: 1, _rules: 3, _package: 6, _import: 2, _finish: 2, _fail: 1, _withdraw: 2,
    _time: 6, _follow: 12, _rest: 8, _again: 3, _restart: 1, _crash: 1,
}  # fmt: skip
_STEPS = tuple(step for step, times in _OFTEN.items() for _ in range(times))

_BUSY: tuple[Step, ...] = (
    _create, _create_some, _package, _hand_over, _hand_over, _complete, _cancel, _reprioritise, _time,
)  # fmt: skip


def _first_byte(step: Step) -> int:
    """The least that says so: all 256 are spread over the steps as evenly as can be, whatever their number."""
    return -(-256 * _STEPS.index(step) // len(_STEPS))


def busy(chance: Random) -> bytes:
    """A step that brings work, or frees agents while more of it comes; which there are does not change with others."""
    return bytes((_first_byte(chance.choice(_BUSY)), *chance.randbytes(WIDTH - 1)))


def opened(opening: bytes, steps: list[bytes]) -> list[bytes]:
    """The steps after an opening: rules, all agents, and a package; ``opening`` picks which."""
    first = (_rules, (opening[0], 0, 0, 0)), (_everybody, opening[1:5]), (_package, (opening[5], 0, 1, opening[6]))
    return [bytes((_first_byte(step), *dice)) for step, dice in first] + steps
