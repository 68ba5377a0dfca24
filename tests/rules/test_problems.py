"""Every problem a document can have, with the exact line and column it is shown at."""

from __future__ import annotations

import pytest

from engine.rules.document import DocumentError, Problem, load

HEAD = """\
workspace: bank
attributes:
  task: {days: int, rate: float, vip: bool, tags: list(string), phone: string}
  agent: {level: int, skills: list(string)}
rules:
  - id: first
    task_type: call
"""


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(DocumentError) as caught:
        load(text)
    return caught.value.problems


def only(text: str) -> Problem:
    (problem,) = problems(text)
    return problem


@pytest.mark.parametrize(
    ("field", "column", "message", "hint"),
    [
        # conditions: names
        ("when: task.dayz > 3", 11, "task.dayz is not declared", "did you mean task.days?"),
        ("when: agent.level > 3", 11, "agent.level is an agent's", "targets"),
        ("when: days > 3", 11, "days is neither", "write task.days"),
        ("when: tusk.days > 3", 11, "tusk.days is neither", "did you mean task?"),
        ("when: task.days.x > 3", 11, "task.days.x is neither", None),
        ("targets: agent.lvel > 3", 14, "agent.lvel is not declared", "did you mean agent.level?"),
        # conditions: types
        ("when: task.phone < 3", 24, "Expected a string beside task.phone, but '3' is not", "quotes"),
        ('when: task.phone < "b"', 22, "Expected numbers around <, but task.phone is a string", "=="),
        ("when: task.vip == 1", 23, "Expected a bool beside task.vip, but '1' is not", None),
        ("when: task.vip < true", 20, "Expected numbers around <, but task.vip is a bool", "use =="),
        ('when: task.days == "3"', 24, "Expected an int beside task.days, but '3' is not", "leave the quotes out"),
        ("when: true == task.days", 11, "Expected an int beside task.days, but true is not", None),
        ("when: task.days == task.phone", 24, "Expected an int beside task.days, but task.phone is not", None),
        ("when: task.days", 11, "task.days is an int", "compare it"),
        ("when: task.tags == task.tags", 11, "task.tags is a list", "size()"),
        ("when: task.days == [3]", 25, "a list stands there", "use in"),
        ("when: 3 == 3", 13, "both sides are literals", None),
        ("when: 3", 11, "'3' stands alone", None),
        ("when: (task.vip and task.vip) == true", 12, "a condition stands there", None),
        ("when: task.days in [1, 'a']", 28, "Expected an int in the list", "quotes"),
        ("when: task.days in task.phone", 24, "task.phone is a string", "contains"),
        ("when: task.days in task.tags", 11, "Expected a string in task.tags, but task.days is not", None),
        ("when: 3 in [3]", 11, "both sides are literals", None),
        ("when: task.tags in [1]", 11, "task.tags is a list", None),
        ("when: task.days in 3", 24, "Expected a list after in", None),
        ("when: task.days.startsWith('a')", 11, "task.days is an int", None),
        ("when: task.tags.contains('a')", 11, "task.tags is a list(string)", "in task.tags"),
        ("when: task.phone.startswith('a')", 11, "'startswith' is none", "did you mean startsWith?"),
        ("when: task.phone.startsWith(3)", 11, "Expected one string", None),
        ("when: size(task.tags)", 11, "stands alone", "size(...) > 0"),
        ("when: size(task.days) > 1", 16, "Expected a string or a list in size()", None),
        ("when: has(3)", 11, "Expected one attribute in has()", None),
        ("when: has(task.x)", 15, "task.x is not declared", None),
        ("when: len(task.tags) > 1", 11, "len() stands there", None),
        # conditions: grammar and literals
        ("when: task.days = 3", 21, "'=' has no meaning here", "equality is =="),
        ("when: task.days >", 22, "the condition ends", None),
        ("when: task.days > 3 AND task.vip", 25, "'AND' stands there", "write and"),
        ("when: (task.days > 3", 25, 'Expected ")", but the condition ends', None),
        ("when: task.vip task.vip", 20, 'Expected a comparison, "and", "or" or the end', None),
        ("when: task.phone == 'a", 25, "no closing quote", None),
        (r"when: task.phone == 'a\q'", 27, "is none", None),
        (r"when: task.phone == '\ud800'", 26, "is none", None),
        ("when: task.days > 9223372036854775808", 23, "Expected an integer of 64 bits", None),
        ("when: task.rate > 1e999", 23, "Expected a finite number", None),
        ("when: task.days > 3 + 4", 25, "'+' has no meaning here", None),
        ("when: ''", 12, "the condition ends", "empty"),
        ("when: [a]", 11, "Expected a condition as one text", None),
        # fields
        ("metod: push", 5, "'metod' is none", "did you mean method?"),
        ("method: pull", 13, "push, claim, manual", None),
        ("strategy: [least_loded]", 16, "least_loaded", "did you mean least_loaded?"),
        ("strategy: owner", 15, "Expected a list", None),
        ("strategy: []", 15, "Expected 1 to 6 elements", None),
        ("strategy: [owner, owner]", 15, "owner stands there twice", None),
        ("cap_per_agent: 0", 20, "Expected 1 to 1000000", None),
        ("cap_per_agent: many", 20, "Expected an integer, but 'many' is a text", None),
        ("cap_per_agent: 1.5", 20, "'1.5' is a number", None),
        ("cap_per_agent:", 19, "it is empty", "leave the field out"),
        ("precedence: 2147483648", 17, "Expected -2147483648 to 2147483647", None),
        (f"precedence: {'9' * 5000}", 17, "Expected -2147483648 to 2147483647", None),
        ("ageing: 10", 13, "Expected a duration", "write 10m or 10s"),
        ("ageing: 10min", 13, "'10min' is a text", None),
        ("ageing: 0m", 13, "Expected more than nothing", None),
        ("ageing: 4000d", 13, "at most 3660d", None),
        ("ageing: {m: 1}", 13, "it is a mapping", None),
        ("recycle_limit: 3", 20, "Expected recycle_after beside recycle_limit", None),
        ("name: 3", 11, "'3' is an integer", "quotes"),
        ("name: true", 11, "'true' is a boolean", "quotes"),
        ("relax: []", 12, "Expected 1 to 100 elements", None),
        ("relax: [{after: 1h, targets: 'true'}, {after: 1h, targets: 'true'}]", 12, "do not ascend", "sort"),
        ("relax: [{after: 1h}]", 13, "Expected the field targets, but it is missing", None),
        ("relax: [{after: 1h, targets: 'agent.x'}]", 35, "agent.x is not declared", None),
        ("sla: {respond_within: 2h, resolve_within: 1h}", 10, "it is longer", None),
        ("sla: {within: 2h}", 11, "'within' is none", "respond_within"),
        ("escalation: [{at: resolve_within, raise_priority: 1}]", 17, "Expected sla to define resolve_within", None),
        ("escalation: [{at: 80 of resolve_within, raise_priority: 1}]", 23, "Expected a time such as", None),
        ("escalation: [{at: resolve_within}]", 18, "the step does nothing", None),
        ("escalation: [{at: resolve_within, mark_overdue: yes}]", 53, "Expected true or false", None),
        ("handover: {limit: 0}", 23, "Expected 1 to", None),
        ("wrap_up: {required: [a]}", 14, "Expected the field template", None),
        ("feedback: {unsatisfied: reopn}", 29, "reopen, escalate, close", "did you mean reopen?"),
        ("id: second", 5, "'id' stands in line 6 already", None),
    ],
)
def test_fault_in_a_rule(field: str, column: int, message: str, hint: str | None) -> None:
    found = problems(f"{HEAD}    {field}\n")[0]
    assert message in found.message
    assert (found.line, found.column) == (8, column), found
    assert found.path.startswith("rules[0]")
    assert hint is None or hint in (found.hint or "")


