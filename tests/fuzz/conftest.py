"""The server of the wire's tests, for those entrances that need one."""

from __future__ import annotations

from tests.wire.conftest import ruled, served

__all__ = ["ruled", "served"]
