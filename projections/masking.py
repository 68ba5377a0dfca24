"""Personal data as views show it. Nothing unmasked is ever written into a view."""

from __future__ import annotations

from engine.events import Person


def masked_name(name: str | None) -> str:
    """The first character and a star, whatever the length."""
    return name[0] + "*" if name else ""


def masked_mobile(mobile: str | None) -> str:
    """138****1234; a number too short to hide anything in is hidden whole."""
    return _middle_hidden(mobile, first=3, last=4, hidden=4)


def masked_id_card(number: str | None) -> str:
    """First three and last four digits."""
    return _middle_hidden(number, first=3, last=4, hidden=8)


def masked(person: Person | None) -> tuple[str, str, str]:
    """Name, mobile and id-card number, masked; empty where absent."""
    if person is None:
        return ("", "", "")
    return (masked_name(person.name), masked_mobile(person.mobile), masked_id_card(person.id_card))


def _middle_hidden(text: str | None, first: int, last: int, hidden: int) -> str:
    if not text:
        return ""
    between = len(text) - first - last
    return text[:first] + "*" * between + text[-last:] if between >= hidden else "*" * hidden