@pytest.mark.parametrize(
    ("text", "line", "column", "path", "message"),
    [
        ("", 1, 1, "", "Expected a mapping with workspace"),
        ("- a", 1, 1, "", "Expected a mapping with workspace"),
        ("workspace: NO\n", 1, 12, "workspace", "Expected a workspace name"),
        ("rules: []\n", 1, 1, "", "Expected the field workspace, but it is missing"),
        ("workspace: w\nworkspace: v\n", 2, 1, "workspace", "'workspace' stands in line 1 already"),
        ("workspace: w\nrule: []\n", 2, 1, "rule", "'rule' is none"),
        ("workspace: w\nrules: {}\n", 2, 8, "rules", "Expected a list of rules"),
        ("workspace: w\nrules: [3]\n", 2, 9, "rules[0]", "Expected a mapping"),
        ("workspace: w\nrules:\n- id: a\n", 3, 3, "rules[0]", "Expected the field task_type"),
        ("workspace: w\nrules:\n- {id: A b, task_type: x}\n", 3, 8, "rules[0].id", "Expected an id such as"),
        (
            "workspace: w\nrules:\n- {id: a, task_type: x}\n- {id: a, task_type: x}\n",
            4,
            8,
            "rules[1].id",
            "line 3 already",
        ),
        ("workspace: w\nattributes: {task: {x: text}}\n", 2, 24, "attributes.task.x", "Expected a type"),
        ("workspace: w\nattributes: {task: {x-y: int}}\n", 2, 21, "attributes.task", "Expected an attribute name"),
        ("workspace: w\nattributes: {task: {region: int}}\n", 2, 29, "attributes.task.region", "built-in type string"),
        ("workspace: w\nattributes: {agent: {load: float}}\n", 2, 28, "attributes.agent.load", "built-in type int"),
        ("workspace: w\nattributes: {boss: {}}\n", 2, 14, "attributes.boss", "'boss' is none"),
        ("a: &x 1\n", 1, 4, "", "Expected no anchor or tag"),
        ("a: !!str 1\n", 1, 4, "", "Expected no anchor or tag"),
        ("a: *x\n", 1, 4, "", "Expected no alias"),
        ("a: 1\n---\nb: 2\n", 2, 1, "", "Expected one document"),
        ("? [a]\n: b\n", 1, 3, "", "Expected a name before the colon"),
        ("[" * 13, 1, 13, "", "Expected at most 12 levels"),
        ("workspace: w\nname: \0\n", 2, 7, "", "U+0000"),
        ("workspace: \ud800\n", 1, 12, "", "U+D800"),
        ("workspace: [\n", 2, 1, "", "Expected YAML, but"),
        ("a:\n\t- b\n", 2, 1, "", "Expected YAML, but"),
    ],
)
def test_fault_in_a_document(text: str, line: int, column: int, path: str, message: str) -> None:
    found = problems(text)[0]
    assert (found.line, found.column, found.path) == (line, column, path), found
    assert message in found.message


