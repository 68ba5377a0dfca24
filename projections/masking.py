"""Personal data as views show it. Nothing unmasked is ever written into a view."""

from __future__ import annotations

import re

from engine.events import Person


def masked_name(name: str | None) -> str:
    """The first character and a star, whatever the length."""
    return name[0] + "*" if name else ""


def masked_mobile(mobile: str | None) -> str:
    """138****1234; a number too short to hide anything in is hidden whole."""
    return _middle_hidden(mobile, 4)


def masked_id_card(number: str | None) -> str:
    """First three and last four digits."""
    return _middle_hidden(number, 8)


def masked(person: Person) -> tuple[str, str, str]:
    """Name, mobile and id-card number, masked; empty where absent."""
    return (masked_name(person.name), masked_mobile(person.mobile), masked_id_card(person.id_card))


def masked_text(text: str) -> str:
    """Free text, such as a row set aside, with every long number masked: what it is the number of is not known."""
    return _LONG_NUMBER.sub(lambda found: _middle_hidden(found.group(), 4), text)


NOBODY = ("", "", "")
"""Where there is no person."""


def _middle_hidden(text: str | None, hidden: int) -> str:
    """The first three and last four, if at least ``hidden`` characters stand between."""
    if not text:
        return ""
    between = len(text) - 7
    return f"{text[:3]}{_STARS[:between]}{text[-4:]}" if hidden <= between <= len(_STARS) else _STARS[:hidden]


_STARS = "*" * 64
_LONG_NUMBER = re.compile(r"\d{7,64}[Xx]?")
