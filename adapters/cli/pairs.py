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

    found = {}
    for name, text in pairs_of(texts, "--attribute").items():
        try:
            found[name] = msgspec.convert(_value(text), AttributeValue)
        except (ValueError, msgspec.ValidationError) as error:
            told = f"Expected a value of --attribute {name} such as 3, 3.0, true, text or [a, b], but got {text[:80]!r}"
            raise fail(told) from error
    return found


def _value(text: str) -> object:
    """Raises ValueError where the YAML is none, or is no value and no list of values."""
    from engine.rules.outline import Scalar, Sequence, outline
    from engine.rules.plain_values import value_of
    from engine.rules.source import Source

    node = outline(Source(text))
    if isinstance(node, Scalar):
        return value_of(node)
    if isinstance(node, Sequence):
        return [value_of(item) if isinstance(item, Scalar) else {} for item in node.items]
    return {} if node is not None else None