@pytest.mark.parametrize(
    ("when", "line", "column"),
    [
        ("task.days > 3 and task.dayz > 4", 8, 29),
        ("'task.phone == ''a'' and task.dayz > 4'", 8, 36),
        (r'"task.phone == \"a\" and task.dayz > 4"', 8, 36),
        (r'"task.phone == \"\u6c5f\x20\" \u0061nd task.dayz > 4"', 8, 50),
        ("task.phone == '江苏' and task.dayz > 4", 8, 34),
        ("task.days > 3\n      and task.dayz > 4", 9, 11),
        ("'task.days > 3\n\n      and task.dayz > 4'", 10, 11),
        ('"task.days > 3 \\\n      and task.dayz > 4"', 9, 11),
        ("|\n      task.days > 3\n        and task.dayz > 4", 10, 13),
        (">-\n      task.days > 3\n\n      and\n      task.dayz > 4", 12, 7),
        ("|2\n        task.dayz > 4", 9, 9),
    ],
)
def test_fault_inside_every_scalar_style(when: str, line: int, column: int) -> None:
    for newline in ("\n", "\r\n"):
        text = f"{HEAD}    when: {when}\n    precedence: 3\n".replace("\n", newline)
        found = only(text)
        assert (found.line, found.column, found.hint) == (line, column, "did you mean task.days?")


def test_fault_at_the_end_of_a_quoted_condition() -> None:
    assert only(HEAD + "    when: 'task.days >'\n").column == 23
    assert only(HEAD + "    when: task.days >   # why\n").column == 22


def test_all_problems_are_collected_in_document_order() -> None:
    found = problems(HEAD + "    when: task.a == 1 and task.b == 2\n    targets: agent.c\n    foo: 1\n    ageing: 3\n")
    assert [(problem.line, problem.column) for problem in found] == [(8, 11), (8, 27), (9, 14), (10, 5), (11, 13)]


def test_problems_stop_at_fifty() -> None:
    rules = "".join(f"- {{id: r{place}, task_type: x, foo: 1}}\n" for place in range(100))
    assert len(problems(f"workspace: w\nrules:\n{rules}")) == 50


def test_a_byte_order_mark_moves_no_column() -> None:
    assert only("\ufeffworkspace: w\nfoo: 1\n").column == 1


def test_problem_reads_as_one_line() -> None:
    told = str(only(HEAD + "    when: task.dayz > 3\n"))
    assert told == (
        "8:11 rules[0].when: Expected a declared attribute, but task.dayz is not declared (did you mean task.days?)"
    )


def test_limits_of_a_condition() -> None:
    def told(when: str) -> str:
        return problems(f"{HEAD}    when: '{when}'\n")[0].message

    assert "at most 32 levels" in told("not " * 40 + "task.vip")
    assert "at most 256 tests" in told(" and ".join(["task.vip"] * 300))
    assert "at most 10000 values" in told(f"task.days in [{','.join(['1'] * 10_001)}]")
    assert "at most 262144 characters" in told(" " * 262_145)
    assert "at most 32 levels" in told("not (" * 2_000 + "task.vip" + ")" * 2_000)
    assert "at most 8192 names, values and signs" in told("(" * 100_000)
    assert "at most 8192 names, values and signs" in told(f"f({'1,' * 100_000}1)")


def test_limits_of_a_document() -> None:
    assert "at most 8388608 characters" in only(" " * 8_388_609).message
    rules = "\n".join(["- {id: a, task_type: x}"] * 10_001)
    assert "at most 10000 rules" in problems(f"workspace: w\nrules:\n{rules}")[0].message
