"""Requests made from the contract's own descriptors: most fields as somebody would fill them, the others hostile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor as F
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from adapters.grpc_api.serving import FILES
from engine.commands import ImportRows
from engine.events import Person, TaskRow
from tests.fuzz.mutator import TOKENS, Mutator
from tests.wire.served import RULES

METHODS: tuple[MethodDescriptor, ...] = tuple(
    method for file in FILES for service in file.DESCRIPTOR.services_by_name.values() for method in service.methods
)
INTEGERS = (0, 0, 1, 1, 2, 3, 5, -1, 100, 101, 1_000, 2**31 - 1, -(2**31), 2**40 - 1, 2**40, 2**63 - 1, -(2**63))
encode = msgspec.json.Encoder().encode
FLOATS = (0.0, -0.0, 1.5, 1e-300, 1e308, float("inf"), float("-inf"), float("nan"))
URIS = (
    "/etc/passwd", "file:///etc/hostname", "/dev/zero", "/", "", "x.csv", "memory://x", "http://127.0.0.1:1/x", "s3://b/k", "zip://a::/x",
    "simplecache::file:///etc/hostname", "data:text/csv,a%0A1", "::", "://", "generic://", "reference://", "local://../x", "~/x", "*", "ftp:",
)  # fmt: skip
FILTERS = (
    'status = "pooled"', 'type = "ticket" AND priority > 3', "number = 1", "a = b", "((((", "NOT NOT x", 'type : "%"', "priority > 1e999",
    'status = "' + "x" * 3_000, "OR " * 500, "number = 99999999999999999999", "rule_set_version = 1", "attributes.days > 3", "(" * 4_000,
)  # fmt: skip
ORDERS = ("priority desc", "number", "create_time desc, number", "nope", "priority desc desc", ",", "number;", "1")
ROWS = (
    b'{"package":1,"chunk":0,"columns":[],"rows":[]}',
    b"[" * 100_000, b"{", b"null", b'{"type":"ImportRows"}', b'{"a":' * 50_000, b"9" * 5_000, b'{"type":"ImportRows","package":99e99}',
)  # fmt: skip


_COLLECTIONS = (
    ("RejectedRows", "rejected"), ("RuleSet", "ruleSets"), ("Package", "packages"), ("Parsing", "packages"), ("Rows", "packages"),
    ("Presence", "agents"), ("Agent", "agents"), ("View", "views"), ("Task", "tasks"),
)  # fmt: skip
_KEYS = {
    "tasks": ("1", "2", "3", "4", "5", "6"), "packages": ("1", "2", "3"), "agents": ("A1", "A2"), "ruleSets": ("current", "1"),
    "views": ("tasks", "agents"),
}  # fmt: skip
_ODD_KEYS = ("0", "-1", "１", "+1", "1e3", "99999999999999999999", "a/b", "..", "%00", "\u0661", "中" * 200)


class Maker:
    """Makes requests for a workspace with rules, two agents, some tasks and packages."""

    def __init__(self, chance: Mutator, workspace: str) -> None:
        self._chance, self._workspace = chance, workspace
        self._odd = chance.choice([0.0, 0.05, 0.05, 0.3])
        """Share of fields that are hostile."""
        self._collection = "tasks"
        """What the request's ``name`` is of."""

    def request(self, method: MethodDescriptor) -> bytes:
        """The bytes of one request, now and then damaged as bytes."""
        self._collection = next((kind for word, kind in _COLLECTIONS if word in method.name), "tasks")
        data = self.message(GetMessageClass(method.input_type)()).SerializeToString()
        if self._chance.random() < 0.15:
            data = self._chance.data(data, 3)
        if self._chance.random() < 0.05:
            data += b"\xfa\x3f\x03abc" + b"\x80\x40\x01"  # fields nobody knows
        return data

    def message(self, message: Any, depth: int = 0) -> Message:
        """The message with fields set."""
        if depth < 4:
            for field in message.DESCRIPTOR.fields:
                if self._chance.random() < (0.8 if field.containing_oneof is None else 0.4):
                    self._set(message, field, depth)
        return message  # type: ignore[no-any-return]

    def _set(self, message: Any, field: Any, depth: int) -> None:
        if field.is_repeated:
            self._fill(message, field, depth)
        elif field.message_type is not None:
            getattr(message, field.name).SetInParent()
            self.message(getattr(message, field.name), depth + 1)
        else:
            setattr(message, field.name, self._value(field))

    def _fill(self, message: Any, field: Any, depth: int) -> None:
        count = self._chance.choice([0, 1, 1, 2, 3] + ([200, 10_000] if self._chance.random() < self._odd else []))
        many = getattr(message, field.name)
        odd, self._odd = self._odd, 0.0 if count > 3 else self._odd  # many are enough; many large ones are only slow
        entry = field.message_type.GetOptions().map_entry if field.message_type is not None else False
        for _ in range(count if depth < 2 else min(count, 5)):
            if entry:
                self._put(many, field, depth)
            elif field.message_type is not None:
                self.message(many.add(), depth + 1)
            else:
                many.append(self._value(field))
        self._odd = odd

    def _put(self, many: Any, field: Any, depth: int) -> None:
        value = field.message_type.fields_by_name["value"]
        key = self._chance.choice(
            ["days", "rate", "tags", "vip", "note", "level", "regions", "disposition", self._token()]
        )
        if value.message_type is not None:
            self.message(many[key], depth + 1)
        else:
            many[key] = self._value(value)

    def _value(self, field: Any) -> Any:
        return _KINDS[field.cpp_type](self, field)

    def text(self, field: Any) -> str:
        """A text as the field's name asks for it, or anything."""
        if self._chance.random() < self._odd:
            return self._token()
        name: str = field.name
        if name in ("name", "parent"):
            return self._resource(name)
        return self._chance.choice(_TEXTS.get(name, ("", "ticket", "A1", "x"))).replace("{workspace}", self._workspace)

    def data(self, _field: Any) -> bytes:
        """Rows for the importer's RPC, or a part of an upload."""
        roll = self._chance.random()
        if roll < 0.2:
            return self._chance.choice(ROWS)
        rows = encode(self._rows())
        return rows if roll < 0.7 else self._chance.data(rows, 3)

    def _rows(self) -> ImportRows:
        """A chunk of one of the packages, well typed, and true or not."""
        odd = self._chance.random() < 0.4
        word = self._token if odd else (lambda: self._chance.choice(["JS", "C1", ""]))
        columns = (
            ("days",)
            if not odd
            else self._chance.choice([(), ("days",), ("days", "days"), ("nope",), ("days", "rate")])
        )
        values = (7, None, "x", 2**63, 1.5, float("1e308"), True, ("a",), word()) if odd else (7, None, 0)
        rows = tuple(
            TaskRow(
                self._chance.choice([2, 3, 2**40, -1]) if odd else line, word(), None, word(), self._chance.choice([0, 50, *([-5, 10**9] if odd else [])]),
                tuple(self._chance.choice(values) for _ in columns or "x"),
            )
            for line in range(2, self._chance.choice([2, 3, 5, 1_100] if odd else [3, 4]))
        )  # fmt: skip
        persons = tuple(Person(word(), word()) for _ in rows) if self._chance.random() < 0.3 else ()
        return ImportRows(self._chance.choice([1, 2, 3]), self._chance.choice([0, 0, 1, 2]), columns, rows, persons)

    def _resource(self, field: str) -> str:
        whole = f"workspaces/{self._workspace}"
        if field == "name" or self._collection == "rejected":
            collection = self._collection.replace("rejected", "packages")
            whole += f"/{collection}/{self._chance.choice([*_KEYS[collection], *_KEYS[collection], *_ODD_KEYS])}"
        if self._chance.random() > self._odd:
            return whole
        return self._chance.choice(
            [
                "",
                "workspaces/",
                f"{whole}/",
                f"{whole}/x/y",
                whole.upper(),
                whole.replace(self._workspace, "../x"),
                "workspaces/other",
            ]
        )

    def _token(self) -> str:
        text = self._chance.choice(TOKENS) * self._chance.choice([1, 1, 1, 50])
        return text.encode("utf-8", "replace").decode()

    def integer(self, field: Any) -> int:
        """Small for the most part; inside the field's own range, as Python can send nothing else."""
        if field.name == "min_position" and self._chance.random() < 0.95:
            return self._chance.choice([0, 0, 1, 5])  # a position that may come yet is waited for
        value = (
            self._chance.choice(INTEGERS) if self._chance.random() < max(self._odd, 0.1) else self._chance.randint(0, 6)
        )
        low, high = _RANGES[field.cpp_type]
        return min(max(value, low), high)

    def number(self, _field: Any) -> float:
        """Any float."""
        return self._chance.choice(FLOATS)

    def truth(self, field: Any) -> bool:
        """Seldom ``follow``, which never ends."""
        return self._chance.random() < (0.1 if field.name == "follow" else 0.4)

    def enum(self, field: Any) -> int:
        """A known number, or one of nobody's."""
        return self._chance.choice(
            [*field.enum_type.values_by_number, *([99, -1, 2**31 - 1] if self._chance.random() < self._odd else [])]
        )


