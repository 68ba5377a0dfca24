"""Records become task rows under a mapping; what does not fit is set aside with line, column and reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import itemgetter

import msgspec

from adapters.importing.cells import CellError, Column, Value, column_of, read_priority, read_text
from adapters.importing.csv_header import check_header
from adapters.importing.csv_records import Flaw, Record
from engine.decide.attributes import MAX_TEXT
from engine.events import ColumnMapping, Person, RejectedRow, TaskRow

_NO_CUSTOMER = "Expected a customer number, but the cell is empty"
MAX_REJECTED_TEXT = 500
"""Characters kept of a row set aside."""


class Chunk(msgspec.Struct, frozen=True):
    """Up to some hundreds of source rows, read."""

    index: int
    """0, 1, 2 ... in the source."""
    columns: tuple[str, ...]
    """Attribute names, sorted."""
    rows: tuple[TaskRow, ...]
    persons: tuple[Person, ...]
    """As long as ``rows``, or empty when the mapping names no personal data."""
    rejected: tuple[RejectedRow, ...]
    last_line: int
    """Line that its last record begins on."""


class RowError(CellError):
    """The row as a whole cannot be read."""


class RowReader:
    """Reads the records under one header. Raises UnreadableError if a mapped column is not in it."""

    def __init__(self, names: list[str], mapping: ColumnMapping, priority: int = 0) -> None:
        check_header(names, mapping)
        self.columns = tuple(sorted(mapping.attributes))
        self._names = names
        self._name_at = names.index(mapping.name) if mapping.name else None
        layout = _Layout(names, mapping, priority)
        self._readers = layout.readers()
        self._layout = layout
        self._row = layout.row_reader()
        self._person = layout.person_reader()

    def chunk(self, index: int, records: Sequence[Record]) -> Chunk:
        """The rows of these records, and those set aside."""
        return self._by_column(index, records) or self._by_row(index, records)

    def _by_column(self, index: int, records: Sequence[Record]) -> Chunk | None:
        """All at once, at a third of the cost; None where one of them has something wrong with it."""
        lines, texts, cells, flaws = zip(*records, strict=True)
        if any(flaws) or set(map(len, cells)) != {len(self._names)} or max(map(len, texts)) > MAX_TEXT:
            return None
        columns = list(zip(*cells, strict=True))
        try:
            rows = self._layout.rows(lines, columns)
        except CellError:
            return None
        return Chunk(index, self.columns, rows, self._layout.persons(columns), (), lines[-1])

    def _by_row(self, index: int, records: Sequence[Record]) -> Chunk:
        rows: list[TaskRow] = []
        persons: list[Person] = []
        rejected: list[RejectedRow] = []
        width, read_row, read_person = len(self._names), self._row, self._person
        for line, text, cells, flaw in records:
            try:
                if flaw is not None or len(cells) != width or len(text) > MAX_TEXT:
                    self._check(cells, flaw)
                rows.append(read_row(line, cells))
            except CellError as error:
                column = self._column_at_fault(cells, error)
                rejected.append(RejectedRow(line, column, str(error), shown(text), self._name_in(cells)))
                continue
            if read_person is not None:
                persons.append(read_person(cells))
        return Chunk(index, self.columns, tuple(rows), tuple(persons), tuple(rejected), records[-1][0])

    def _check(self, cells: list[str], flaw: Flaw | None) -> None:
        if flaw is not None:
            raise RowError(flaw)
        if len(cells) != len(self._names):
            raise RowError(f"Expected {len(self._names)} cells as in the header, but there are {len(cells)}")
        for _, at, read in self._readers:
            read(cells[at])

    def _name_in(self, cells: list[str]) -> str:
        """The customer's name; empty where there is no such column, or the row has another number of cells."""
        at = self._name_at
        return cells[at].strip()[:MAX_REJECTED_TEXT] if at is not None and len(cells) >= len(self._names) else ""

    def _column_at_fault(self, cells: list[str], error: CellError) -> str:
        """Empty: the row as a whole."""
        if isinstance(error, RowError):
            return ""
        return next((column for column, at, read in self._readers if not _reads(read, cells[at])), "")


def shown(text: str) -> str:
    """A row as it is kept with its rejection."""
    text = text.rstrip("\r\n").replace("\0", "\ufffd")
    return text if len(text) <= MAX_REJECTED_TEXT else text[: MAX_REJECTED_TEXT - 1] + "…"


