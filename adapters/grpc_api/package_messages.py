"""Packages as messages, and what callers say of them as parts of commands."""

from __future__ import annotations

from typing import Any

from paidan.v1 import packages_pb2 as pb

from adapters.grpc_api.checks import MAX_ID, Checks
from adapters.grpc_api.words import PACKAGE_STATUS, timestamp
from engine.events import ColumnMapping
from projections.rows import PackageView, RejectedView

MAX_COLUMNS = 200
ENCODINGS = ("utf-8", "gb18030")

_FIELDS = {
    "customer": "customer",
    "person_name": "name",
    "mobile": "mobile",
    "id_card": "id_card",
    "owner": "owner",
    "region": "region",
    "priority": "priority",
}
"""Field of the message -> field of the mapping."""


def package_message(name: str, row: PackageView) -> pb.Package:
    """A package and its counts."""
    return pb.Package(
        name=name,
        number=row.number,
        segment=row.segment,
        uri=row.uri,
        digest=row.digest,
        task_type=row.task_type,
        business_type=row.business_type,
        status=PACKAGE_STATUS[row.status],
        rule_set_version=row.rule_set_version,
        rows=row.rows,
        rejected=row.rejected,
        distributed=row.distributed,
        not_distributed=row.not_distributed,
        ended=row.ended,
        failure=row.failure,
        create_time=timestamp(row.created_at),
        update_time=timestamp(row.updated_at),
    )


def rejected_message(row: RejectedView) -> pb.RejectedRow:
    """A row set aside."""
    return pb.RejectedRow(line=row.line, column=row.column, reason=row.reason, text=row.text)


def check_spec(checks: Checks, spec: pb.PackageSpec, at: str = "spec") -> None:
    """Notes what is wrong with a package's description."""
    checks.line(f"{at}.segment", spec.segment)
    checks.line(f"{at}.task_type", spec.task_type, required=True)
    checks.line(f"{at}.business_type", spec.business_type)
    checks.number(f"{at}.priority", spec.priority, 0, 100)
    mapping = spec.mapping
    for field in _FIELDS:
        checks.line(f"{at}.mapping.{field}", getattr(mapping, field))
    checks.number(f"{at}.mapping.attributes", len(mapping.attributes), 0, MAX_COLUMNS)
    for attribute, column in mapping.attributes.items():
        checks.line(f"{at}.mapping.attributes.{attribute[:MAX_ID]}", column, required=True)
    for field in ("delimiter", "list_separator"):
        if len(getattr(mapping, field)) > 1:
            checks.wrong(f"{at}.mapping.{field}", "Expected one character, or none")
    if mapping.encoding not in ("", *ENCODINGS):
        checks.wrong(f"{at}.mapping.encoding", f"Expected {' or '.join(ENCODINGS)}, but got {mapping.encoding[:40]!r}")


def mapping_of(message: pb.ColumnMapping) -> ColumnMapping:
    """The mapping that a message describes; attributes sorted, since maps have no order on the wire."""
    columns: dict[str, Any] = {field: getattr(message, name) or None for name, field in _FIELDS.items()}
    return ColumnMapping(
        **columns,
        attributes={name: message.attributes[name] for name in sorted(message.attributes)},
        delimiter=message.delimiter,
        list_separator=message.list_separator or "|",
        encoding=message.encoding,
    )
