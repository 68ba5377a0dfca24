"""One job in a process of its own: nothing it imports or leaves in memory touches what is measured next."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def apart(job: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """The result of a function that a fresh process can import."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(job, *arguments, **named).result()
