"""Which column of a list holds what: a YAML file, options, or both (options win)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from paidan.v1.packages_pb2 import ColumnMapping as MappingMessage

from adapters.cli.pairs import pairs_of
from adapters.cli.session import fail, read_text
from engine.rules.outline import outline
from engine.rules.plain_values import NoValueError, texts_of
from engine.rules.problems import DocumentError, cut
from engine.rules.source import Source

COLUMNS = ("customer", "name", "mobile", "id_card", "owner", "region", "priority")


class MappingFile(msgspec.Struct, forbid_unknown_fields=True):
    """What a mapping file may say."""

    customer: str = ""
    name: str = ""
    mobile: str = ""
    id_card: str = ""
    owner: str = ""
    region: str = ""
    priority: str = ""
    attributes: dict[str, str] = {}
    delimiter: str = ""
    list_separator: str = ""
    encoding: str = ""


def mapping_of(
    file: Path | None, columns: Sequence[str], attributes: Sequence[str], *, delimiter: str, encoding: str
) -> MappingMessage:
    """The mapping as a message. Ends the command where it makes no sense."""
    found = _read(file) if file else MappingFile()
    for name, column in pairs_of(columns, "--column").items():
        if name not in COLUMNS:
            raise fail(f"Expected --column with one of {', '.join(COLUMNS)}, but got {name!r}")
        setattr(found, name, column)
    return MappingMessage(
        customer=found.customer,
        person_name=found.name,
        mobile=found.mobile,
        id_card=found.id_card,
        owner=found.owner,
        region=found.region,
        priority=found.priority,
        attributes=found.attributes | pairs_of(attributes, "--attribute"),
        delimiter=delimiter or found.delimiter,
        list_separator=found.list_separator,
        encoding=encoding or found.encoding,
    )


def _read(file: Path) -> MappingFile:
    """Every scalar is text, as columns may be called 2020 or NO."""
    try:
        return msgspec.convert(texts_of(outline(Source(read_text(file)))) or {}, MappingFile)
    except (DocumentError, NoValueError, msgspec.ValidationError) as error:
        raise fail(f"Expected a mapping in {file}, but {cut(str(error), 1_000)}") from error
