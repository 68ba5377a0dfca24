"""The contract itself: the rules of ``buf lint`` STANDARD that descriptors can show, comments everywhere, AIP habits."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet

PROTO = Path(__file__).parents[2] / "proto"
FILES = sorted(path.relative_to(PROTO).as_posix() for path in PROTO.glob("paidan/v1/*.proto"))

QUERIES = ("Get", "List", "Diff", "Read", "Explain", "Verify", "Download", "Watch", "Next", "Simulate")
WITHOUT_MIN_POSITION = {
    "ReadEventsRequest": "names the position to read from",
    "WatchAssignmentsRequest": "names the position to go on from",
    "WatchPackagesToImportRequest": "reads the writer's own state",
    "WatchCallsRequest": "reads the writer's own state",
}


def protoc(*arguments: str) -> None:
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(PROTO), *arguments, *FILES]
    environment = {"PATH": str(Path(sys.executable).parent)}
    subprocess.run(command, check=True, env=environment, cwd=PROTO)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[FileDescriptorProto]:
    target = tmp_path_factory.mktemp("descriptors") / "all.binpb"
    protoc("--include_source_info", f"--descriptor_set_out={target}")
    return list(FileDescriptorSet.FromString(target.read_bytes()).file)


@pytest.fixture(scope="module")
def messages(files: list[FileDescriptorProto]) -> dict[str, DescriptorProto]:
    return {message.name: message for file in files for message in file.message_type}


def methods(files: list[FileDescriptorProto]) -> Iterator[tuple[str, object]]:
    for file in files:
        for service in file.service:
            for method in service.method:
                yield service.name, method


def test_files_stand_where_their_package_says(files: list[FileDescriptorProto]) -> None:
    assert len(files) == len(FILES) > 5
    for file in files:
        assert file.syntax == "proto3" and file.package == "paidan.v1"
        assert re.fullmatch(r"paidan/v1/[a-z_]+\.proto", file.name)
        assert not file.public_dependency and not file.weak_dependency


def test_every_import_is_used(files: list[FileDescriptorProto]) -> None:
    for file in files:
        text = str(file.message_type) + str(file.service)
        for dependency in file.dependency:
            if dependency.startswith("google/"):
                assert ".google.protobuf.Timestamp" in text
                continue
            defined = next(other for other in files if other.name == dependency)
            names = [item.name for item in (*defined.message_type, *defined.enum_type)]
            assert any(f'".paidan.v1.{name}"' in text for name in names), (file.name, dependency)


def test_names(files: list[FileDescriptorProto]) -> None:
    for file in files:
        for message in file.message_type:
            assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", message.name)
            assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", field.name) for field in message.field)
            assert all(
                re.fullmatch(r"[a-z][a-z0-9_]*", oneof.name) for oneof in message.oneof_decl if oneof.name[0] != "_"
            )


def test_enums_begin_unspecified_and_carry_their_name(files: list[FileDescriptorProto]) -> None:
    for file in files:
        for enum in file.enum_type:
            _check_enum(enum)


def _check_enum(enum: EnumDescriptorProto) -> None:
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper() + "_"
    assert enum.value[0].number == 0 and enum.value[0].name == f"{prefix}UNSPECIFIED"
    assert all(re.fullmatch(prefix + r"[A-Z0-9_]+", value.name) for value in enum.value)
    assert len({value.number for value in enum.value}) == len(enum.value)


def test_every_rpc_has_a_request_and_a_response_of_its_own(files: list[FileDescriptorProto]) -> None:
    seen: set[str] = set()
    for service, method in methods(files):
        assert re.fullmatch(r"[A-Z][A-Za-z]*Service", service)
        assert method.input_type == f".paidan.v1.{method.name}Request"
        assert method.output_type == f".paidan.v1.{method.name}Response"
        assert method.name not in seen
        seen.add(method.name)


def test_everything_has_a_comment(files: list[FileDescriptorProto]) -> None:
    for file in files:
        commented = {tuple(location.path) for location in file.source_code_info.location if location.leading_comments}
        assert (12,) in commented, f"{file.name} does not say what it is"
        for path, name in _things(file):
            assert path in commented, f"{file.name}: {name} has no comment"


def _things(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    for m, message in enumerate(file.message_type):
        yield (4, m), message.name
        yield from (((4, m, 2, f), f"{message.name}.{field.name}") for f, field in enumerate(message.field))
    for e, enum in enumerate(file.enum_type):
        yield (5, e), enum.name
        yield from (((5, e, 2, v), value.name) for v, value in enumerate(enum.value))
    for s, service in enumerate(file.service):
        yield (6, s), service.name
        yield from (((6, s, 2, m), method.name) for m, method in enumerate(service.method))


def test_mutations_take_a_request_id_and_tell_their_position(
    files: list[FileDescriptorProto], messages: dict[str, DescriptorProto]
) -> None:
    for _, method in methods(files):
        if method.name.startswith(QUERIES):
            continue
        name = "UploadHeader" if method.name == "UploadPackage" else f"{method.name}Request"
        assert "request_id" in {field.name for field in messages[name].field}, method.name
        assert "position" in {field.name for field in messages[f"{method.name}Response"].field}, method.name


def test_queries_take_a_minimum_position_and_tell_theirs(
    files: list[FileDescriptorProto], messages: dict[str, DescriptorProto]
) -> None:
    for _, method in methods(files):
        if not method.name.startswith(QUERIES):
            continue
        asked = {field.name for field in messages[f"{method.name}Request"].field}
        assert "min_position" in asked or f"{method.name}Request" in WITHOUT_MIN_POSITION, method.name
        assert "position" in {field.name for field in messages[f"{method.name}Response"].field}, method.name


def test_lists_have_pages(messages: dict[str, DescriptorProto]) -> None:
    for name, message in messages.items():
        if name.startswith("List") and name.endswith("Request"):
            assert {"page_size", "page_token", "parent"} <= {field.name for field in message.field}, name
            response = messages[name.replace("Request", "Response")]
            assert "next_page_token" in {field.name for field in response.field}, name


def test_the_stubs_in_the_tree_are_those_of_the_contract(tmp_path: Path) -> None:
    protoc(*(f"--{kind}={tmp_path}" for kind in ("python_out", "grpc_python_out")), *_typed(tmp_path))
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.py*"))
    there = sorted(path.relative_to(PROTO) for path in PROTO.rglob("*_pb2*.py*") if "__pycache__" not in path.parts)
    assert made == there
    for path in made:
        assert (tmp_path / path).read_bytes() == (PROTO / path).read_bytes(), f"{path} is not up to date: make proto"


def _typed(target: Path) -> tuple[str, ...]:
    return (f"--mypy_out=quiet:{target}", f"--mypy_grpc_out=quiet:{target}")