class _Layout:
    """Where the mapped columns stand. Fields that are not mapped stand at an empty cell put after the last."""

    def __init__(self, names: list[str], mapping: ColumnMapping, priority: int) -> None:
        self._nowhere = len(names)
        self._at = {name: index for index, name in enumerate(names) if name}
        self._mapping = mapping
        self._owner: Column[str | None] = Column(read_text, None)
        self._region: Column[str | None] = Column(read_text, None)
        self._priority = Column(read_priority, priority)
        separator = mapping.list_separator or "|"
        self._attributes = [
            (self._place(mapping.attributes[name]), column_of(mapping.types.get(name, "string"), separator))
            for name in sorted(mapping.attributes)
        ]

    def readers(self) -> list[tuple[str, int, Callable[[str], object]]]:
        """(column, place, reader) of every mapped column, to find the one at fault."""
        return [(column, at, read) for column, at, read in self._every() if column is not None]

    def _every(self) -> Iterator[tuple[str | None, int, Callable[[str], object]]]:
        mapping = self._mapping
        yield mapping.customer, self._place(mapping.customer), _read_customer
        for column in (mapping.name, mapping.mobile, mapping.id_card):
            yield column, self._place(column), lambda cell: read_text(cell.strip())
        yield mapping.owner, self._place(mapping.owner), self._owner.__getitem__
        yield mapping.region, self._place(mapping.region), self._region.__getitem__
        yield mapping.priority, self._place(mapping.priority), self._priority.__getitem__
        for name, (at, reader) in zip(sorted(mapping.attributes), self._attributes, strict=True):
            yield mapping.attributes[name], at, reader.__getitem__

    def rows(self, lines: Sequence[int], columns: Sequence[Sequence[str]]) -> tuple[TaskRow, ...]:
        """Rows from the columns of whole records; raises CellError. What it does for a cell is done in C."""
        mapping, count = self._mapping, len(lines)

        def read(column: str | None, reader: Column[Value], absent: Value) -> Iterable[Value]:
            return repeat(absent, count) if column is None else map(reader.__getitem__, columns[self._at[column]])

        customers = self._texts(mapping.customer, columns, count)
        if mapping.customer is not None and None in customers:
            raise CellError(_NO_CUSTOMER)
        owners = read(mapping.owner, self._owner, None)
        regions = read(mapping.region, self._region, None)
        priorities = read(mapping.priority, self._priority, self._priority[""])
        values = [map(reader.__getitem__, columns[at]) for at, reader in self._attributes]
        attributes = zip(*values, strict=True) if values else repeat((), count)
        return tuple(map(TaskRow, lines, customers, owners, regions, priorities, attributes))

    def persons(self, columns: Sequence[Sequence[str]]) -> tuple[Person, ...]:
        """Personal data from the columns of whole records; empty if the mapping names none."""
        mapping = self._mapping
        if not (mapping.name or mapping.mobile or mapping.id_card):
            return ()
        named = (mapping.name, mapping.mobile, mapping.id_card)
        return tuple(map(Person, *(self._texts(column, columns, len(columns[0])) for column in named)))

    def _texts(self, column: str | None, columns: Sequence[Sequence[str]], count: int) -> list[str | None]:
        if column is None:
            return [None] * count
        return [cell.strip() or None for cell in columns[self._at[column]]]

    def row_reader(self) -> Callable[[int, list[str]], TaskRow]:
        """(line, cells) -> row; raises CellError. For chunks in which some row has to be set aside."""
        mapping, nowhere = self._mapping, self._nowhere
        customer, owner, region, priority = map(
            self._place, (mapping.customer, mapping.owner, mapping.region, mapping.priority)
        )
        owners, regions, priorities, needs_customer = self._owner, self._region, self._priority, mapping.customer
        readers = [reader for _, reader in self._attributes]
        pick = itemgetter(*(at for at, _ in self._attributes), nowhere, nowhere)  # of two or more, so it gives a tuple

        def read(line: int, cells: list[str]) -> TaskRow:
            cells.append("")
            number = cells[customer].strip() or None
            if number is None and needs_customer:
                _read_customer("")
            values = [reader[cell] for reader, cell in zip(readers, pick(cells))]  # noqa: B905
            urgency = priorities[cells[priority]]
            return TaskRow(line, number, owners[cells[owner]], regions[cells[region]], urgency, tuple(values))

        return read

    def person_reader(self) -> Callable[[list[str]], Person] | None:
        """Cells that a row was read from -> person; None if the mapping names no personal data."""
        mapping = self._mapping
        if not (mapping.name or mapping.mobile or mapping.id_card):
            return None
        name, mobile, id_card = map(self._place, (mapping.name, mapping.mobile, mapping.id_card))
        return lambda cells: Person(
            cells[name].strip() or None, cells[mobile].strip() or None, cells[id_card].strip() or None
        )

    def _place(self, column: str | None) -> int:
        return self._nowhere if column is None else self._at[column]


def _read_customer(cell: str) -> str:
    text = read_text(cell.strip())
    if not text:
        raise CellError(_NO_CUSTOMER)
    return text


def _reads(read: Callable[[str], object], cell: str) -> bool:
    try:
        read(cell)
    except CellError:
        return False
    return True
