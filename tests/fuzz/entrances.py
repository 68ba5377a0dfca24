"""The entrances that need no server, by name; they are hunted in a process of their own, which imports just the one."""

from __future__ import annotations

from importlib import import_module

from tests.fuzz.hunting import Entrance

ALONE = {
    "rules": ("test_rule_documents", "RuleDocuments"),
    "rosters": ("test_rosters", "Rosters"),
    "packages": ("test_packages", "Packages"),
    "mappings": ("test_mappings", "Mappings"),
    "intake": ("test_intake", "Intake"),
    "configuration": ("test_configuration", "Configuration"),
}


def alone(name: str) -> Entrance:
    """The entrance of this name."""
    module, kind = ALONE[name]
    made: Entrance = getattr(import_module(f"tests.fuzz.{module}"), kind)()
    return made
