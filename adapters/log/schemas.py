"""Where a workspace lives in PostgreSQL: one schema each, named after it."""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, UUID, uuid5

WORKSPACE_NAME = re.compile(r"[a-z][a-z0-9-]{0,46}")


def checked(workspace: str) -> str:
    """The name, if it is one a workspace may have. Raises ValueError."""
    if not WORKSPACE_NAME.fullmatch(workspace):
        raise ValueError(
            f"Expected a workspace name of 1 to 47 characters a-z, 0-9 and -, a letter first, but got {workspace!r}"
        )
    return workspace


def schema_of(workspace: str) -> str:
    """PostgreSQL schema that holds the workspace's log and views."""
    return "ws_" + checked(workspace).replace("-", "_")


def stream_of(workspace: str) -> UUID:
    """The originator id of the workspace's log stream."""
    return uuid5(NAMESPACE_URL, f"paidan:{workspace}")
