"""Rule documents: whatever they hold, they are refused with line and column, or they compile and decide as they read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.calendars import due, working
from engine.calendars.working_time import FARTHEST_MS
from engine.rules.document import DocumentError, load
from engine.rules.matcher import AgentFacts, Matcher
from engine.rules.model import RuleSet
from engine.rules.policy import policy_of
from engine.rules.problems import MAX_NEAR, MAX_PROBLEMS, Problem
from tests.fuzz.hunting import ACCEPTED, expected, seconds
from tests.fuzz.mutator import NUMBERS, Mutator
from tests.fuzz.watched import watched_hunt
from tests.rules.asking import document, govern, targets
from tests.rules.chance import Chance

ROOT = Path(__file__).parents[2]
SAMPLES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples/rules").glob("*.yaml"))]
SAMPLES += [case["document"] for case in yaml.safe_load((ROOT / "tests/rules/cases/documents.yaml").read_text("utf-8"))]
MAX_SOURCE = 1024 * 1024
"""Characters that the wire lets through."""
ASKED = 12
"""Tasks put to a document that was accepted."""

_QUOTED = re.compile(r'"([^"\\\n]{0,200})"')
_NUMBER = re.compile(r"-?\b\d{1,25}(?:\.\d{1,10})?\b")


class RuleDocuments:
    name = "rules"
    slowest_s = 10.0

    def attempt(self, chance: Mutator) -> str:
        text = chance.choice([_damaged, _damaged, _damaged, _condition, _condition, _drawn, monster, bomb])(chance)[
            :MAX_SOURCE
        ]
        try:
            rule_set = load(text)
        except DocumentError as error:
            return refusal(error, text)
        decides(rule_set, text, chance)
        return ACCEPTED


def refusal(error: DocumentError, text: str) -> str:
    """The first problem; fails where one stands outside the document."""
    assert 1 <= len(error.problems) <= 50
    lines = text.count("\n") + text.count("\r") + 2
    for problem in error.problems:
        assert 1 <= problem.line <= lines and 1 <= problem.column <= len(text) + 1, problem
        assert len(str(problem)) < 2_000, "a message as long as the document"
        expected(problem.message)
    return expected(error.problems[0].message)


def decides(rule_set: RuleSet, text: str, chance: Mutator) -> None:
    """What was accepted compiles and says the same as the plain evaluator about any task and agent."""
    counts(rule_set, chance)
    matcher = Matcher(rule_set, 1)
    values = _Values(text, chance)
    try:
        for _ in range(ASKED):
            task = values.task(rule_set)
            govern(matcher, task)
            if rule_set.rules:
                index = chance.randrange(len(rule_set.rules))
                stage = chance.randint(0, len(rule_set.rules[index].relax))
                targets(matcher, index, stage, task, values.agent(rule_set))
    finally:
        matcher.close()


def counts(rule_set: RuleSet, chance: Mutator) -> None:
    """What holds under each rule can be said, and limits have a time that lies between the start and the farthest."""
    for rule in chance.sample(rule_set.rules, min(ASKED, len(rule_set.rules))):
        policy = policy_of(rule_set, rule.task_type, rule)
        start = chance.randint(0, 2**42)
        end = due(policy.calendar, start, 3_600_000)
        assert start < end <= start + FARTHEST_MS
        if end < start + FARTHEST_MS:
            assert working(policy.calendar, start, end) == 3_600_000


class _Values:
    """Values of attributes: those that the document names, their neighbours, and what breaks careless engines."""

    def __init__(self, text: str, chance: Mutator) -> None:
        self._chance = chance
        self._words = [*_QUOTED.findall(text)[:300], "", "0", "true", "\0", "!", "é", "a" * 70_000]
        self._numbers = [float(found) if "." in found else int(found) for found in _NUMBER.findall(text)[:300]]
        self._numbers += [0, 1, -1, 2**63 - 1, -(2**63), 2**70, 1e-05, float("nan"), float("inf")]

    def task(self, rule_set: RuleSet) -> dict[str, Any]:
        types = {**rule_set.task_attributes, "region": "string", "owner": "string", "priority": "int"}
        known = [rule.task_type for rule in rule_set.rules[:200]]
        business = [rule.business_type for rule in rule_set.rules[:200] if rule.business_type]
        head = {"type": self._chance.choice([*known, "x"]), "business_type": self._chance.choice([*business, None])}
        return head | {name: self._value(kind) for name, kind in types.items() if name not in head}

    def agent(self, rule_set: RuleSet) -> AgentFacts:
        own = {name: self._value(kind) for name, kind in rule_set.agent_attributes.items()}
        return AgentFacts(
            self._word(), self._chance.choice([None, self._word()]), own, 1, 10, self._chance.randint(0, 12)
        )

    def _value(self, kind: str) -> Any:
        roll = self._chance.random()
        if roll < 0.1:
            return None
        if roll < 0.15:
            return self._chance.choice([True, 1, "1", 1.0, (), ("1",), (1,), 2**70])
        if kind.startswith("list"):
            return tuple(self._value(kind[5:-1]) for _ in range(self._chance.randint(0, 4)))
        return {"string": self._word, "bool": lambda: self._chance.random() < 0.5}.get(kind, self._number)()

    def _word(self) -> str:
        return self._chance.choice(self._words)

    def _number(self) -> Any:
        return self._chance.choice(self._numbers) + self._chance.choice([0, 0, 1, -1])


# --- inputs ----------------------------------------------------------------------------------------------------------


def _damaged(chance: Mutator) -> str:
    sample = chance.text(chance.choice(SAMPLES)) if chance.random() < 0.8 else chance.splice(SAMPLES)
    return (
        sample
        if chance.random() < 0.9
        else chance.data(sample.encode("utf-8", "replace")).decode("utf-8", "surrogateescape")
    )


_SOUP = (
    "task.i", "task.s", "task.f", "task.b", "task.l", "task.n", "task.region", "agent.s", "agent.i", "agent.l", "agent.load", "task", "x",
    "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or", "not", "&&", "||", "!", "(", ")", "[", "]", ",", ".", "size(task.l)",
    "has(task.s)", 'task.s.contains("a")', '"a"', "'b'", '""', "true", "false", "0", "1", "-1", "1.5", "1e-05", '"\\u4e2d"', '"\\ud800"',
)  # fmt: skip


def _condition(chance: Mutator) -> str:
    """A document whose conditions are damaged, or words of the language in any order."""
    drawn = Chance(chance.getrandbits(40))
    rules = [drawn.rule(place) for place in range(chance.choice([1, 1, 3, 20]))]
    for rule in rules:
        field = chance.choice(["when", "targets"])
        if chance.random() < 0.4:
            rule[field] = " ".join(
                chance.choice([*_SOUP, chance.choice(NUMBERS)]) for _ in range(chance.choice([1, 3, 9, 40]))
            )
        elif chance.random() < 0.7:
            rule[field] = chance.text(rule[field], 2)
    names = {"task": {**drawn.TASK, "n": "list(int)"}, "agent": drawn.AGENT}
    return document(rules, names).encode("utf-8", "replace").decode()


def _drawn(chance: Mutator) -> str:
    """A good document, sometimes a large one: what is accepted must hold, too."""
    drawn = Chance(chance.getrandbits(40))
    rules = [drawn.rule(place) for place in range(chance.choice([1, 2, 5, 30, 120]))]
    return document(rules, {"task": drawn.TASK, "agent": drawn.AGENT})


def monster(chance: Mutator) -> str:
    """What would kill durable-rules, hang it, or grow without bound: many of one thing."""
    many = chance.choice([8, 48, 49, 63, 64, 65, 128, 255, 256, 257, 300, 511, 512, 513, 700, 1_500])
    return document(*chance.choice(_MONSTERS)(chance, many))


def _rules(conditions: list[str], field: str = "when", **more: Any) -> list[dict[str, Any]]:
    return [{"id": f"r{place}", "task_type": "call", field: text, **more} for place, text in enumerate(conditions)]


_NAMES = {
    "task": {"i": "int", "j": "int", "f": "float", "s": "string", "l": "list(string)"},
    "agent": {"k": "int", "t": "string"},
}
Monster = tuple[list[dict[str, Any]], dict[str, Any]]


def _thresholds(chance: Mutator, many: int) -> Monster:
    op, field = chance.choice(["<", "<=", ">", ">=", "!=", "=="]), chance.choice(["when", "targets"])
    return _rules([f"task.i {op} {n}" for n in range(many)], field), _NAMES


def _words(chance: Mutator, many: int) -> Monster:
    return _rules(
        [f"task.s {chance.choice(['==', '!='])} {json.dumps(chance.token() + str(n))}" for n in range(many)]
    ), _NAMES


def _same_end(chance: Mutator, many: int) -> Monster:
    return _rules([f"task.i == {n} and task.j == 1" for n in range(many)]), _NAMES


def _facts(chance: Mutator, many: int) -> Monster:
    test = chance.choice(["startsWith", "endsWith", "contains"])
    return _rules([f"task.s.{test}('{n}') or '{n}' in task.l" for n in range(many)]), _NAMES


def _chain(chance: Mutator, many: int) -> Monster:
    word = chance.choice([" and ", " or "])
    tests = [
        chance.choice([f"task.i != {n}", f"(task.j == {n} or task.f > {n}.5)", f"not (task.s == '{n}')"])
        for n in range(many)
    ]
    return _rules([word.join(tests)]), _NAMES


def _product(chance: Mutator, many: int) -> Monster:
    wide = " and ".join(f"(task.i == {n} or task.j > {n} or task.s == 'x{n}')" for n in range(min(many, 85)))
    return _rules([wide, f"not ({wide})", f"({wide}) or task.f < 1e-05"]), _NAMES


def _parentheses(chance: Mutator, many: int) -> Monster:
    deep = many * chance.choice([1, 80])
    before, after = chance.choice(
        [("(", ")"), ("not (", ")"), ("(task.i > 1 and (task.j > 1 or ", "))"), ("!", ""), ("[", "]")]
    )
    return _rules([before * deep + "task.i == 1" + after * deep]), _NAMES


def _lists(chance: Mutator, many: int) -> Monster:
    values = ", ".join(
        chance.choice([str(n), f'"{n}"', f"{n}.5"]) if chance.random() < 0.01 else str(n) for n in range(many * 10)
    )
    return _rules([f"task.i in [{values}]", f"task.i not in [{values}] and task.f in [{values}]"]), _NAMES


def _attributes(chance: Mutator, many: int) -> Monster:
    names = {f"a{n}": chance.choice(["int", "string", "bool", "float", "list(int)"]) for n in range(many)}
    chosen = [f"has(task.{name})" for name in names]
    return _rules(chosen[:500]), {"task": names}


def _wrong_names(chance: Mutator, many: int) -> Monster:
    names = {f"attribute_number_{n}": "int" for n in range(400)}
    one = " or ".join(f"task.atribute_nummer_{n} == 1" for n in range(min(many, 256)))
    return _rules([one] * chance.choice([1, 10])), {"task": names}


def _unknown_fields(chance: Mutator, many: int) -> Monster:
    return [{"id": "a", "task_type": "call", **{f"strateg{n}": 1 for n in range(many * 20)}}], {}


def _pairs(chance: Mutator, many: int) -> Monster:
    few = min(many, 60)
    tests = [f"task.{chance.choice('ij')} {chance.choice(['<', '==', '>='])} agent.k" for _ in range(few)]
    return _rules(
        [" or ".join(tests)] * 3,
        "targets",
        relax=[{"after": f"{n}m", "targets": f"agent.k > {n}"} for n in range(1, 90)],
    ), _NAMES


_MONSTERS = (
    _thresholds, _words, _same_end, _facts, _chain, _product, _parentheses, _lists, _attributes, _wrong_names, _unknown_fields, _pairs,
)  # fmt: skip


def bomb(chance: Mutator) -> str:
    """YAML that is small to write and large to read."""
    return chance.choice(_BOMBS)(chance.choice([10, 1_000, 50_000, 400_000]), chance)


_HEAD = "workspace: w\nrules:\n- id: a\n  task_type: x\n"
_BOMBS = (
    lambda n, chance: "a: &a [x, x]\n" + "".join(f"b{k}: &b{k} [*{'a' if not k else f'b{k - 1}'}, *a]\n" for k in range(min(n, 60))),
    lambda n, chance: "x: &x {a: 1}\n" + "y: {" + "<<: *x, " * min(n, 10_000) + "}",
    lambda n, chance: chance.choice(["[", "{", "{a: ", "- ", "? ", "!!seq [", "[{a: "]) * n,
    lambda n, chance: _HEAD + "  when: " + chance.choice(['"', "'", "|\n    ", ">\n    ", ""]) + chance.choice(["a", "\\", "(", "中", "'"]) * n,
    lambda n, chance: _HEAD + f"  name: {'y' * n}\n",
    lambda n, chance: "".join(f"k{k}: {k}\n" for k in range(min(n, 100_000))),
    lambda n, chance: "rules:\n" + "- {}\n" * min(n, 300_000),
    lambda n, chance: "rules:\n" + "- {id: a, task_type: b}\n" * min(n, 9_999) + "workspace: w",
    lambda n, chance: "workspace: w\nrules: [" + "{id: a}, " * min(n, 100_000),
    lambda n, chance: "workspace: w\nrules: [" + "x," * n + "]",
    lambda n, chance: "workspace: w\nattributes: {task: {" + ", ".join(f"a{k}: int" for k in range(min(n, 100_000))) + "}}",
    lambda n, chance: "# " + "c" * n + "\n" + "\n" * n + "workspace: w" + " " * n,
    lambda n, chance: _HEAD + "  when: |\n" + "\n" * n + "    task.priority > 1\n",
    lambda n, chance: "workspace: w\nworkspace: w\n" * min(n, 50_000),
    lambda n, chance: f"workspace: !!{chance.choice(['python/object:os.system', 'binary', 'set', 'omap', 'float'])} {{a: b}}",
    lambda n, chance: "--- a\n" * min(n, 1_000),
    lambda n, chance: "%TAG ! tag:x," + "y" * n + ":\n---\n!a b",
    lambda n, chance: _HEAD + "  strategy: [" + "owner, " * n + "]",
    lambda n, chance: _HEAD + f"  cap_per_agent: {chance.choice(NUMBERS)}\n  ageing: {chance.choice(NUMBERS)}h\n",
)  # fmt: skip


def test_no_rule_document_hangs_kills_or_is_misread() -> None:
    figures = watched_hunt(RuleDocuments.name, seconds(7))
    assert not figures.faults, figures.report()
    assert figures.accepted > 0 and figures.refused


def _problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(DocumentError) as raised:
        load(text)
    return raised.value.problems


def test_a_problem_never_quotes_a_whole_document() -> None:
    for when in (
        "task" + ".x" * 20_000,
        "a" * 20_000 + ".b == 1",
        "task." + "y" * 20_000 + " == 1",
        "agent." + "z" * 20_000,
        "f" * 20_000 + "(task.priority)",
    ):
        (problem,) = _problems(document([{"id": "a", "task_type": "call", "when": when}]))
        assert len(str(problem)) < 400, when[:20]


@pytest.mark.parametrize(
    "text",
    [
        document([{"id": "a", "task_type": "call", **{f"strateg{n}": 1 for n in range(5_000)}}]),
        document(
            [{"id": "a", "task_type": "call", "when": " or ".join(f"task.region{n} == 'x'" for n in range(256))}] * 20
        ),
        document([{"id": f"a{n}", "task_type": "call", "methd": "push"} for n in range(5_000)]),
    ],
    ids=["fields", "names", "rules"],
)
def test_no_more_is_looked_at_than_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for what a word may have meant takes milliseconds, so a damaged document could take minutes of them."""
    asked: list[str] = []

    def near(word: str, known: list[str], **_: Any) -> list[str]:
        asked.append(word)
        assert len(known) <= MAX_NEAR
        return []

    monkeypatch.setattr("difflib.get_close_matches", near)
    assert len(_problems(text)) == MAX_PROBLEMS
    assert len(asked) <= 2 * MAX_PROBLEMS
