"""Damage to good examples, by seed: equal seeds do equal damage, so any input can be made again from its number."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

NUMBERS = (
    "0", "-0", "-1", "1e-05", "1E400", "-1e308", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
    "18446744073709551616", "9" * 30, "9" * 5_000, "0x7f", "0o17", "017", "1_000", "12:30:45", ".inf", "-.inf", ".nan",
    "nan", "1.", ".5", "٣", "１２", "2**63", "1e", "--1", "+1",
)  # fmt: skip
TOKENS = (
    "\0", "\ufeff", "\ufffe", "\u2028", "\x85", "\x0b", "\x1c", "\r", "\n", "\r\n", "\t", " ", "\u202e", "😀", "中", "é", "e\u0301",
    '"', "'", '""', "\\", "\\u0000", "\\ud800", "\\x", "`", ",", ";", "|", ":", ": ", "- ", "#", "%", "@", "!", "&", "*", "?", "~",
    "{", "}", "[", "]", "(", ")", "<<: ", "&a ", "*a", "!!python/object/apply:os.system [id]", "!!binary aGk=", "!!set", "---\n", "...\n",
    "%YAML 9.9\n", "|\n", ">-\n", "null", "~", "yes", "no", "on", "NO", "true", "false", "2001-99-99", "2020-01-01", "task.", "agent.",
    " and ", " or ", " not ", "not not ", "!!", " in ", "==", "!=", "<=", ">", "size(", "has(", ".contains(", "$mt", "$and", "$s", "sid", "id",
    "=cmd|' /C calc'!A0", "@SUM(1)", "+1+1", "'; DROP TABLE tasks;--", "../../etc/passwd", "${jndi:ldap://x}", "%s%n", "{0}", "<script>",
    "workspaces/../x", "/", "//", ".", "..", "file:///etc/passwd", "[::]:0", "--help", "--", "-", "=", "a" * 200, "中" * 5_000,
)  # fmt: skip
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WORD = re.compile(r"\w+")
LARGEST = 300_000
"""Characters up to which a text is blown up."""


class Mutator(random.Random):
    """A source of damage. ``seed`` may be any text."""

    def text(self, sample: str, most: int = 6) -> str:
        """The sample after 1 to ``most`` mutations."""
        for _ in range(self.randint(1, most)):
            sample = self.choice(_TEXT)(self, sample)
        return sample

    def data(self, sample: bytes, most: int = 6) -> bytes:
        """The sample after 1 to ``most`` mutations of its bytes."""
        for _ in range(self.randint(1, most)):
            sample = self.choice(_DATA)(self, sample)
        return sample

    def file(self, samples: Sequence[str]) -> bytes:
        """A text file made from a sample: damaged as text, written in some encoding, perhaps damaged as bytes too."""
        text = self.text(self.choice(samples)) if self.random() < 0.8 else self.splice(samples)
        data = self.encoded(text)
        return self.data(data, 3) if self.random() < 0.3 else data

    def splice(self, samples: Sequence[str]) -> str:
        """The head of one sample and the tail of another."""
        head, tail = self.choice(samples), self.choice(samples)
        return head[: self._at(head)] + tail[self._at(tail) :]

    def encoded(self, text: str) -> bytes:
        """UTF-8 for the most part, surrogates as they are; else with a mark, or in an encoding nobody asked for."""
        if self.random() < 0.9:
            return text.encode("utf-8", "surrogatepass")
        encoding = self.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "latin-1"])
        return text.encode(encoding, "replace")

    def token(self) -> str:
        """Something hostile."""
        return self.choice(NUMBERS) if self.random() < 0.25 else self.choice(TOKENS)

    def _at(self, sample: Sequence[object]) -> int:
        return self.randint(0, len(sample))

    def _span(self, sample: Sequence[object], most: int = 200) -> tuple[int, int]:
        start = self._at(sample)
        return start, min(len(sample), start + self.randint(0, most))


def _insert(chance: Mutator, text: str) -> str:
    at = chance._at(text)
    return text[:at] + chance.token() + text[at:]


def _remove(chance: Mutator, text: str) -> str:
    start, end = chance._span(text, 40)
    return text[:start] + text[end:]


def _repeat(chance: Mutator, text: str) -> str:
    start, end = chance._span(text)
    times = chance.choice([2, 3, 10, 100, 1_000, 10_000])
    return text[:start] + text[start:end] * min(times, max(1, LARGEST // max(1, end - start))) + text[end:]


def _swap_lines(chance: Mutator, text: str) -> str:
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return text
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return "".join(lines)


def _indent(chance: Mutator, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    place = chance.randrange(len(lines))
    lines[place] = chance.choice([" ", "  ", "\t", "- ", "      "]) + lines[place]
    return "".join(lines)


def _number(chance: Mutator, text: str) -> str:
    return _replaced(text, _NUMBER, chance.choice(NUMBERS), chance)


def _word(chance: Mutator, text: str) -> str:
    words = _WORD.findall(text[:LARGEST]) or [""]
    return _replaced(text, _WORD, chance.choice(words) if chance.random() < 0.6 else chance.token(), chance)


def _replaced(text: str, what: re.Pattern[str], by: str, chance: Mutator) -> str:
    found = list(what.finditer(text[:LARGEST]))
    if not found:
        return text + by
    place = chance.choice(found)
    return text[: place.start()] + by + text[place.end() :]


def _truncate(chance: Mutator, text: str) -> str:
    return text[: chance._at(text)]


def _line_ends(chance: Mutator, text: str) -> str:
    return text.replace("\n", chance.choice(["\r\n", "\r", "\u2028", "\n\n"]))


def _nest(chance: Mutator, text: str) -> str:
    start, end = chance._span(text, 60)
    before, after = chance.choice(["[]", "{}", "()", '""', ("{a: ", "}"), ("(not ", ")"), ("\n- ", "")])
    depth = chance.choice([1, 2, 13, 40, 1_000, 20_000])
    return text[:start] + before * depth + text[start:end] + after * depth + text[end:]


_TEXT: tuple[Callable[[Mutator, str], str], ...] = (
    _insert, _insert, _insert, _remove, _repeat, _swap_lines, _indent, _number, _number, _word, _word, _truncate, _line_ends, _nest,
)  # fmt: skip


def _flip(chance: Mutator, data: bytes) -> bytes:
    if not data:
        return b"\xff"
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _put(chance: Mutator, data: bytes) -> bytes:
    at = chance._at(data)
    piece = chance.choice(
        [b"\0", b"\xff", b"\xff\xfe", b"\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"\x1f\x8b", chance.randbytes(8)]
    )
    return data[:at] + piece + data[at:]


def _cut(chance: Mutator, data: bytes) -> bytes:
    start, end = chance._span(data)
    return data[:start] + data[end:]


def _double(chance: Mutator, data: bytes) -> bytes:
    start, end = chance._span(data)
    return data[:end] + data[start:end] * chance.choice([1, 2, 100]) + data[end:]


def _end(chance: Mutator, data: bytes) -> bytes:
    return data[: chance._at(data)]


_DATA: tuple[Callable[[Mutator, bytes], bytes], ...] = (_flip, _flip, _flip, _put, _put, _cut, _double, _end)
