"""All views, in the order they are brought up to date."""

from __future__ import annotations

from hashlib import sha256

from projections import agents, packages, rule_sets, work
from projections.port import View

VIEWS: tuple[View, ...] = (work.VIEW, agents.VIEW, packages.VIEW, rule_sets.VIEW)

PART_OF = {"pools": "tasks", "assignments": "tasks", "measures": "tasks"}
"""Tables that people ask for by name and that change together with another view's."""


def view_named(name: str) -> View:
    """The view, by its own name or that of a part of it. Raises ValueError."""
    wanted = PART_OF.get(name, name)
    for view in VIEWS:
        if view.name == wanted:
            return view
    known = ", ".join([view.name for view in VIEWS] + list(PART_OF))
    raise ValueError(f"Expected one of the views {known}, but got {name!r}")


def layout_of(view: View) -> str:
    """Fingerprint of the view's tables; views with another one have to be built anew."""
    return sha256((view.ddl + view.indexes).encode()).hexdigest()[:16]
