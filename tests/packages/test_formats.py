"""What a list comes to: rows, persons, rows set aside."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace

from adapters.importing.csv_blocks import MAX_LINE
from adapters.importing.formats import CHUNK_ROWS, UnreadableError, read_chunks
from engine.events import ColumnMapping, Person, TaskRow
from tests.packages.lists import GOOD, HEADER, ONE, chunks_of, packed, read, written


def with_cell(column: str, cell: str) -> tuple[str, ...]:
    return tuple(cell if name == column else good for name, good in zip(HEADER, GOOD, strict=True))


def test_a_row_is_read_under_its_mapping() -> None:
    rows, persons, rejected = read(written([HEADER, GOOD]))
    assert rows == [TaskRow(2, "C1", "amy", "JS", 7, (31, 4.5, "A", ("a", "b"), True))]
    assert chunks_of(written([HEADER, GOOD]))[0].columns == ("overdue_days", "rate", "segment", "tags", "vip")
    assert persons == [Person("张伟", "19900000001")]
    assert rejected == []


def test_empty_cells_are_absent_and_space_around_a_cell_is_not_part_of_it() -> None:
    row = (" C1 ", "", " ", "", "\u3000", "", " 31 ", "", " ", "", "")
    rows, persons, _ = read(written([HEADER, row]), priority=9)
    assert rows == [TaskRow(2, "C1", None, None, 9, (31, None, None, None, None))]
    assert persons == [Person()]


def test_no_personal_data_where_the_mapping_names_none() -> None:
    assert read(b"c,v\n1,2\n", ONE)[1] == []


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("customer", " ", "Expected a customer number"),
        ("urgency", "101", "Expected a priority of 0 to 100"),
        ("urgency", "-1", "Expected a priority of 0 to 100"),
        ("urgency", "high", "Expected a whole number"),
        ("days", "3.0", "Expected a whole number"),
        ("days", "1_000", "Expected a whole number"),
        ("days", "１２", "Expected a whole number"),
        ("days", "9223372036854775808", "inside 64 bits"),
        ("days", "9" * 5_000, "Expected a whole number"),
        ("rate", "nan", "Expected a number"),
        ("rate", "inf", "Expected a number"),
        ("rate", "1e999", "below 1e300"),
        ("rate", "4,5", "Expected a number"),
        ("vip", "maybe", "Expected true or false"),
        ("tags", "|".join("abcdefghij" * 101), "at most 1000 members"),
        ("segment", "x" * 4_097, "at most 4096 characters"),
        ("name", "x" * 4_097, "at most 4096 characters"),
        ("customer", "x" * 4_097, "at most 4096 characters"),
    ],
)
def test_a_cell_that_does_not_fit_sets_its_row_aside(column: str, cell: str, expected: str) -> None:
    rows, persons, rejected = read(written([HEADER, GOOD, with_cell(column, cell), GOOD]))
    assert [row.line for row in rows] == [2, 4] and len(persons) == 2
    assert [(row.line, row.column) for row in rejected] == [(3, column)]
    assert expected in rejected[0].reason and len(rejected[0].text) <= 500


def test_numbers_at_the_edge_of_64_bits_are_taken() -> None:
    for number in (2**63 - 1, -(2**63)):
        assert read(written([HEADER, with_cell("days", str(number))]))[0][0].attributes[0] == number


@pytest.mark.parametrize("line", ["1", "1,2,3", "1,2,", '"1,2', '"1"x,2', "1,2\rx", "1\0,2", "1,\0"])
def test_a_row_that_cannot_be_read_costs_no_other_row(line: str) -> None:
    rows, _, rejected = read(f"c,v\na,b\n{line}\nc,d\n".encode(), ONE)
    assert [(row.customer, row.line) for row in rows] == [("a", 2), ("c", 4)]
    assert [(row.line, row.column) for row in rejected] == [(3, "")]
    assert rejected[0].reason.startswith("Expected ") and "\0" not in rejected[0].text


def test_bytes_of_another_encoding_cost_one_row_quoted_line_end_and_all() -> None:
    rows, _, rejected = read(b"c,v\n" + "1,好\n".encode() * 3 + b'2,"\xff\n\xfe"\n3,x\n', ONE)
    assert [row.line for row in rows] == [2, 3, 4, 7]
    assert [(row.line, "encoding" in row.reason) for row in rejected] == [(5, True)]


def test_an_open_quote_costs_its_line_however_far_it_reaches() -> None:
    lines = ["c,v", '1,"open'] + [f"{number},x" for number in range(5_000)]
    rows, _, rejected = read("\n".join(lines).encode(), ONE)
    assert [row.line for row in rows] == list(range(3, 5_003))
    assert [(row.line, row.text) for row in rejected] == [(2, '1,"open')]


def test_a_line_without_bounds_costs_itself_alone() -> None:
    long = b"1," + b"x" * (3 * MAX_LINE)
    rows, _, rejected = read(b"c,v\n0,a\n" + long + b"\n2,b\n" + b'3,"' + long + b'"\n4,c\n', ONE)
    assert [(row.line, row.customer) for row in rows] == [(2, "0"), (4, "2"), (6, "4")]
    assert [row.line for row in rejected] == [3, 5]


def test_lines_are_counted_as_they_stand_in_the_file() -> None:
    data = b'\r\nc,v\r\n1,"a\r\nb"\r\n\r\n2,x\r\n"3","y"'
    rows, _, _ = read(data, ONE)
    assert [(row.line, row.attributes[0]) for row in rows] == [(3, "a\r\nb"), (6, "x"), (7, "y")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_from_the_header(delimiter: str) -> None:
    rows, _, _ = read(written([("c", "other, one", "v"), ("1", "a;b", "x")], delimiter=delimiter), ONE)
    assert rows[0].attributes == ("x",)


def test_a_declared_delimiter_is_kept_to() -> None:
    rows, _, _ = read(b"c~v,w\n1~2,3\n", ColumnMapping(customer="c", attributes={"v": "v,w"}, delimiter="~"))
    assert rows[0].attributes == ("2,3",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("zipped", [False, True])
def test_encodings_and_packing_are_found_from_the_content(encoding: str, zipped: bool) -> None:
    data = written([HEADER, *[GOOD] * 9], encoding=encoding)
    _, persons, _ = read(packed(data) if zipped else data)
    assert persons[0].name == "张伟"


def test_one_bad_line_does_not_change_the_encoding_found() -> None:
    data = written([HEADER, *[GOOD] * 9]) + b"C2,\xd5\xc5\xce\xb0" + b"," * 9 + b"\n"
    rows, _, rejected = read(data)
    assert len(rows) == 9 and len(rejected) == 1


def test_a_declared_encoding_counts_where_the_first_lines_do_not_tell() -> None:
    data = b"c,v\n" + b"1,x\n" * 100_000 + "2,好\n".encode("gb18030")
    assert read(data, replace(ONE, encoding="GB18030"))[0][-1].attributes == ("好",)
    assert len(read(data, ONE)[2]) == 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"c,vv\n", "Expected column 'v' for attributes.v, but the header has none (did you mean 'vv'?)"),
        (b"c,c,v\n", "'c' more than once"),
        (b'c,"v\n', "closing quote"),
        (b"PK\x03\x04rest", "Excel"),
        ("c,v\n".encode("utf-16"), "UTF-16"),
        (b"\x1f\x8bnot gzip at all", "whole gzip file"),
        (packed(b"c,v\n1,2\n")[:-4], "whole gzip file"),
        (packed(b"c,v\n1,2\n") + b"rest", "whole gzip file"),
        (b"c,v," + b",".join(b"c%d" % number for number in range(2_000)) + b"\n", "at most 2000 columns"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_its_reason(data: bytes, expected: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        chunks_of(data, ONE)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [("encoding", "latin-1", "utf-8 or gb18030"), ("delimiter", '"', "one character"), ("region", "reg", "'region'")],
)
def test_a_mapping_that_cannot_be_followed_is_refused(field: str, value: str, expected: str) -> None:
    with pytest.raises(UnreadableError, match=expected):
        chunks_of(b"c,v,region\n", replace(ONE, **{field: value}))


def test_rows_before_the_damage_are_still_given() -> None:
    data = packed(b"c,v\n" + b"".join(b"%d,%x\n" % (number, number**9) for number in range(50_000)))
    chunks = read_chunks(io.BytesIO(data[:-2_000]), ONE)
    assert len(next(chunks).rows) == CHUNK_ROWS
    with pytest.raises(UnreadableError, match="whole gzip file"):
        list(chunks)


def test_members_of_a_gzip_file_are_read_one_after_another() -> None:
    rows, _, _ = read(packed(b"c,v\n1,2\n") + packed(b"3,4\n"), ONE)
    assert [row.customer for row in rows] == ["1", "3"]
