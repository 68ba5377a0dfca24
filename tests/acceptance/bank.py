"""The bank data, imported by a real server into a database of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from benchmarks.bank_package import BUSINESS_TYPE, SOURCE, TASK_TYPE, WORKSPACE, BankFiles, write_bank_files
from tests.acceptance.serving import Paidan

RULES = Path(__file__).parents[2] / "examples" / "rules" / "bank-campaign.yaml"


def bank_files(directory: Path) -> BankFiles:
    """Package, roster and mapping; skips the test where the data is not there."""
    source = Path(os.environ.get("PAIDAN_BANK_DATA", SOURCE))
    if not source.is_file():
        pytest.skip(f"the UCI Bank Marketing data is not at {source}; put it there or name it in PAIDAN_BANK_DATA")
    return write_bank_files(source, directory)


@contextmanager
def database(postgres: str, name: str) -> Iterator[str]:
    """DSN of a fresh database: a whole world of its own, so that one workspace name serves several runs."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    yield make_conninfo(postgres, dbname=name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def campaign(postgres: str, data: Path, files: BankFiles) -> Paidan:
    """A running server that was given the rules, the roster and the package, and came to rest."""
    served = Paidan(data, WORKSPACE, postgres).start()
    served.told("rules", "apply", str(RULES), "--request-id", "rules")
    served.told("agents", "apply", str(files.roster), "--request-id", "agents")
    words = ("--task-type", TASK_TYPE, "--business-type", BUSINESS_TYPE, "--segment", "uci", "--request-id", "package")
    served.told("packages", "import", str(files.package), "--mapping", str(files.mapping), *words)
    served.caught_up()
    return served
