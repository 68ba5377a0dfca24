"""A rule book of a thousand rules is put in force while others are served."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from time import thread_time

import pytest
from paidan.v1.rules_pb2 import ApplyRulesRequest
from paidan.v1.tasks_pb2 import CreateTaskRequest

from engine.rules import syntax
from engine.rules.document import document, load
from tests.wire.served import Served

RULES = 1_000
RULE = """
  - id: rule-{n}
    task_type: follow_up
    business_type: consumer_loan
    when: 'task.region in [{regions}] and task.days > {n} and task.product != "p{n}"'
    strategy: [owner, region, least_loaded]
    targets: 'agent.team == "t{n}" and "loan" in agent.skills and agent.level >= 3'
    relax: [{{after: 10m, targets: 'agent.team in ["t{n}", "north"]'}}]
    sla: {{respond_within: 4h, resolve_within: 48h}}
    escalation: [{{at: 80% of resolve_within, raise_priority: 10}}]
    wrap_up: {{template: loan_followup, required: [disposition, note]}}
"""
HEAD = """\
workspace: {workspace}
attributes:
  task: {{region: string, days: int, product: string}}
  agent: {{team: string, skills: list(string), level: int}}
rules:
"""


def rule_book(workspace: str) -> str:
    rules = (RULE.format(n=n, regions=", ".join(f'"R{n}-{i}"' for i in range(8))) for n in range(RULES))
    return HEAD.format(workspace=workspace) + "".join(rules)


class Held:
    """How long the server's loop did one thing, in seconds of its processor: other programs do not count."""

    longest = 0.0

    async def watch(self) -> None:
        since = thread_time()
        while True:
            await asyncio.sleep(0)
            self.longest, since = max(self.longest, thread_time() - since), thread_time()


@pytest.fixture
def no_looking_for_garbage() -> Iterator[None]:
    """A server has its own pace for that; here it would go through all that the tests before have left."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_looking_for_garbage")
def test_no_step_holds_the_loop_for_long(served: Served) -> None:
    """Waiting tasks come under the new rules at once, so they are compiled, too."""
    served.apply_rules()
    served.tasks.CreateTask(CreateTaskRequest(parent=served.parent, task_type="follow_up"))
    source, held = rule_book(served.workspace), Held()
    watching = served.begin(held.watch())
    answer = served.rules.ApplyRules(ApplyRulesRequest(parent=served.parent, source=source))
    served.tasks.CreateTask(CreateTaskRequest(parent=served.parent, task_type="follow_up"))
    watching.cancel()
    document.cache_clear()
    syntax.parse.cache_clear()
    began = thread_time()
    assert len(load(source).rules) == RULES and answer.version == 2
    whole = thread_time() - began
    assert held.longest < whole / 3
