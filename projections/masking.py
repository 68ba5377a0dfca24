"""Personal data as views show it. Nothing unmasked is ever written into a view."""

from __future__ import annotations

import re
from collections.abc import Sequence

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


def masked_row(text: str, name: str) -> str:
    """A row set aside: long numbers and the customer's name, wherever it stands, quotes in it doubled or not."""
    for written in (name, name.replace('"', '""')) if name else ():
        text = text.replace(written, masked_name(name))
    return masked_text(text)


def masked_columns(persons: Sequence[Person | None], rows: int) -> tuple[list[str], list[str], list[str]]:
    """Names, mobiles and id-card numbers of a chunk, masked; ``persons`` may be empty."""
    known = [person or _NOBODY for person in persons] if persons else [_NOBODY] * rows
    return (
        [masked_name(person.name) for person in known],
        _all_hidden([person.mobile for person in known], 4, _MOBILE),
        _all_hidden([person.id_card for person in known], 8, _ID_CARD),
    )


NOBODY = ("", "", "")
"""Where there is no person."""


def _all_hidden(texts: Sequence[str | None], hidden: int, usual: int) -> list[str]:
    """Texts of the usual length, nearly all, need no call of their own."""
    stars = _STARS[: usual - 7]
    return [
        f"{text[:3]}{stars}{text[-4:]}" if text and len(text) == usual else _middle_hidden(text, hidden)
        for text in texts
    ]


def _middle_hidden(text: str | None, hidden: int) -> str:
    """The first three and last four, if at least ``hidden`` characters stand between."""
    if not text:
        return ""
    between = len(text) - 7
    return f"{text[:3]}{_STARS[:between]}{text[-4:]}" if hidden <= between <= len(_STARS) else _STARS[:hidden]


_NOBODY = Person()
_MOBILE, _ID_CARD = 11, 18
"""Usual lengths."""
_STARS = "*" * 64
_LONG_NUMBER = re.compile(r"\d{7,64}[Xx]?")
