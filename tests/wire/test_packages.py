"""PackageService and ImporterService over the wire, the importer at work."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import grpc
import msgspec
import pytest
from paidan.v1 import importer_pb2
from paidan.v1 import packages_pb2 as pb

from engine.commands import ImportRows
from engine.events import PackageRegistered
from tests.wire.served import Served, fresh
from tests.wire.telling import refused

AREA = {"customer": "cust", "person_name": "who", "mobile": "phone", "region": "area", "attributes": {"days": "days"}}
SPEC = pb.PackageSpec(segment="S1", task_type="call", business_type="loan", mapping=AREA, priority=5)


def spec(**changes: object) -> pb.PackageSpec:
    changed = pb.PackageSpec(**changes)
    found = pb.PackageSpec()
    found.CopyFrom(SPEC)
    found.MergeFrom(changed)
    return found


def bring(served: Served, uri: object, wanted: pb.PackageSpec = SPEC, **fields: object) -> pb.ImportPackageResponse:
    request = pb.ImportPackageRequest(parent=served.parent, uri=str(uri), spec=wanted, **fields)
    return served.packages.ImportPackage(request)


def watch(served: Served, number: int, position: int) -> list[pb.Package]:
    request = pb.WatchPackageRequest(name=served.name("packages", number), min_position=position)
    return [step.package for step in served.packages.WatchPackage(request, timeout=30)]


def parts(served: Served, data: bytes, size: int = 50, **fields: object) -> Iterator[pb.UploadPackageRequest]:
    header = pb.UploadHeader(**{"parent": served.parent, "file_name": "up.csv", "spec": SPEC, **fields})
    yield pb.UploadPackageRequest(header=header)
    for start in range(0, len(data), size):
        yield pb.UploadPackageRequest(data=data[start : start + size])


def test_a_package_from_its_file_to_rest(ruled: Served, list_file: Path) -> None:
    given = fresh()
    answer = bring(ruled, list_file, request_id=given)
    assert answer.changed and answer.name == ruled.name("packages", answer.number)
    steps = watch(ruled, answer.number, answer.position)
    last = steps[-1]
    assert last.status == pb.PACKAGE_STATUS_PARTLY_DISTRIBUTED
    assert (last.segment, last.task_type, last.business_type, last.uri) == ("S1", "call", "loan", str(list_file))
    assert (last.rows, last.rejected, last.distributed, last.rule_set_version) == (5, 1, 4, 1)
    assert dict(last.not_distributed) == {"all_at_capacity": 1}
    assert bring(ruled, list_file, request_id=given) == answer
    again = bring(ruled, list_file)
    assert (again.changed, again.number) == (False, answer.number)
    got = ruled.packages.GetPackage(pb.GetPackageRequest(name=answer.name)).package
    assert got.number == answer.number and got.create_time.seconds <= got.update_time.seconds


def test_a_repeat_needs_the_source_no_more(ruled: Served, list_file: Path) -> None:
    given = fresh()
    list_file.write_text(list_file.read_text() + "C99,Somebody,13800000099,JS,9\n")
    answer = bring(ruled, list_file, request_id=given)
    assert answer.changed
    list_file.unlink()
    assert bring(ruled, list_file, request_id=given) == answer
    assert refused(bring, ruled, list_file, request_id=fresh()).code is grpc.StatusCode.INVALID_ARGUMENT


def test_rows_set_aside_are_listed_and_downloaded(ruled: Served, list_file: Path) -> None:
    lines = list_file.read_text().splitlines()
    list_file.write_text("\n".join([*lines, *("C9,x,13900000000,r,none" for _ in range(1_100))]) + "\n")
    answer = bring(ruled, list_file)
    watch(ruled, answer.number, answer.position)
    request = pb.ListRejectedRowsRequest(parent=answer.name, page_size=600)
    page = ruled.packages.ListRejectedRows(request)
    assert len(page.rejected_rows) == 600
    first = page.rejected_rows[0]
    assert (first.line, first.column) == (7, "days") and "many" in first.text and first.reason.startswith("Expected")
    request.page_token = page.next_page_token
    rest = ruled.packages.ListRejectedRows(request)
    assert len(rest.rejected_rows) == 501 and not rest.next_page_token
    batches = list(ruled.packages.DownloadRejectedRows(pb.DownloadRejectedRowsRequest(parent=answer.name)))
    assert [row.line for batch in batches for row in batch.rejected_rows] == list(range(7, 1_108))
    assert 100 <= len(batches[0].rejected_rows) <= 500


def test_an_upload(ruled: Served, list_file: Path) -> None:
    data = gzip.compress(list_file.read_bytes().replace(b"C1", b"U1"))
    given = fresh()
    answer = ruled.packages.UploadPackage(parts(ruled, data, file_name="up.csv.gz", request_id=given))
    assert answer.changed
    assert watch(ruled, answer.number, answer.position)[-1].rows == 5
    assert ruled.packages.UploadPackage(parts(ruled, data, file_name="up.csv.gz", request_id=given)) == answer


def test_an_upload_that_is_none(ruled: Served) -> None:
    upload = ruled.packages.UploadPackage
    assert refused(upload, iter([])).fields == ["header"]
    assert refused(upload, iter([pb.UploadPackageRequest(data=b"x")])).fields == ["header"]
    twice = [*parts(ruled, b""), *parts(ruled, b"")]
    assert refused(upload, iter(twice)).fields == ["data"]
    assert refused(upload, parts(ruled, b"x" * 2_000_000, 1_500_000)).fields == ["data"]
    assert refused(upload, parts(ruled, b"", file_name="")).fields == ["header.file_name"]
    assert refused(upload, parts(ruled, b"", parent="x")).fields == ["header.parent"]
    assert "header.spec.task_type" in refused(upload, parts(ruled, b"", spec=pb.PackageSpec())).fields


def test_an_upload_broken_off_leaves_nothing(ruled: Served, list_file: Path) -> None:
    def broken() -> Iterator[pb.UploadPackageRequest]:
        yield from parts(ruled, list_file.read_bytes())
        raise RuntimeError("the line is cut")

    before = ruled.writer.position
    found = refused(ruled.packages.UploadPackage, broken())
    assert found.code in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED)
    assert ruled.writer.position == before


def test_a_list_that_cannot_be_had(ruled: Served, tmp_path: Path) -> None:
    found = refused(bring, ruled, tmp_path / "nothing.csv")
    assert (found.code, found.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "SOURCE_UNREADABLE")
    assert found.fields == ["uri"] and "nothing.csv" in found.message


def test_a_list_that_cannot_be_read_fails_its_package(ruled: Served, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    answer = bring(ruled, file)
    last = watch(ruled, answer.number, answer.position)[-1]
    assert last.status == pb.PACKAGE_STATUS_FAILED and last.failure


def test_withdrawing(ruled: Served, list_file: Path) -> None:
    list_file.write_text(list_file.read_text().replace("C1", "W1"))
    answer = bring(ruled, list_file)
    watch(ruled, answer.number, answer.position)
    given = pb.WithdrawPackageRequest(name=answer.name, reason="wrong list", request_id=fresh())
    gone = ruled.packages.WithdrawPackage(given)
    assert gone.changed and gone == ruled.packages.WithdrawPackage(given)
    assert not ruled.packages.WithdrawPackage(pb.WithdrawPackageRequest(name=answer.name)).changed
    assert watch(ruled, answer.number, gone.position)[-1].status == pb.PACKAGE_STATUS_WITHDRAWN


def test_a_spool_that_cannot_be_written(ruled: Served, list_file: Path) -> None:
    """It passes: the caller is told when to come again."""
    spool, away = ruled._spool_directory, ruled._spool_directory.with_name("away")
    spool.rename(away)
    try:
        found = refused(bring, ruled, list_file)
    finally:
        away.rename(spool)
    assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "SPOOL_UNWRITABLE")
    assert found.retry_s > 0 and "No such file or directory; make room there" in found.message


def test_lists_of_packages(ruled: Served) -> None:
    newest = ruled.packages.ListPackages(pb.ListPackagesRequest(parent=ruled.parent)).packages
    numbers = [package.number for package in newest]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) > 3
    asked = pb.ListPackagesRequest(parent=ruled.parent, filter='status = "failed"', order_by="create_time", page_size=1)
    assert [item.status for item in ruled.packages.ListPackages(asked).packages] == [pb.PACKAGE_STATUS_FAILED]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"segment": "x" * 200}, "spec.segment"),
        ({"business_type": "x" * 200}, "spec.business_type"),
        ({"priority": 101}, "spec.priority"),
        ({"mapping": {"customer": "a\nb"}}, "spec.mapping.customer"),
        ({"mapping": {"attributes": {"days": ""}}}, "spec.mapping.attributes.days"),
        ({"mapping": {"attributes": {"nope": "x"}}}, "mapping.attributes.nope"),
        ({"mapping": {"delimiter": ";;"}}, "spec.mapping.delimiter"),
        ({"mapping": {"list_separator": "::"}}, "spec.mapping.list_separator"),
        ({"mapping": {"encoding": "latin-1"}}, "spec.mapping.encoding"),
    ],
)
def test_bad_input_names_its_field(ruled: Served, list_file: Path, changes: dict[str, object], field: str) -> None:
    found = refused(bring, ruled, list_file, spec(**changes))
    assert found.code == grpc.StatusCode.INVALID_ARGUMENT and found.fields == [field]


def test_missing_and_unknown_packages(ruled: Served) -> None:
    empty = refused(ruled.packages.ImportPackage, pb.ImportPackageRequest(parent=ruled.parent))
    assert empty.fields == ["uri", "spec.task_type"]
    name = ruled.name("packages", 999)
    for method, request in (
        (ruled.packages.GetPackage, pb.GetPackageRequest(name=name)),
        (ruled.packages.WithdrawPackage, pb.WithdrawPackageRequest(name=name)),
        (ruled.packages.WatchPackage, pb.WatchPackageRequest(name=name)),
        (ruled.packages.ListRejectedRows, pb.ListRejectedRowsRequest(parent=name)),
        (ruled.packages.DownloadRejectedRows, pb.DownloadRejectedRowsRequest(parent=name)),
    ):
        found = refused(method, request)
        assert (found.code, found.reason) == (grpc.StatusCode.NOT_FOUND, "PACKAGE_UNKNOWN")


# --- the importer's own service --------------------------------------------------------------------------------------


@pytest.fixture
def unread(ruled: Served, list_file: Path) -> Iterator[int]:
    """A package that nobody imports: the importer is held up."""
    ruled.pause_importer()
    list_file.write_text(list_file.read_text().replace("C1", fresh()[:8]))
    yield bring(ruled, list_file).number
    ruled.resume_importer()


def test_the_importer_hands_in_a_package(ruled: Served, unread: int) -> None:
    server, name = ruled.importer, ruled.name("packages", unread)
    found = server.NextPackage(importer_pb2.NextPackageRequest(parent=ruled.parent, min_position=1)).package
    registered = msgspec.json.decode(found.registration_json, type=PackageRegistered)
    assert found.number == registered.package == unread and found.spool == registered.spool and found.chunks == 0
    stream = server.WatchPackagesToImport(importer_pb2.WatchPackagesToImportRequest(parent=ruled.parent))
    assert next(iter(stream)).package == found
    stream.cancel()
    assert server.StartParsing(importer_pb2.StartParsingRequest(name=name)).changed
    assert not server.StartParsing(importer_pb2.StartParsingRequest(name=name)).changed
    rows = importer_pb2.ImportRowsRequest(name=name, command_json=msgspec.json.encode(ImportRows(unread, 0, (), ())))
    assert server.ImportRows(rows).changed and not server.ImportRows(rows).changed
    early = refused(server.FinishParsing, importer_pb2.FinishParsingRequest(name=name, chunks=2))
    assert (early.code, early.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CHUNKS_MISSING")
    assert server.FinishParsing(importer_pb2.FinishParsingRequest(name=name, chunks=1)).changed


def test_rows_that_make_no_sense(ruled: Served, unread: int) -> None:
    server, name = ruled.importer, ruled.name("packages", unread)
    for payload in (b"", b"{}", b"[1", msgspec.json.encode(ImportRows(unread + 1, 0, (), ()))):
        found = refused(server.ImportRows, importer_pb2.ImportRowsRequest(name=name, command_json=payload))
        assert found.code == grpc.StatusCode.INVALID_ARGUMENT and found.fields == ["command_json"]
    assert refused(server.FailPackage, importer_pb2.FailPackageRequest(name=name)).fields == ["reason"]
    assert server.FailPackage(importer_pb2.FailPackageRequest(name=name, reason="unreadable")).changed
    over = refused(server.StartParsing, importer_pb2.StartParsingRequest(name=name))
    assert over.reason == "PACKAGE_NOT_IMPORTING"
    assert refused(server.StartParsing, importer_pb2.StartParsingRequest(name="x")).fields == ["name"]
    none = server.NextPackage(importer_pb2.NextPackageRequest(parent=ruled.parent))
    assert not none.HasField("package")
