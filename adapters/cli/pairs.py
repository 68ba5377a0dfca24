"""``name=value`` as it stands on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.cli.session import fail
from engine.events import AttributeValue


def pairs_of(texts: Sequence[str], option: str) -> dict[str, str]:
    """Name -> text. Ends the command where one is no pair, or a name is there twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise fail(f"Expected {option} name=value, but got {text!r}")
        if name in found:
            raise fail(f"Expected {option} {name} once, but it is there twice")
        found[name] = value
    return found


def values_of(texts: Sequence[str]) -> dict[str, AttributeValue]:
    """Name -> value, read as YAML: ``3`` is a whole number, ``[a, b]`` a list, ``"3"`` text."""
    import msgspec
    import yaml

    found = {}
    for name, text in pairs_of(texts, "--attribute").items():
        try:
            value = yaml.safe_load(text)
            found[name] = msgspec.convert(value, AttributeValue)
        except (yaml.YAMLError, msgspec.ValidationError) as error:
            told = f"Expected a value of --attribute {name} such as 3, 3.0, true, text or [a, b], but got {text!r}"
            raise fail(told) from error
    return found
