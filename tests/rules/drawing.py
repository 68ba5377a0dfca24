"""Hypothesis strategies of conditions, rules, tasks and agents, with values that break careless engines."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.rules.asking import agent

TASK = {"s": "string", "i": "int", "j": "int", "f": "float", "b": "bool", "l": "list(string)", "n": "list(int)"}
AGENT = {"s": "string", "i": "int", "f": "float", "b": "bool", "l": "list(string)", "n": "list(int)"}
TASK_NAMES = {**TASK, "region": "string", "priority": "int", "owner": "string"}
AGENT_NAMES = {**AGENT, "id": "string", "team": "string", "load": "int", "capacity": "int"}

texts = st.sampled_from(
    ["", "a", "b", "ab", "ba", "江苏", "江", "1", "true", "0", 'q"q', "\\", "\0", "!", " ", "é\n😀"]
)
ints = st.one_of(st.integers(-2, 4), st.sampled_from([2**63 - 1, -(2**63), 2**53, 2**53 + 1]))
floats = st.one_of(st.sampled_from([0.0, -0.0, 0.5, 1.0, 1e-05, 1e300, -1e-300, 2.0**53]), st.floats(-3, 3, width=16))
LITERALS: dict[str, Any] = {"string": texts, "int": ints, "float": st.one_of(floats, ints), "bool": st.booleans()}


def values_of(kind: str) -> st.SearchStrategy[Any]:
    """Values of the type, absent ones, and some of a wrong type."""
    if kind.startswith("list"):
        own: st.SearchStrategy[Any] = st.lists(LITERALS[kind[5:-1]], max_size=3).map(tuple)
    else:
        own = LITERALS[kind]
    wrong = st.sampled_from([None, None, True, 1, 1.0, "1", "a", (), ("a",), (1,), float("nan"), float("inf"), 2**70])
    return st.one_of(own, own, own, wrong)


def literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    if max(value, default="a") < "\U00010000":
        return json.dumps(value)
    return "'" + value.replace("\\", "\\\\").replace("\n", "\\n") + "'"  # JSON writes surrogate pairs, which we refuse


ORDER = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
EQUAL = st.sampled_from(["==", "!="])
MEMBER = st.sampled_from(["in", "not in"])


@st.composite
def single_tests(draw: st.DrawFn, names: dict[str, str]) -> str:
    """One test over ``{"task.s": "string", ...}``."""
    name = draw(st.sampled_from(sorted(names)))
    kind = names[name]
    choices = {"string": _string, "bool": _bool, "int": _number, "float": _number}
    return draw(st.one_of(choices.get(kind, _list)(name, kind, names), st.just(f"has({name})")))


def _string(name: str, kind: str, names: dict[str, str]) -> st.SearchStrategy[str]:
    lists = sorted(other for other, held in names.items() if held == "list(string)")
    peers = sorted(other for other, held in names.items() if held == "string")
    part = st.sampled_from(["startsWith", "endsWith", "contains"])
    return st.one_of(
        st.builds(lambda op, value: f"{name} {op} {literal(value)}", EQUAL, texts),
        st.builds(
            lambda op, values: f"{name} {op} [{', '.join(map(literal, values))}]", MEMBER, st.lists(texts, max_size=4)
        ),
        st.builds(lambda test, value: f"{name}.{test}({literal(value)})", part, texts),
        st.builds(lambda op, size: f"size({name}) {op} {size}", ORDER, st.integers(-1, 3)),
        st.builds(lambda op, other: f"{name} {op} {other}", MEMBER, st.sampled_from(lists)),
        st.builds(lambda op, other: f"{name} {op} {other}", EQUAL, st.sampled_from(peers)),
    )


def _number(name: str, kind: str, names: dict[str, str]) -> st.SearchStrategy[str]:
    peers = sorted(other for other, held in names.items() if held in {"int", "float"})
    number = LITERALS[kind]
    return st.one_of(
        st.builds(lambda op, value: f"{name} {op} {literal(value)}", ORDER, number),
        st.builds(lambda op, value: f"{literal(value)} {op} {name}", ORDER, number),
        st.builds(
            lambda op, values: f"{name} {op} [{', '.join(map(literal, values))}]", MEMBER, st.lists(number, max_size=4)
        ),
        st.builds(lambda op, other: f"{name} {op} {other}", ORDER, st.sampled_from(peers)),
    )


def _bool(name: str, kind: str, names: dict[str, str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.just(name),
        st.builds(lambda op, value: f"{name} {op} {literal(value)}", EQUAL, st.booleans()),
    )


def _list(name: str, kind: str, names: dict[str, str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda op, value: f"{literal(value)} {op} {name}", MEMBER, LITERALS[kind[5:-1]]),
        st.builds(lambda op, size: f"size({name}) {op} {size}", ORDER, st.integers(-1, 3)),
    )


def conditions(names: dict[str, str]) -> st.SearchStrategy[str]:
    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        joined = st.sampled_from([" and ", " or ", " && ", " || "])
        return st.one_of(
            st.builds(
                lambda word, parts: "(" + word.join(parts) + ")", joined, st.lists(inner, min_size=2, max_size=4)
            ),
            st.builds(lambda word, part: f"{word}({part})", st.sampled_from(["not ", "!"]), inner),
        )

    leaf = st.one_of(single_tests(names), single_tests(names), single_tests(names), st.sampled_from(["true", "false"]))
    return st.recursive(leaf, grow, max_leaves=10)


ON_TASK = {f"task.{name}": kind for name, kind in TASK_NAMES.items()}
ON_BOTH = {**ON_TASK, **{f"agent.{name}": kind for name, kind in AGENT_NAMES.items()}}
kinds_of_work = st.sampled_from(["call", "visit"])
rules = st.fixed_dictionaries(
    {
        "task_type": kinds_of_work,
        "when": conditions(ON_TASK),
        "targets": conditions(ON_BOTH),
        "precedence": st.integers(-1, 2),
        "relax": st.lists(conditions(ON_BOTH), min_size=1, max_size=2),
    },
    optional={"business_type": st.sampled_from(["loan", "card"])},
)
tasks = st.fixed_dictionaries(
    {"type": kinds_of_work, "business_type": st.sampled_from(["loan", "card", None])}
    | {name: values_of(kind) for name, kind in TASK_NAMES.items()}
)
agents = st.fixed_dictionaries(
    {name: values_of(kind) for name, kind in AGENT.items()}
    | {"id": texts, "team": st.one_of(st.none(), texts), "load": st.integers(0, 4), "capacity": st.integers(0, 4)}
).map(lambda values: agent(**values))
