"""Defaults that the command line needs too; nothing heavy is imported for them."""

from __future__ import annotations

DEFAULT_SERVER = "127.0.0.1:7411"
DEFAULT_WORKSPACE = "default"