_TEXTS: dict[str, tuple[str, ...]] = {
    "agent": ("A1", "A2", "nobody", ""), "agent_id": ("A1", "A2", "A3", "a/b"), "task_type": ("ticket", "case", "call", "nope"),
    "request_id": ("", "", "", "again"), "filter": ("", "", *FILTERS), "order_by": ("", "", *ORDERS), "page_token": ("", "", "", "x", "AAAA"),
    "uri": URIS, "source": (RULES.replace("{{", "{").replace("}}", "}"), "workspace: {workspace}", "", "[", "a: &a [*a]"),
    "reason": ("", "because"), "file_name": ("a.csv", ""), "encoding": ("", "utf-8", "gb18030", "klingon"), "delimiter": ("", ",", "\t", ",,"),
    "list_separator": ("", "|"), "team": ("", "east"), "display_name": ("", "张三"), "business_type": ("", "loan"), "region": ("", "JS"),
}  # fmt: skip
_RANGES = {
    F.CPPTYPE_INT32: (-(2**31), 2**31 - 1), F.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    F.CPPTYPE_UINT32: (0, 2**32 - 1), F.CPPTYPE_UINT64: (0, 2**64 - 1),
}  # fmt: skip
_KINDS: dict[int, Callable[[Maker, Any], Any]] = {
    F.CPPTYPE_BOOL: Maker.truth, F.CPPTYPE_ENUM: Maker.enum, F.CPPTYPE_DOUBLE: Maker.number, F.CPPTYPE_FLOAT: Maker.number,
    F.CPPTYPE_INT32: Maker.integer, F.CPPTYPE_INT64: Maker.integer, F.CPPTYPE_UINT32: Maker.integer, F.CPPTYPE_UINT64: Maker.integer,
}  # fmt: skip


def _string(maker: Maker, field: Any) -> str | bytes:
    return maker.data(field) if field.type == F.TYPE_BYTES else maker.text(field)


_KINDS[F.CPPTYPE_STRING] = _string
