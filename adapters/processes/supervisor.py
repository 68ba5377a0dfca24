"""Starts the processes of a server, starts again what dies, and ends them all in order.

A child's standard input is a pipe that only the supervisor holds: should the supervisor be killed, the pipe ends and
the child ends itself, so nothing is left behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import msgspec

log = logging.getLogger("paidan.supervisor")

FIRST_RETRY_S, LAST_RETRY_S = 0.2, 5.0
STEADY_S = 10.0
"""A child that lived this long is started again at once."""
STOP_S = 20.0
"""A child that has not ended by then is killed."""


class Child(msgspec.Struct, frozen=True):
    """One process: ``arguments`` of this program. What others must not read goes into the environment instead."""

    name: str
    arguments: tuple[str, ...]


class Supervisor:
    """Runs children until told to stop."""

    def __init__(self, children: list[Child], module: str, environment: Mapping[str, str]) -> None:
        self._children, self._module = children, module
        self._environment = {**os.environ, **environment}
        self.restarts: Counter[str] = Counter()
        """How often each child had to be started again."""
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()

    @property
    def children(self) -> dict[str, int | None]:
        """Process id of each child; None while it is down."""
        running = {name: process for name, process in self._processes.items() if process.returncode is None}
        return {child.name: running[child.name].pid if child.name in running else None for child in self._children}

    def stop(self) -> None:
        """Begin to end; ``run`` returns when all children have."""
        self._stopping.set()

    async def run(self, *also: Callable[[], Awaitable[None]]) -> None:
        """Keep all children alive until SIGTERM, SIGINT or ``stop``; ``also`` run beside them."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        tasks = [asyncio.create_task(self._keep(child)) for child in self._children]
        tasks += [asyncio.ensure_future(run()) for run in also]
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        first, *others = (child.name for child in self._children)
        await asyncio.gather(*map(self._end, others))  # they ask the first, which therefore goes last
        await self._end(first)

    async def _keep(self, child: Child) -> None:
        delay = FIRST_RETRY_S
        while True:
            started = asyncio.get_running_loop().time()
            process = await self._start(child)
            code = await process.wait()
            lived = asyncio.get_running_loop().time() - started
            delay = FIRST_RETRY_S if lived > STEADY_S else min(delay * 2, LAST_RETRY_S)
            self.restarts[child.name] += 1
            log.warning("%s ended with code %s after %.1f s; starting it again", child.name, code, lived)
            await asyncio.sleep(delay)

    async def _start(self, child: Child) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, *child.arguments,
            stdin=asyncio.subprocess.PIPE, start_new_session=True, env=self._environment,
        )  # fmt: skip
        self._processes[child.name] = process
        return process

    async def _end(self, name: str) -> None:
        process = self._processes.get(name)
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            log.warning("%s did not end within %.0f s; killing it", name, STOP_S)
            process.kill()
            await process.wait()
