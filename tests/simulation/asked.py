"""Books of who was asked for what: rounds that offers cost, and who let a task pass since all had been asked."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.state import State


class Page(msgspec.Struct):
    rule: str | None
    rounds: int = 0
    let_pass: list[str] = []
    aside: bool = False


class Asked:
    def __init__(self) -> None:
        self._pages: dict[int, Page] = {}

    def offered(self, number: int, agent: str, rule: str) -> None:
        page = self._pages.get(number)
        if page is None:
            return
        if page.rule != rule:
            del self._pages[number]
            return
        assert not page.aside, f"task {number} was set aside and is offered"
        if agent in page.let_pass:
            page.let_pass = []

    def let_pass(self, number: int, agent: str, rule: str | None) -> None:
        page = self._pages.setdefault(number, Page(rule))
        assert page.rule == rule and agent not in page.let_pass, f"{agent} was asked twice for task {number}"
        page.rounds += 1
        page.let_pass.append(agent)

    def set_aside(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._pages[number].aside = True

    def forget(self, number: int) -> None:
        self._pages.pop(number, None)

    def compare(self, state: State) -> None:
        asking = {number: task.marks.asking for number, task in state.tasks.items() if task.marks and task.marks.asking}
        found = {
            number: Page(one.rule, one.rounds, list(one.let_pass), one.set_aside) for number, one in asking.items()
        }
        assert found == self._pages
