"""Tasks, pools and statistics as messages."""

from __future__ import annotations

from paidan.v1 import pools_pb2, tasks_pb2

from adapters.grpc_api.feedback import feedback_message
from adapters.grpc_api.values import to_value, to_values
from adapters.grpc_api.words import TASK_STATUS, timestamp
from projections.rows import CommentView, CountView, PoolView, SpreadView, TaskView


def task_message(name: str, row: TaskView) -> tasks_pb2.Task:
    """A task."""
    return tasks_pb2.Task(
        name=name,
        number=row.number,
        type=row.type,
        business_type=row.business_type,
        status=TASK_STATUS[row.status],
        priority=row.priority,
        customer=row.customer,
        owner=row.owner,
        region=row.region,
        attributes=to_values(row.attributes),
        person_masked=_person(row),
        package=row.package,
        line=row.line,
        rule=row.rule,
        rule_set_version=row.version,
        stage=row.stage,
        lane=[to_value(value) for value in row.lane],
        waiting_for=row.waiting_for,
        agent=row.agent,
        grant=row.grant,
        picked_by=row.picked_by,
        passed=row.passed,
        create_time=timestamp(row.created_at),
        pool_time=timestamp(row.pooled_at),
        assign_time=timestamp(row.assigned_at),
        start_time=timestamp(row.started_at),
        end_time=timestamp(row.ended_at),
        wrap_up=row.wrap_up,
        positions=row.positions,
        locked_until=timestamp(row.locked_until),
        recycled=row.recycled,
        handed_over=row.handed_over,
        escalated=row.escalated,
        respond_by_time=timestamp(row.respond_by),
        resolve_by_time=timestamp(row.resolve_by),
        overdue=row.overdue,
        merged_into=row.merged_into,
        offered_until_time=timestamp(row.offered_until),
        let_pass=row.let_pass,
        feedback=feedback_message(row),
        callback=_call(row.callback, row.callback_attempts, row.callback_reason),
        delivery=_call(row.delivery, row.delivery_attempts, row.delivery_reason),
    )


def comment_message(row: CommentView) -> tasks_pb2.TaskComment:
    """What somebody said of a task."""
    return tasks_pb2.TaskComment(position=row.position, comment_time=timestamp(row.at), actor=row.actor, text=row.text)


def _call(state: str, attempts: int, reason: str) -> tasks_pb2.Call | None:
    return tasks_pb2.Call(state=state, attempts=attempts, reason=reason) if state else None


def _person(row: TaskView) -> tasks_pb2.Person | None:
    if not (row.name_masked or row.mobile_masked or row.id_card_masked):
        return None
    return tasks_pb2.Person(full_name=row.name_masked, mobile=row.mobile_masked, id_card=row.id_card_masked)


def pool_message(row: PoolView) -> pools_pb2.Pool:
    """One lane of a pool."""
    return pools_pb2.Pool(
        rule=row.rule,
        stage=row.stage,
        lane=[to_value(value) for value in row.lane],
        waiting=row.waiting,
        waiting_for=row.waiting_for,
        oldest_time=timestamp(row.oldest_at),
    )


def count_message(row: CountView) -> pools_pb2.TaskCount:
    """One line of the statistics."""
    return pools_pb2.TaskCount(
        type=row.type,
        business_type=row.business_type,
        rule=row.rule,
        status=TASK_STATUS[row.status],
        count=row.count,
    )


def spread_message(row: SpreadView) -> pools_pb2.RuleSpread:
    """How a rule's open tasks lie on agents."""
    return pools_pb2.RuleSpread(rule=row.rule, agents=row.agents, tasks=row.tasks, least=row.least, most=row.most)
