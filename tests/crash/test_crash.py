"""The short variant of the crash test; ``python -m tests.crash --kills 200`` is the long one."""

from __future__ import annotations

import pytest

from tests.crash.running import run

KILLS, SEED, BETWEEN_S = 20, 20, 0.5


@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_and_nothing_happens_twice() -> None:
    figures, findings, _ = run(KILLS, SEED, between_s=BETWEEN_S)
    assert findings == []
    assert sum(figures.kills.values()) == KILLS and len(figures.kills) > 5
    assert figures.sent_in > KILLS
    assert figures.retries and figures.asked_again and figures.rows and figures.grants and not figures.unknown
