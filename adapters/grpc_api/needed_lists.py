"""Lists in the spool that have still to be read."""

from __future__ import annotations

from adapters.grpc_api.services import Writer
from adapters.log.writer import NotServingError
from engine.state.package import IMPORTING


def needed_lists(writer: Writer) -> set[str] | None:
    """Names of the lists of packages that are not imported yet; None while this server does not own the workspace."""
    try:
        packages = writer.state.packages
    except NotServingError:
        return None
    return {package.registered.spool for package in packages.values() if package.status in IMPORTING}
