"""All that must hold of a run, whatever was killed meanwhile."""

from __future__ import annotations

from tests.crash.check_calls import check_calls
from tests.crash.check_log import Ledger, check_log
from tests.crash.check_sent import check_sent
from tests.crash.check_stream import check_stream
from tests.crash.check_told import check_cut, check_packages, check_told
from tests.crash.history import Findings, History


def check(history: History) -> Findings:
    """What is wrong; empty where nothing is."""
    ledger = Ledger()
    return [
        *check_log(history.log, ledger),
        *check_told(history.told, history.log),
        *check_cut(history.told, history.ends),
        *check_packages(history.told, history.packages, ledger),
        *check_stream(history.workspace, history.log, history.messages),
        *check_sent(history.sent, history.log),
        *check_calls(history.workspace, history.log, history.heard),
    ]
