"""Calendars, templates and task types: what they mean, every problem they can have and where, and what then holds."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from engine.rules.diff import FieldChange, SectionChange
from engine.rules.document import DocumentError, Problem, diff, load
from engine.rules.matcher import Matcher
from engine.rules.model import Calendar, EscalationStep, Feedback, FormField, RuleSet, Sla
from engine.rules.policy import OfferTerms, Policy, WrapUpTerms, policy_of
from engine.rules.problems import MAX_PROBLEMS
from tests.rules.asking import agent

HEAD = """\
workspace: bank
attributes: {task: {days: int}, agent: {level: int}}
calendars:
  office: {time_zone: Asia/Shanghai, hours: {mon-fri: "09:00-18:00"}}
templates:
  loan: {note: {type: string, required: true}, amount: {type: int}}
"""
MINUTE, HOUR = 60_000, 3_600_000


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(DocumentError) as caught:
        load(text)
    return caught.value.problems


def ruled(kind: dict[str, Any], **rule: Any) -> tuple[RuleSet, Policy]:
    """A document of one task type and one rule, and what holds under the rule."""
    text = f"{HEAD}task_types: {json.dumps({'call': kind})}\nrules: {json.dumps([{'id': 'a', 'task_type': 'call', **rule}])}"
    found = load(text)
    return found, policy_of(found, "call", found.rules[0])


@pytest.mark.parametrize(
    ("field", "column", "message", "hint"),
    [
        ("time_zone: Asia/Shanghia", 16, "Expected a time zone, but 'Asia/Shanghia' is none", "Asia/Shanghai"),
        ("time_zone: ../../etc/passwd", 16, "Expected a time zone", None),
        ("time_zone: localtime", 16, "Expected a time zone", None),
        ("hours: {mon-fry: '09:00-18:00'}", 13, "Expected days such as mon-fri", "mon tue"),
        ("hours: {fri-mon: '09:00-18:00'}", 13, "Expected days such as mon-fri", None),
        ("hours: {mon-fri: '09:00-18:00', wed: '09:00-12:00'}", 37, "wed has hours in line 8 already", None),
        ("hours: {mon: '09:00-18:00', mon: '09:00-12:00'}", 33, "Expected each name once", None),
        ("hours: {mon: '09:00-12:00, 13:00'}", 32, "Expected hours such as 09:00-12:00, but it is '13:00'", None),
        ("hours: {mon: '09:00-12:00, 11:00-13:00'}", 32, "do not overlap", None),
        ("hours: {mon: '22:00-06:00'}", 19, "Expected hours such as", "hours over midnight"),
        ("hours: {mon: '22:00-24:01'}", 19, "Expected hours such as", None),
        ("hours: {mon: '09:00-09:00'}", 19, "Expected hours such as", None),
        ("hours: {mon: ''}", 18, "Expected 1 to 200 characters", None),
        ("hours: {}", 12, "Expected hours on at least one day", None),
        ("hours: [mon]", 12, "Expected a mapping of days to hours", None),
        ("holidays_of: XX", 18, "Expected a country whose holidays are known", "CN, DE"),
        ("holidays_of: DE-XX", 18, "Expected a country", "DE is known, its part 'XX' is not"),
        ("holidays: [2026-02-29]", 16, "Expected a date such as 2026-10-08", None),
        ("holidays: [20261008]", 16, "'20261008' is an integer", None),
        ("holidays: [2026-10-08]\n    working_days: [2026-10-08]", 19, "2026-10-08 is in both", None),
        ("opening: 9", 5, "'opening' is none", None),
    ],
)
def test_fault_in_a_calendar(field: str, column: int, message: str, hint: str | None) -> None:
    rest = "" if field.startswith("hours") else "    hours: {mon: '09:00-18:00'}\n"
    rest += "" if field.startswith("time_zone") else "    time_zone: UTC\n"
    (found,) = problems(f"{HEAD.split('templates', maxsplit=1)[0]}  desk:\n\n\n    {field}\n{rest}")
    assert message in found.message and (hint is None or hint in (found.hint or "")), found
    assert (found.line - field.count("\n"), found.column) == (8, column), found
    assert found.path.startswith("calendars.desk")


@pytest.mark.parametrize(
    ("field", "column", "message", "hint"),
    [
        ("form: {days: {type: string}}", 25, "Expected int, as the attribute task.days is declared", None),
        ("form: {region: {type: int}}", 27, "Expected string, as the attribute task.region", None),
        ("form: {priority: {type: int}}", 12, "every task has priority anyway", "leave it out"),
        ("form: {a: {required: true}}", 15, "Expected the field type", None),
        ("form: {a b: {type: int}}", 12, "Expected a field name", None),
        ("form: {a: {type: integer}}", 22, "Expected a type", "did you mean int?"),
        ("form: {a: {type: int, values: [1, x]}}", 39, "Expected an integer", None),
        ("form: {a: {type: string, values: [x, y, x]}}", 45, "'x' stands there already", None),
        ("form: {a: {type: bool, values: [true]}}", 37, "Expected no values beside bool", None),
        ("form: {a: {type: float, values: [.inf]}}", 38, "Expected a number below", None),
        ("form: {a: {type: int, max_length: 3}}", 39, "Expected max_length beside a string", None),
        ("priority: 101", 15, "Expected 0 to 100", None),
        ("calendar: ofice", 15, "Expected a calendar of this document, but 'ofice' is none", "did you mean office?"),
        ("wrap_up: {template: lone}", 25, "Expected a template of this document", "did you mean loan?"),
        ("wrap_up: {template: loan, required: [nte]}", 14, "Expected a field of template loan", "did you mean note?"),
        ("callback: {timeout: 5s}", 15, "Expected either url or subject, but neither stands there", None),
        ("callback: {url: 'http://x/', subject: a.b}", 15, "but both stand there", None),
        ("callback: {url: 'ftp://x/'}", 21, "Expected a URL such as", "http and https"),
        ("callback: {url: 'http://[x/'}", 21, "Expected a URL such as", None),
        ("callback: {url: 'http://x:99999/'}", 21, "Expected a URL such as", None),
        ("callback: {url: 'http://x/a b'}", 21, "Expected a URL such as", None),
        ("callback: {url: 'http://ann:secret@x/'}", 21, "Expected no user or password", "name a secret"),
        ("callback: {subject: 'a.*'}", 25, "Expected a NATS subject", None),
        (
            "callback: {subject: paidan.desk.in.tasks}",
            25,
            "Expected a subject of somebody else's",
            "neither with paidan",
        ),
        ("callback: {subject: _INBOX.a}", 25, "Expected a subject of somebody else's", None),
        ("feedback_channel: {subject: paidan}", 33, "Expected a subject of somebody else's", None),
        ("feedback_channel: {subject: $JS.API.a}", 33, "Expected a NATS subject", None),
        ("callback: {subject: a, secret: 'a b'}", 36, "Expected the name of a secret", None),
        ("callback: {subject: a, timeout: 2h}", 37, "Expected at most 60m", None),
        ("callback: {subject: a, attempts: 0}", 38, "Expected 1 to 100", None),
        ("feedback_channel: {}", 23, "neither stands there", None),
        ("sla: {respond_within: 2h, resolve_within: 1h}", 10, "it is longer", None),
        ("escalation: [{at: resolve_within, notify: x}]", 17, "Expected sla to define resolve_within", None),
        ("escalation: [{at: 0s, notify: x}]", 23, "Expected a time such as", "from creation"),
        ("escalation: [{at: 2h, reassign: agent.lvl > 1}]", 37, "agent.lvl is not declared", "agent.level"),
        ("feedback: {reopen_to: anybody}", 27, "Expected an agent (same, other)", None),
        ("offer: {accept_within: 30}", 28, "Expected a duration", None),
        ("sla_: {}", 5, "'sla_' is none", None),
    ],
)
def test_fault_in_a_task_type(field: str, column: int, message: str, hint: str | None) -> None:
    (found,) = problems(f"{HEAD}task_types:\n  call:\n    {field}\n")
    assert message in found.message and (hint is None or hint in (found.hint or "")), found
    assert (found.line, found.column) == (9, column), found
    assert found.path.startswith("task_types.call")


@pytest.mark.parametrize(
    ("kind", "field", "message"),
    [
        ("{}", "method: offer", "Expected offer to say accept_within"),
        ("{}", "offer: {rounds: 2}\n  method: offer", "Expected offer to say accept_within"),
        ("{}", "on_agent_loss: drop", "return, keep"),
        ("{}", "wrap_up: {template: lone}", "Expected a template of this document"),
        ("{}", "wrap_up: {template: loan, required: [nte]}", "Expected a field of template loan"),
        (
            "{sla: {resolve_within: 2h}, escalation: [{at: resolve_within, notify: x}]}",
            "sla: {respond_within: 1h}",
            "Expected sla to define resolve_within, as the escalation of the task type names it",
        ),
    ],
)
def test_fault_between_a_rule_and_its_type(kind: str, field: str, message: str) -> None:
    (found,) = problems(f"{HEAD}task_types: {{call: {kind}}}\nrules:\n- id: a\n  task_type: call\n  {field}\n")
    assert message in found.message and found.line == 11 and found.path.startswith("rules[0].")


def test_a_rule_is_not_judged_beside_a_faulty_type() -> None:
    text = f"{HEAD}task_types: {{call: {{priority: 101}}}}\nrules: [{{id: a, task_type: call, method: offer}}]"
    assert [problem.path for problem in problems(text)] == ["task_types.call.priority"]


def test_without_templates_any_may_be_named() -> None:
    rule = load("workspace: w\nrules: [{id: a, task_type: x, wrap_up: {template: t, required: [b]}}]").rules[0]
    assert rule.wrap_up is not None and rule.wrap_up.required == ("b",)
    text = "workspace: w\ntemplates: {}\nrules: [{id: a, task_type: x, wrap_up: {template: t}}]"
    assert "Expected a template" in problems(text)[0].message


@pytest.mark.parametrize("section", ["calendars", "templates", "task_types"])
def test_sections_are_bounded(section: str) -> None:
    few = ", ".join(f"a{n}: {{b: 1}}" for n in range(60))
    assert len(problems(f"workspace: w\n{section}: {{{few}}}")) == MAX_PROBLEMS
    many = ", ".join(f"a{n}: {{}}" for n in range(1_001))
    (found,) = problems(f"workspace: w\n{section}: {{{many}}}")
    assert "entries, but there are 1001" in found.message and found.path == section
    assert "Expected a mapping of names" in problems(f"workspace: w\n{section}: [a]")[0].message


def test_a_form_is_bounded() -> None:
    fields = {f"a{n}": {"type": "int"} for n in range(101)}
    (found,) = problems(f"workspace: w\ntemplates: {json.dumps({'t': fields})}")
    assert "Expected at most 100 fields, but there are 101" in found.message


def test_what_the_sections_mean() -> None:
    calendar = load(
        'workspace: w\ncalendars: {d: {time_zone: UTC, hours: {"mon, wed": "9:00-12:00,13:30 - 24:00"},'
        ' holidays_of: "NO", working_days: [2026-10-10]}}'
    ).calendars["d"]
    spans = ((540, 720), (810, 1440))
    assert calendar == Calendar("UTC", (spans, (), spans, (), (), (), ()), "NO", (), ("2026-10-10",))
    rule_set, policy = ruled(
        {"form": {"rate": {"type": "float", "values": [1, 2.5]}}, "calendar": "office", "priority": 0}
    )
    assert policy.form == {"rate": FormField("float", values=(1.0, 2.5))}
    assert policy.calendar == rule_set.calendars["office"]
    assert msgspec.json.decode(msgspec.json.encode(rule_set), type=RuleSet) == rule_set


def test_a_rules_own_word_goes_before_its_types() -> None:
    kind = {
        "sla": {"resolve_within": "2h"}, "priority": 7, "wrap_up": {"template": "loan"}, "calendar": "office",
        "offer": {"accept_within": "30s", "rounds": 5}, "feedback": {"reopen_limit": 1},
        "escalation": [{"at": "90m", "notify": "x"}],
    }  # fmt: skip
    rule_set, policy = ruled(kind)
    plain = policy_of(rule_set, "call", None)
    assert policy == plain and plain.sla == Sla(None, 2 * HOUR) and plain.offer == OfferTerms(30_000, 5)
    assert plain.feedback == Feedback(reopen_limit=1) and plain.priority == 7
    assert plain.escalation == (EscalationStep(after_ms=90 * MINUTE, notify="x"),)
    assert plain.wrap_up == WrapUpTerms("loan", ("note",), rule_set.templates["loan"])
    own = {"sla": {"respond_within": "1h"}, "offer": {"rounds": 2}, "on_agent_loss": "keep", "lock_max": "1h"}
    rule_set, policy = ruled(kind, wrap_up={"template": "loan", "required": ["amount"]}, **own)
    assert (policy.sla, policy.offer) == (Sla(HOUR), OfferTerms(30_000, 2))
    assert (policy.on_agent_loss, policy.lock_max_ms) == ("keep", HOUR)
    assert policy.wrap_up is not None and policy.wrap_up.required == ("note", "amount")
    assert policy_of(rule_set, "other", None) == Policy()
    assert policy_of(rule_set, "call", rule_set.rules[0]) is policy


def test_a_types_escalation_can_be_asked_whom_it_reassigns_to() -> None:
    rule_set, _ = ruled({"escalation": [{"at": "2h", "reassign": "agent.level > task.days"}]})
    matcher = Matcher(rule_set, 1)
    test = matcher.target(0, -1)
    assert test.lane_inputs == ("days",)
    assert test.admits((2,), test.values_of(agent(level=3))) and not test.admits((3,), test.values_of(agent(level=3)))
    matcher.close()


def test_diff_names_every_change_of_a_section() -> None:
    old, _ = ruled({"priority": 3})
    new = load(
        HEAD.replace("09:00-18:00", "09:00-17:00").replace("amount: {type: int}", "week: {type: int}")
        + "task_types: {call: {priority: 4}, mail: {}}\nrules: [{id: a, task_type: call}]"
    )
    week = old.calendars["office"].week, new.calendars["office"].week
    fields = FieldChange("amount", FormField("int"), None), FieldChange("week", None, FormField("int"))
    assert diff(old, new).sections == (
        SectionChange("calendars", "office", "changed", (FieldChange("week", *week),)),
        SectionChange("templates", "loan", "changed", fields),
        SectionChange("task_types", "call", "changed", (FieldChange("priority", 3, 4),)),
        SectionChange("task_types", "mail", "added"),
    )
    gone = load("workspace: bank").templates
    assert not gone and diff(new, load("workspace: bank")).sections[0] == SectionChange(
        "calendars", "office", "removed"
    )
    assert diff(None, new).sections and diff(new, new).empty
