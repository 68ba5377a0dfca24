"""Somebody outside, who is asked first and told how tasks ended: slow, busy or unwilling, always the same for one key."""

from __future__ import annotations

import json
import time
from zlib import crc32

from tests.crash.history import Heard
from tests.outbound.callee import Callee, Reply, Sent

SLOW_S = 0.4
BUSY = Reply(503)
DONE, DECLINED, BUSY_NOW = "done", "declined", "busy"
ASKS, TELLS = "task.callback", "task.result"


class Outside:
    """``start`` and ``stop``; ``heard``: all that came, and what was said to it."""

    def __init__(self) -> None:
        self._callee = Callee(self._answer)
        self.heard: list[Heard] = []

    @property
    def url(self) -> str:
        return self._callee.url

    def start(self) -> None:
        self._callee.start()

    def stop(self) -> None:
        self._callee.stop()

    def _answer(self, sent: Sent, before: int) -> Reply:
        kind = json.loads(sent.body)["type"]
        what, reply = _said(sent.key, before, kind)
        self.heard.append(Heard(sent.key, kind, sent.body, what))
        return reply


def _said(key: str, before: int, kind: str) -> tuple[str, Reply]:
    """Most is done at once; some later, some after a refusal for now, some never; some that he is asked he declines."""
    mood = crc32(key.encode()) % 10
    if mood == 9 or (mood == 8 and not before):
        return BUSY_NOW, BUSY
    if mood == 7 and kind == ASKS:
        return DECLINED, Reply(body=b'{"handled": false, "reason": "not mine"}')
    if mood == 6:
        time.sleep(SLOW_S)
    return DONE, Reply(body=json.dumps({"done": key}).encode())
