"""How tasks look to people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.cli.rendering import Column, field, listed, local, pairs, shown, time, word


def _person(task: Any) -> str:
    person = task.person_masked
    return ", ".join(filter(None, (person.full_name, person.mobile, person.id_card)))


def _where(task: Any) -> str:
    return f"package {task.package}, line {task.line}" if task.package else ""


def _rule(task: Any) -> str:
    return f"{task.rule} (version {task.rule_set_version})" if task.rule else ""


def _holder(task: Any) -> str:
    return f"{task.agent} (grant {task.grant}, since {local(task.assign_time)})" if task.agent else ""


def _pool(task: Any) -> str:
    lane = ", ".join(shown(value) for value in task.lane)
    step = f"escalation step {-task.stage}" if task.stage < 0 else f"relax step {task.stage}"
    waiting = f"since {local(task.pool_time)}, {step}" if task.waiting_for else ""
    return f"{waiting}, lane {lane}" if waiting and lane else waiting


def _call(name: str) -> Callable[[Any], str]:
    def told(task: Any) -> str:
        call = getattr(task, name)
        attempts = f"{call.attempts} attempt{'s' if call.attempts > 1 else ''}" if call.attempts else ""
        return ", ".join(filter(None, (call.state, attempts, call.reason)))

    return told


def _escalated(task: Any) -> str:
    return "a supervisor should look at it" if task.escalated else ""


def _feedback(task: Any) -> str:
    told = task.feedback
    score = f", {told.score} of 5" if told.score else ""
    until = f" until {local(told.due_time)}" if told.HasField("due_time") else ""
    return f"{told.opinion}{score}{until}{f': {told.note}' if told.note else ''}"


def _closed(task: Any) -> str:
    return f"{local(task.feedback.close_time)} ({task.feedback.close_reason})" if task.feedback.close_reason else ""


def _overdue(task: Any) -> str:
    return "a step of its escalation said so" if task.overdue else ""


def _merged_into(task: Any) -> str:
    return f"task {task.merged_into}, which goes on in its place" if task.merged_into else ""


def _comments(task: Any) -> str:
    return "; ".join(f"{one.actor}, {local(one.comment_time)}: {one.text}" for one in task.comments)


TASK_COLUMNS: list[Column] = [
    ("task#", field("number")), ("type", field("type")), ("status", word("status")), ("prio#", field("priority")),
    ("rule", field("rule")), ("agent", field("agent")), ("waiting for", field("waiting_for")),
    ("customer", field("customer")), ("region", field("region")), ("created", time("create_time")),
]  # fmt: skip

TASK_FIELDS: list[Column] = [
    ("task", field("number")), ("type", field("type")), ("business type", field("business_type")),
    ("status", word("status")), ("priority", field("priority")), ("customer", field("customer")),
    ("person", _person), ("owner", field("owner")), ("region", field("region")), ("attributes", pairs("attributes")),
    ("from", _where), ("rule", _rule), ("waiting for", field("waiting_for")), ("waits", _pool), ("agent", _holder),
    ("locked until", time("locked_until")), ("offered until", time("offered_until_time")),
    ("let pass", field("let_pass")), ("recycled", field("recycled")), ("handed over", field("handed_over")),
    ("escalated", _escalated), ("callback", _call("callback")), ("delivery", _call("delivery")),
    ("picked by", field("picked_by")), ("passed over", listed("passed")),
    ("begin by", time("respond_by_time")), ("done by", time("resolve_by_time")), ("overdue", _overdue),
    ("merged into", _merged_into), ("comments", _comments),
    ("created", time("create_time")),
    ("started", time("start_time")), ("ended", time("end_time")), ("wrap-up", pairs("wrap_up")),
    ("feedback", _feedback), ("closed", _closed), ("reopened", lambda task: str(task.feedback.reopened or "")),
    ("events", listed("positions")),
]  # fmt: skip
