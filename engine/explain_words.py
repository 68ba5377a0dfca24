"""The words of an explanation: how a task came to an agent, or why it waits."""

from __future__ import annotations

from engine import events as ev
from engine.decide.round import is_set_aside
from engine.rules.model import Rule
from engine.state import Task


def how_given(event: ev.TasksAllocated, place: int) -> str:
    """What a round did with the task at this place of its picks."""
    return "offered" if event.until and event.until[event.under[place]] else "gave"


def asked_before(task: Task) -> str:
    """Who let it pass before, as a clause; empty where nobody was asked."""
    asking = task.asked_under(task.rule)
    if asking is None:
        return ""
    who = f"; {', '.join(asking.let_pass)} had let it pass" if asking.let_pass else ""
    return f"{who}; {_counted(asking.rounds, 'offer')} came back before"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def free_to(task: Task, rule: Rule) -> str:
    """What is said of an agent with nothing in the way."""
    return _FREE["manual" if is_set_aside(task, rule) else rule.method]


WHY_IT_WAITS = {
    "to_be_claimed": "an agent has to claim it",
    "to_be_assigned": "a supervisor has to assign it",
    "in_turn": "its turn comes with the next round",
    "nobody_available": "nobody within the targets is available",
    "no_agent_within_targets": "no agent is within the targets",
    "all_at_capacity": "everybody who could take it is at capacity",
    "all_at_rule_cap": "everybody who could take it is at the rule's cap",
}
_FREE = {
    "push": "could take it in the next round",
    "claim": "may claim it",
    "manual": "could be given it",
    "offer": "could be offered it",
}


def stage_of(task: Task) -> str:
    """The step of relaxing or of the escalation that it waits at, as a clause."""
    if task.stage < 0:
        return f" after escalation step {-task.stage}"
    return f" after relax step {task.stage}" if task.stage else ""


def after(passed: tuple[str, ...]) -> str:
    """What fell through before, as a clause."""
    return f", after {'; '.join(passed)}" if passed else ""
