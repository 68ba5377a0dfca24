"""Views show what a plain model of the log says, whatever happens and however it is cut into batches."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.audit.verify import verify
from tests.projections.drawing import draws, opened, openings, seeded
from tests.projections.live import Live, expected, shown

_SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@_SETTINGS
@given(rules=openings, steps=draws, size=st.integers(1, 20))
def test_views_equal_the_model_after_every_story(live: Live, rules: int, steps: list, size: int) -> None:
    story = opened(rules, steps)
    live.reset()
    live.put(story.log)
    live.catch_up(size)
    assert live.ask(shown) == expected(story.log)


@_SETTINGS
@given(rules=openings, steps=draws, cut=st.integers(0, 60))
def test_batch_boundaries_do_not_matter(live: Live, rules: int, steps: list, cut: int) -> None:
    story = opened(rules, steps)
    live.reset()
    live.put(story.log[:cut])
    live.catch_up()
    live.put(story.log[cut:])
    live.catch_up(1)
    one_by_one = live.dump()
    live.reset()
    live.put(story.log)
    live.catch_up()
    assert live.dump() == one_by_one


def test_a_long_story_shows_and_verifies(empty: Live) -> None:
    story = seeded(7, 400)
    empty.put(story.log)
    empty.catch_up()
    assert empty.ask(shown) == expected(story.log)
    report = verify(empty.dsn, empty.workspace)
    assert report.ok, report.findings
    assert report.events == len(story.log)


async def _history(queries, numbers):
    return {number: await _by_the_page(queries, number) for number in numbers}


async def _by_the_page(queries, number):
    found, token = await queries.task_events(number, page_size=2)
    while token:
        more, token = await queries.task_events(number, page_size=2, page_token=token)
        assert more
        found += more
    return found


def test_a_tasks_history_is_the_events_at_its_positions(empty: Live) -> None:
    story = seeded(3, 120)
    empty.put(story.log)
    empty.catch_up()
    tasks = expected(story.log)["tasks"]
    found = empty.ask(lambda queries: _history(queries, [task.number for task in tasks]))
    by_position = {recorded.position: recorded for recorded in story.log}
    assert found == {task.number: [by_position[position] for position in task.positions] for task in tasks}


async def _by_agent(queries):
    agents = (await queries.agents()).rows
    by_agent = [row for agent in agents for row in (await queries.assignments(agent=agent.id, page_size=1000)).rows]
    packages = (await queries.packages()).rows
    by_package = [r for p in packages for r in (await queries.assignments(package=p.number, page_size=1000)).rows]
    tasks = (await queries.tasks(page_size=1000)).rows
    by_task = [row for task in tasks for row in (await queries.assignments(task=task.number)).rows]
    return by_agent, by_package, by_task


def test_assignments_by_agent_package_and_task_are_the_whole(empty: Live) -> None:
    story = seeded(11, 500)
    empty.put(story.log)
    empty.catch_up()
    by_agent, by_package, by_task = empty.ask(_by_agent)
    every = expected(story.log)["assignments"]
    assert len(every) > 20
    assert sorted(map(str, by_agent)) == sorted(map(str, by_task)) == sorted(map(str, every))
    assert sorted(map(str, by_package)) == sorted(str(row) for row in every if row.package)
