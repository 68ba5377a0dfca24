"""A client as the documentation has it: it asks again, with the same request id, until it has an answer."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from paidan.v1.agents_pb2_grpc import AgentServiceStub
from paidan.v1.packages_pb2_grpc import PackageServiceStub
from paidan.v1.rules_pb2_grpc import RuleServiceStub
from paidan.v1.tasks_pb2 import GetTaskRequest, Task
from paidan.v1.tasks_pb2_grpc import TaskServiceStub

from adapters.grpc_api.status import told as told_of
from tests.crash.history import Told
from tests.crash.scene import PARENT

FINAL = ("INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "ABORTED")
AGAIN = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED")
KEPT = ("position", "number", "grant", "changed", "version", "locked_until")
CALL_S, GIVE_UP_S, LOOK_S = 5.0, 90.0, 2.0
OPTIONS = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
STUBS = (TaskServiceStub, AgentServiceStub, PackageServiceStub, RuleServiceStub)


class Line:
    """To one server."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address, options=OPTIONS)
        self._stubs = [stub(self._channel) for stub in STUBS]

    def method(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = next(getattr(stub, name) for stub in self._stubs if hasattr(stub, name))
        return found

    def close(self) -> None:
        self._channel.close()


class Asker:
    """One client of all servers. What it was told is in ``told``, from whichever thread."""

    def __init__(self, addresses: Sequence[str], seed: int) -> None:
        self._lines = [Line(address) for address in addresses]
        self._random = Random(seed)
        self._asked: deque[Callable[[], Told]] = deque(maxlen=200)
        self._at = 0
        self.told: list[Told] = []
        self._lock = threading.Lock()

    def command(self, method: str, make: Callable[[], Any], request: str, **asked: Any) -> Told:
        """Ask until there is an answer; ``make`` gives the request anew for each try."""

        def ask() -> Told:
            return self._insisted(method, make, request, asked)

        self._asked.append(ask)
        return ask()

    def again(self) -> None:
        """Ask something asked before."""
        if self._asked:
            self._random.choice(self._asked)()

    def look(self, number: int) -> Task | None:
        """A task as the views have it; None where that cannot be had now."""
        try:
            found = self._line().method("GetTask")(GetTaskRequest(name=f"{PARENT}/tasks/{number}"), timeout=LOOK_S)
        except grpc.RpcError:
            self._at += 1
            return None
        return found.task  # type: ignore[no-any-return]

    def close(self) -> None:
        """Give the connections back."""
        for line in self._lines:
            line.close()

    def _insisted(self, method: str, make: Callable[[], Any], request: str, asked: dict[str, Any]) -> Told:
        end, tries, strange, cut = time.time() + GIVE_UP_S, 0, list[str](), list[float]()
        while True:
            tries, last = tries + 1, time.time()
            outcome, answer = self._tried(method, make())
            if outcome == "cut":
                cut.append(time.time())
            if outcome == "strange":
                strange.append(f"{answer['code']}: {answer['message']}")
            if outcome in ("ok", "refused") or last > end:
                break
            self._at += 1
            time.sleep(self._random.uniform(0.02, 0.2))
        known = outcome if outcome in ("ok", "refused") else "unknown"
        told = Told(
            request,
            method,
            asked,
            known,
            answer if known != "unknown" else {},
            tries,
            last,
            time.time(),
            tuple(strange),
            tuple(cut),
        )
        with self._lock:
            self.told.append(told)
        return told

    def _tried(self, method: str, request: Any) -> tuple[str, dict[str, Any]]:
        try:
            response = self._line().method(method)(request, timeout=CALL_S)
        except grpc.RpcError as error:
            call: Any = error
            code = call.code().name
            if code in FINAL:
                return "refused", {"code": code, "reason": told_of(call).reason}
            return _by_code(code), {"code": code, "message": call.details()}
        names = [field.name for field in response.DESCRIPTOR.fields]
        return "ok", {name: _plain(getattr(response, name)) for name in KEPT if name in names}

    def _line(self) -> Line:
        return self._lines[self._at % len(self._lines)]


def _by_code(code: str) -> str:
    if code == "CANCELLED":
        return "cut"
    return "again" if code in AGAIN else "strange"


def _plain(value: Any) -> Any:
    """Times as milliseconds since 1970."""
    return value.ToMilliseconds() if isinstance(value, Timestamp) else value
