"""What a message asks for, in each of the ways it may be said; and what is told of one that says nothing."""

from __future__ import annotations

import pytest

from adapters.nats_bus.intake_message import NewPerson, NewTask
from adapters.nats_bus.intake_reading import LONGEST_ID, LONGEST_TOLD, BadMessageError, Wish, read

PLAIN = b'{"task_type":"errand","priority":7,"attributes":{"days":3,"tags":["a"]},"person":{"name":"Li","id_card":"1"}}'
TASK = NewTask(
    "errand", priority=7, attributes={"days": 3, "tags": ["a"]}, person=NewPerson(name="Li", id_card="1")
)  # fmt: skip
STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
EVENT = b'{"specversion":"1.0","id":"7","source":"/crm","type":"due","team":"x","correlationid":"c","traceparent":"t","data":%s}'


def wish(headers: dict[str, str], payload: bytes = PLAIN) -> Wish:
    return read(headers, payload, 10_000, "5@1.0")


def refused(headers: dict[str, str], payload: bytes = PLAIN) -> tuple[str, str]:
    with pytest.raises(BadMessageError) as found:
        wish(headers, payload)
    assert str(found.value).startswith("Expected ") and str(found.value).isprintable()
    return found.value.reason, str(found.value)


def test_a_task_as_it_is() -> None:
    assert wish({}) == Wish("nats-seq:5@1.0", TASK)
    assert wish({"Nats-Msg-Id": "A-1", "traceparent": "t", "Paidan-Correlation": "c"}) == Wish(
        "nats:A-1", TASK, "c", "t"
    )


def test_a_cloud_event_in_either_mode_is_the_same_request() -> None:
    binary = {"ce-specversion": "1.0", "CE-ID": "7", "ce-source": "/crm", "ce-type": "due", "ce-correlationid": "c"}
    expected = Wish("nats-ce:/crm#7", TASK, "c", "t")
    assert wish(STRUCTURED, EVENT % PLAIN) == expected
    assert wish({**binary, "ce-traceparent": "t", "Content-Type": "application/json"}) == expected
    assert wish({**STRUCTURED, "Nats-Msg-Id": "own"}, EVENT % PLAIN).request == "nats:own"


def test_an_id_of_any_length_and_kind_is_a_request_id() -> None:
    names = ["x" * 500, "x" * 501, "a\tb", "中" * LONGEST_ID, "\udcff"]
    found = {wish({"Nats-Msg-Id": name}).request for name in names}
    assert len(found) == len(names) and all(len(one) <= LONGEST_ID and one.isprintable() for one in found)
    assert wish({"Nats-Msg-Id": "中" * 100}).request == "nats:" + "中" * 100


@pytest.mark.parametrize(
    ("payload", "reason", "told"),
    [
        (b"", "NOT_JSON", "truncated"),
        (b"\xff", "NOT_JSON", ""),
        (b'{"task_type":"x"} {}', "NOT_JSON", "trailing"),
        (b"[]", "MESSAGE_INVALID", "`array`"),
        (b"{}", "MESSAGE_INVALID", "`task_type`"),
        (b'{"task_type":""}', "MESSAGE_INVALID", "$.task_type"),
        (b'{"task_type":"x","colour":1}', "MESSAGE_INVALID", "unknown field `colour`"),
        (b'{"task_type":"x","person":{"age":1}}', "MESSAGE_INVALID", "unknown field `age`"),
        (b'{"task_type":"x","priority":101}', "MESSAGE_INVALID", "$.priority"),
        (b'{"task_type":"x","priority":"1"}', "MESSAGE_INVALID", "$.priority"),
        (b'{"task_type":"x","attributes":{"a":{}}}', "MESSAGE_INVALID", "$.attributes"),
        (b'{"task_type":"x","attributes":{"a":9223372036854775808}}', "MESSAGE_INVALID", "$.attributes"),
        (b'{"task_type":"x","customer":"' + b"c" * 129 + b'"}', "MESSAGE_INVALID", "$.customer"),
        (b'{"task_type":"x","' + b"\\u202e" * 900 + b'":1}', "MESSAGE_INVALID", "\ufffd"),
        (b" " * 10_001, "MESSAGE_TOO_LARGE", "10000 bytes"),
    ],
)
def test_what_is_no_task_is_told(payload: bytes, reason: str, told: str) -> None:
    found, message = refused({}, payload)
    assert found == reason and told in message and len(message) <= LONGEST_TOLD


@pytest.mark.parametrize(
    ("headers", "payload", "told"),
    [
        (STRUCTURED, b"{}", "specversion"),
        (STRUCTURED, EVENT.replace(b"1.0", b"0.3") % PLAIN, "'0.3'"),
        (STRUCTURED, EVENT.replace(b'"7"', b'""') % PLAIN, "id and source"),
        (STRUCTURED, b'{"specversion":"1.0","id":"1","source":"s","data_base64":"e30="}', "`data`"),
        (STRUCTURED, b'{"specversion":"1.0","id":"1","source":"s","x":' + b"[" * 9_000, ""),
        ({"Content-Type": "application/cloudevents-batch+json"}, b"[]", "batch"),
        ({"ce-id": "1"}, PLAIN, "id and source"),
        ({"ce-id": "1", "ce-source": "s", "Content-Type": "text/xml"}, PLAIN, "text/xml"),
    ],
)
def test_what_is_no_cloud_event_of_ours_is_told(headers: dict[str, str], payload: bytes, told: str) -> None:
    assert told in refused(headers, payload)[1]
