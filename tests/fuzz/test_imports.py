"""Lists that nobody would send, all the way: every line becomes a task or is set aside, or the package has failed and says why."""

from __future__ import annotations

import io
import time
from pathlib import Path

import grpc
from paidan.v1 import packages_pb2 as pb

from adapters.audit.verify import verify
from adapters.grpc_api.status import told
from adapters.importing.formats import UnreadableError, read_chunks
from engine.events import ColumnMapping
from tests.fuzz.hunting import ACCEPTED, expected, hunt, seconds
from tests.fuzz.mutator import Mutator
from tests.fuzz.test_messages import caught_up
from tests.packages.lists import packed
from tests.wire.served import Served

SAMPLE = "cust,who,phone,area,days\n" + "".join(
    f"C{n},张{n},1380000{n:04},region-{n % 2},{n * 10}\n" for n in range(1, 8)
)
ASKED = pb.ColumnMapping(customer="cust", person_name="who", mobile="phone", region="area", attributes={"days": "days"})
READ = ColumnMapping(
    customer="cust", name="who", mobile="phone", region="area", attributes={"days": "days"}, types={"days": "int"}
)
PATIENCE_S = 30.0


class Imports:
    name = "imports"
    slowest_s = 20.0

    def __init__(self, served: Served, directory: Path) -> None:
        self._served, self._file = served, directory / "list.csv"

    def attempt(self, chance: Mutator) -> str:
        data = chance.file([SAMPLE])
        data = packed(data) if chance.random() < 0.2 else data
        self._file.write_bytes(chance.data(data, 2) if chance.random() < 0.2 else data)
        spec = pb.PackageSpec(task_type="call", mapping=ASKED)
        request = pb.ImportPackageRequest(parent=self._served.parent, uri=str(self._file), spec=spec)
        try:
            answer = self._served.packages.ImportPackage(request)
        except grpc.RpcError as error:
            assert told(error).reason, error
            return expected(error.details())  # type: ignore[attr-defined]
        return self._judged(self._settled(answer.number, answer.position))

    def _settled(self, number: int, position: int) -> pb.Package:
        """The package, once nothing more comes of it."""
        request = pb.WatchPackageRequest(name=self._served.name("packages", number), min_position=position)
        last = None
        for step in self._served.packages.WatchPackage(request, timeout=PATIENCE_S):
            last = step.package
        assert last is not None
        return last

    def _judged(self, package: pb.Package) -> str:
        try:
            chunks = list(read_chunks(io.BytesIO(self._file.read_bytes()), READ))
        except UnreadableError as error:
            assert package.status == pb.PACKAGE_STATUS_FAILED, package
            assert package.failure == str(error)
            return "failed: " + expected(package.failure)
        assert package.status != pb.PACKAGE_STATUS_FAILED, package.failure
        lines = (sum(len(chunk.rows) for chunk in chunks), sum(len(chunk.rejected) for chunk in chunks))
        assert (package.rows, package.rejected) == lines
        return ACCEPTED


def test_every_line_is_accounted_for(ruled: Served, tmp_path: Path, postgres: str) -> None:
    figures = hunt(Imports(ruled, tmp_path), seconds(3))
    print(figures.report())
    assert not figures.faults, figures.report()
    assert figures.accepted > 0 and figures.refused
    caught_up(ruled)
    end = time.monotonic() + PATIENCE_S
    report = verify(postgres, ruled.workspace)
    while not report.ok and time.monotonic() < end:  # the views may be on their way while it looks
        report = verify(postgres, ruled.workspace)
    assert report.ok, [finding.message for finding in report.findings if not finding.ok]
