"""What `packages import URI` may read: the server opens it in its own name, so not whatever a caller likes to name."""

from __future__ import annotations

import os
from collections.abc import Iterable

from fsspec.core import split_protocol

EVERYWHERE = "*"
LOCAL = (None, "file", "local")


class NotAllowedError(Exception):
    """The server does not read from there; the message says what to do instead."""


class AllowedSources:
    """Directories, and prefixes of URIs such as ``s3://bank-lists/``.

    Where none is given, callers on this machine may name anything, and others nothing.
    """

    def __init__(self, places: Iterable[str] = ()) -> None:
        self._places = tuple(places)
        self._directories = tuple(os.path.realpath(path) for path in map(_path, self._places) if path)
        self._prefixes = tuple(f"{place.rstrip('/')}/" for place in self._places if _path(place) is None)

    def resolved(self, uri: str, local: bool) -> str:
        """What to read for this URI, links in it followed. Raises NotAllowedError."""
        if EVERYWHERE in self._places or (local and not self._places):
            return uri
        if not self._places:
            told = "Expected a caller on the server's machine, but this one is on another; upload the list"
            raise NotAllowedError(f"{told}, or have the directory allowed (limits.import_from)")
        path = _path(uri)
        if path is not None and self._holds(found := os.path.realpath(path)):
            return found
        if path is None and "::" not in uri and _plain(uri) and uri.startswith(self._prefixes):
            return uri
        raise NotAllowedError(f"Expected a list in one of {', '.join(self._places)}, but got {uri}; move or upload it")

    def _holds(self, path: str) -> bool:
        return any(path.startswith(f"{directory.rstrip(os.sep)}{os.sep}") for directory in self._directories)


def _path(place: str) -> str | None:
    """The path on this machine; None for a URI that leads elsewhere, and for chained ones."""
    if "::" in place or place == EVERYWHERE:
        return None
    protocol, path = split_protocol(place)
    return path if protocol in LOCAL else None


def _plain(uri: str) -> bool:
    """No way up and nothing escaped: a driver may unescape what a prefix does not."""
    return ".." not in uri.split("/") and "%" not in uri
