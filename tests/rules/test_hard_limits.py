"""What kills or hangs durable-rules must not reach it. Each breaker runs in a process of its own with a deadline:
a regression would hang while it holds the GIL, where no timeout inside the process could end it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRELUDE = """
import random
from tests.rules.asking import agent, govern, rule_set, targets
from engine.rules.matcher import Matcher

def matcher_of(whens, attributes=None, **more):
    drawn = [{"id": f"r{n}", "task_type": "call", "when": when, **more} for n, when in enumerate(whens)]
    return Matcher(rule_set(drawn, {"task": attributes or {"i": "int", "j": "int", "s": "string", "f": "float"}}), 1)

def ask(matcher, **task):
    return govern(matcher, {"type": "call", **task})
"""

BREAKERS = {
    "1,000 thresholds on one attribute": """
        matcher = matcher_of([f"task.i > {999 - n}" for n in range(1000)])
        for i in range(0, 1100, 7):
            ask(matcher, i=i)
        assert ask(matcher, i=10**6) == 0 and ask(matcher, i=1) == 999 and ask(matcher, i=0) is None
    """,
    "1,000 thresholds that all match and the last one decides": """
        matcher = matcher_of([f"task.i > {n} and task.j == 1" for n in range(999)] + ["task.i > 5000"])
        assert ask(matcher, i=6000, j=0) == 999 and ask(matcher, i=6000, j=1) == 0
    """,
    "600 rules with distinct first conditions": """
        matcher = matcher_of([f'task.s == "v{n}"' for n in range(600)])
        assert [ask(matcher, s=f"v{n}") for n in range(600)] == list(range(600)) and ask(matcher, s="w") is None
    """,
    "600 rules of distinct task types": """
        drawn = [{"id": f"r{n}", "task_type": f"t{n}"} for n in range(600)]
        matcher = Matcher(rule_set(drawn), 1)
        assert [govern(matcher, {"type": f"t{n}"}) for n in range(600)] == list(range(600))
    """,
    "600 rules of distinct business types": """
        drawn = [{"id": f"r{n}", "task_type": "call", "business_type": f"b{n}"} for n in range(600)]
        matcher = Matcher(rule_set(drawn), 1)
        assert [govern(matcher, {"type": "call", "business_type": f"b{n}"}) for n in range(600)] == list(range(600))
    """,
    "300 rules ending in the same condition": """
        matcher = matcher_of([f"task.i == {n} and task.j == 1" for n in range(300)])
        assert ask(matcher, i=299, j=1) == 299 and ask(matcher, i=299, j=2) is None
    """,
    "300 equal rules": """
        matcher = matcher_of(["task.j == 1"] * 300 + ["true"])
        assert ask(matcher, j=1) == 0 and ask(matcher, j=2) == 300
    """,
    "300 rules without a condition": """
        assert ask(matcher_of(["true"] * 300)) == 0
    """,
    "300 different facts about one attribute": """
        matcher = matcher_of([f'task.s.contains("x{n}.")' for n in range(300)])
        assert ask(matcher, s="..x299.") == 299 and ask(matcher, s="".join(f"x{n}." for n in range(5, 300))) == 5
    """,
    "lists of 5,000": """
        words = ", ".join(f'"c{n}"' for n in range(5000))
        matcher = matcher_of([f"task.s in [{words}]", f"task.s not in [{words}]"])
        assert ask(matcher, s="c4999") == 0 and ask(matcher, s="c5000") == 1 and ask(matcher) is None
        numbers = ", ".join(str(n * 3) for n in range(5000))
        matcher = matcher_of([f"task.i in [{numbers}]"])
        assert ask(matcher, i=14997) == 0 and ask(matcher, i=14998) is None
    """,
    "products of or": """
        wide = " and ".join(f"(task.i == {n} or task.j > {n} or task.s == 'x{n}')" for n in range(60))
        matcher = matcher_of([wide, f"not ({wide})"])
        assert ask(matcher, i=1, j=100, s="") == 0 and ask(matcher, i=1, j=0, s="") == 1
    """,
    "a condition of 256 tests": """
        every = " and ".join(f"task.i != {n}" for n in range(256))
        some = " or ".join(f"task.j == {n}" for n in range(256))
        matcher = matcher_of([every, some])
        assert ask(matcher, i=256) == 0 and ask(matcher, i=255, j=255) == 1 and ask(matcher, i=255) is None
    """,
    "nesting of 30 levels": """
        nested = "task.i == 0"
        for n in range(10):
            nested = f"(task.j == {n} or not (task.i == {n} and {nested}))"
        matcher = matcher_of([nested, "true"])
        for i in range(16):
            ask(matcher, i=i, j=15 - i)
    """,
    "400 attributes in one rule set": """
        names = {f"a{n}": "int" for n in range(400)}
        matcher = matcher_of([f"task.a{n} == 1" for n in range(400)], names)
        assert ask(matcher, a399=1) == 399 and ask(matcher, **{f"a{n}": 1 for n in range(3, 400)}) == 3
    """,
    "numbers that JSON, C and floats trip over": """
        matcher = matcher_of(["task.f == 1e-05", "task.f > 1e+300", "task.i == 9223372036854775807", "task.f < -1e-300"])
        assert ask(matcher, f=0.00001) == 0 and ask(matcher, f=1.1e300) == 1 and ask(matcher, f=-1.0) == 3
        assert ask(matcher, i=2**63 - 1) == 2 and ask(matcher, i=2**63) is None and ask(matcher, i=-1) is None
        assert ask(matcher, i=2**64 + 2**63 - 1) is None and ask(matcher, f=2**2000) == 1
        assert ask(matcher, f=float("nan")) is None and ask(matcher, f=float("-inf")) == 3
    """,
    "strings that JSON trips over": """
        import json
        hard = ['"', "\\\\", "\\0", "\\n", "!", " ", "\\x7f", "é", "\\u2028", "a" * 70_000, "b" * 70_000, "{}", "$and", ""]
        matcher = matcher_of([f"task.s == {json.dumps(word)}" for word in hard])
        assert [ask(matcher, s=word) for word in hard] == list(range(len(hard)))
        assert ask(matcher, s="a" * 70_001) is None and ask(matcher, s="a" * 5_000_000) is None
    """,
    "values of a wrong type": """
        matcher = matcher_of(['task.s == "1"', "task.i == 1"])
        assert ask(matcher, s=1) is None and ask(matcher, s=True) is None and ask(matcher, s=1.0) is None
        assert ask(matcher, i="1") is None and ask(matcher, i=[1]) is None and ask(matcher, i={"a": 1}) is None
    """,
    "1,000 different targets": """
        drawn = [{"id": f"r{n}", "task_type": "call", "targets": f"agent.load > {n} and agent.team == 't{n % 7}'"} for n in range(1000)]
        matcher = Matcher(rule_set(drawn), 1)
        for n in range(1000):
            assert targets(matcher, n, 0, {}, agent(load=n + 1, team=f"t{n % 7}"))
            assert not targets(matcher, n, 0, {}, agent(load=n, team=f"t{n % 7}"))
    """,
    "events leave nothing behind": """
        import resource
        from engine.rules.durable import DurableEngine
        engine = DurableEngine({f"{n}x{n}": {"all": [{"m": {"$and": [{"p0": n}]}}], "pri": n} for n in range(10)})
        def asked(count):
            for n in range(count):
                assert engine.ask({"p0": n % 12}) == (n % 12 if n % 12 < 10 else None)
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        before = asked(20_000)
        assert asked(200_000) - before < 8_000
    """,
}


@pytest.mark.parametrize("name", BREAKERS)
def test_breaker(name: str) -> None:
    code = PRELUDE + textwrap.dedent(BREAKERS[name])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
