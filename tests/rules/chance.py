"""Large rule sets by seed: plain ``random``, many rules, few different attributes, so that conditions overlap."""

from __future__ import annotations

import json
import random
from typing import Any, ClassVar


class Chance(random.Random):
    """A source of rules, tasks and agents; equal seeds give equal ones."""

    TASK: ClassVar[dict[str, str]] = {
        "s": "string",
        "i": "int",
        "j": "int",
        "f": "float",
        "b": "bool",
        "l": "list(string)",
    }
    AGENT: ClassVar[dict[str, str]] = {"s": "string", "i": "int", "l": "list(string)"}
    WORDS = ("", "a", "b", "ab", "苏", "1")

    def rule(self, place: int) -> dict[str, Any]:
        when, targets = self.condition(("task",), 3), self.condition(("task", "agent"), 3)
        rule = {"id": f"r{place}", "task_type": self.choice(["call", "visit"]), "when": when, "targets": targets}
        return rule | ({"business_type": self.choice(["loan", "card"])} if self.random() < 0.3 else {})

    def task(self) -> dict[str, Any]:
        head = {"type": self.choice(["call", "visit"]), "business_type": self.choice(["loan", "card", None])}
        return head | self._values(self.TASK)

    def agent(self) -> dict[str, Any]:
        return self._values(self.AGENT) | {"id": self.choice("abc"), "load": self.randint(0, 3)}

    def condition(self, owners: tuple[str, ...], depth: int) -> str:
        roll = self.random()
        if depth == 0 or roll < 0.35:
            return self._test(owners)
        if roll < 0.45:
            return f"not ({self.condition(owners, depth - 1)})"
        parts = [self.condition(owners, depth - 1) for _ in range(self.randint(2, 4))]
        return "(" + self.choice([" and ", " and ", " or "]).join(parts) + ")"

    def _test(self, owners: tuple[str, ...]) -> str:
        owner = self.choice(owners)
        types = self.TASK if owner == "task" else self.AGENT
        name = self.choice(sorted(types))
        full, kind = f"{owner}.{name}", types[name]
        if self.random() < 0.1:
            return f"has({full})"
        if kind in {"int", "float"}:
            return f"{full} {self.choice(['==', '!=', '<', '<=', '>', '>='])} {self._number(kind)}"
        if kind == "bool":
            return f"{full} == {self.choice(['true', 'false'])}"
        return self._list(full) if kind.startswith("list") else self._string(full, owners)

    def _string(self, full: str, owners: tuple[str, ...]) -> str:
        words = [json.dumps(word) for word in self.sample(self.WORDS, 3)]
        return self.choice(
            [
                f"{full} {self.choice(['==', '!='])} {words[0]}",
                f"{full} {self.choice(['in', 'not in'])} [{', '.join(words)}]",
                f"{full}.{self.choice(['startsWith', 'endsWith', 'contains'])}({words[0]})",
                f"{full} {self.choice(['in', 'not in'])} {self.choice(owners)}.l",
                f"{full} {self.choice(['==', '!='])} task.s",
            ]
        )

    def _list(self, full: str) -> str:
        if self.random() < 0.3:
            return f"size({full}) {self.choice(['==', '>=', '<'])} {self.randint(0, 3)}"
        return f"{json.dumps(self.choice(self.WORDS))} {self.choice(['in', 'not in'])} {full}"

    def _number(self, kind: str) -> int | float:
        return self.randint(-3, 40) if kind == "int" else self.choice([-1.5, 0.0, 1e-05, 0.25, 2.0, 1e16])

    def _values(self, types: dict[str, str]) -> dict[str, Any]:
        return {name: self._value(kind) for name, kind in types.items() if self.random() < 0.85}

    def _value(self, kind: str) -> Any:
        if kind == "bool":
            return self.choice([True, False])
        if kind == "string":
            return self.choice(self.WORDS)
        if kind.startswith("list"):
            return tuple(self.sample(self.WORDS, self.randint(0, 3)))
        return self._number(kind)
