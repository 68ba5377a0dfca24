"""A server as an operator sees it."""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.serving import Paidan
from tests.operations.collector import Collector

Labels = frozenset[tuple[str, str]]


class Watched(msgspec.Struct, frozen=True):
    """A server and its port for metrics."""

    served: Paidan
    address: str
    traces: Collector

    def get(self, path: str) -> tuple[int, str]:
        """Status and text."""
        try:
            with urlopen(f"http://{self.address}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def samples(self) -> dict[str, dict[Labels, float]]:
        """Every sample by name and labels."""
        found: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for sample in family.samples:
                found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return found

    def value(self, name: str, **labels: Any) -> float:
        """One sample; 0 where there is none yet."""
        return self.samples().get(name, {}).get(frozenset(labels.items()), 0.0)
