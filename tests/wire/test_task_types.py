"""Task types over the wire: what a diff shows of them, and the priority a task gets."""

from __future__ import annotations

import json
from typing import Any

from paidan.v1 import rules_pb2 as pb
from paidan.v1.tasks_pb2 import CreateTaskRequest, GetTaskRequest

from tests.wire.served import Served

SECTIONS = """\
workspace: %s
calendars: {office: {time_zone: Asia/Shanghai, hours: {mon-fri: "%s"}}}
templates: {loan: {%s}}
task_types: {order: {priority: 30, calendar: office, sla: {resolve_within: %s}}}
rules: []
"""
FORM = "week: {type: int}, wait_ms: {type: int}"


def apply(served: Served, hours: str, limit: str, form: str = FORM, **fields: Any) -> pb.ApplyRulesResponse:
    source = SECTIONS % (served.workspace, hours, form, limit)
    return served.rules.ApplyRules(pb.ApplyRulesRequest(parent=served.parent, source=source, **fields))


def test_calendars_templates_and_task_types_in_a_diff(served: Served) -> None:
    apply(served, "09:00-18:00", "2h")
    found = apply(served, "09:00-12:00, 13:00-24:00", "90m", form="x_ms: {type: string}", validate_only=True)
    told = {
        (change.section, change.entry): {field.field: (field.before, field.after) for field in change.fields}
        for change in found.section_changes
    }
    days = ("mon", "tue", "wed", "thu", "fri")
    hours = [
        json.dumps(dict.fromkeys(days, text), separators=(",", ":"))
        for text in ("09:00-18:00", "09:00-12:00, 13:00-24:00")
    ]
    assert told == {
        ("calendars", "office"): {"hours": tuple(hours)},
        ("templates", "loan"): {
            "week": ('{"type":"int"}', ""), "wait_ms": ('{"type":"int"}', ""), "x_ms": ("", '{"type":"string"}'),
        },
        ("task_types", "order"): {"sla": ('{"resolve_within":"2h"}', '{"resolve_within":"90m"}')},
    }  # fmt: skip


def test_a_task_without_a_priority_gets_that_of_its_type(served: Served) -> None:
    apply(served, "09:00-18:00", "2h")
    priorities = []
    for given in (None, 0, 7):
        made = served.tasks.CreateTask(CreateTaskRequest(parent=served.parent, task_type="order", priority=given))
        got = served.tasks.GetTask(GetTaskRequest(name=made.name, min_position=made.position))
        priorities.append(got.task.priority)
    assert priorities == [30, 0, 7]
