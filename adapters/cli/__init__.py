"""The command line's own commands: a thin client of the server. ``server.py`` adds those that start one."""

from __future__ import annotations

from adapters.cli.app import app

__all__ = ["app"]
