"""What a refused call told its caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from grpc_status import rpc_status

from adapters.grpc_api.status import told


class Refused:
    """Code, reason and fields of a call that failed."""

    def __init__(self, error: Any) -> None:
        found = told(error)
        self.code: grpc.StatusCode = error.code()
        self.message: str = error.details()
        self.reason = found.reason
        self.retry_s = _retry_of(error)
        self.fields = [violation.field for violation in found.violations]
        self.violations = {violation.field: violation.description for violation in found.violations}


def _retry_of(error: Any) -> float:
    """Seconds after which the caller is asked to come again; 0: it is not."""
    retry = RetryInfo()
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        detail.Unpack(retry)
    return float(retry.retry_delay.seconds)


def refused(call: Callable[..., Any], *arguments: Any, **options: Any) -> Refused:
    """The call, which must fail."""
    with pytest.raises(grpc.RpcError) as raised:
        answer = call(*arguments, **options)
        if isinstance(answer, grpc.Call):
            list(answer)
    return Refused(raised.value)
