"""What a refused call told its caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from adapters.grpc_api.status import told


class Refused:
    """Code, reason and fields of a call that failed."""

    def __init__(self, error: Any) -> None:
        found = told(error)
        self.code: grpc.StatusCode = error.code()
        self.message: str = error.details()
        self.reason = found.reason
        self.fields = [violation.field for violation in found.violations]
        self.violations = {violation.field: violation.description for violation in found.violations}


def refused(call: Callable[..., Any], *arguments: Any, **options: Any) -> Refused:
    """The call, which must fail."""
    with pytest.raises(grpc.RpcError) as raised:
        answer = call(*arguments, **options)
        if isinstance(answer, grpc.Call):
            list(answer)
    return Refused(raised.value)
