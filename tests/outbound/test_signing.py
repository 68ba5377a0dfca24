"""What is sent, and that others can verify it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from adapters.outbound.answers import AttemptFailedError, DeclinedError, result_of
from adapters.outbound.bodies import body_of
from adapters.outbound.signing import headers_of
from engine.rules.model import Channel
from engine.state.calls import Call, Result
from engine.state.task import Origin

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of thirty bytes").decode()


def test_the_example_of_the_specification() -> None:
    headers = headers_of("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', SECRET)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As docs/outbound.md tells a callee to do it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split())


def test_either_of_two_secrets_verifies_and_nothing_can_be_changed() -> None:
    headers = headers_of("bank-1-4", 1_700_000_000, b"{}", f"{OTHER} {SECRET}")
    assert verified(SECRET, headers, b"{}") and verified(OTHER, headers, b"{}")
    assert not verified(SECRET, headers, b"{ }")
    assert not verified(SECRET, {**headers, "webhook-timestamp": "1700000001"}, b"{}")
    assert "webhook-signature" not in headers_of("bank-1-4", 1_700_000_000, b"{}", None)


ORIGIN = Origin("call", "loan", ("zone", "level"), 1_700_000_000_000, 0, 3)


def _call(result: Result | None = None) -> Call:
    to = Channel(None, "crm.results")
    return Call(8, 41, 1_700_000_001_500, to, 0, ORIGIN, 7, "c1", None, "JS", ("a", None), "", result)


def test_what_a_callback_says() -> None:
    assert json.loads(body_of(_call(), "bank")) == {
        "type": "task.callback",
        "timestamp": "2023-11-14T22:13:21.500Z",
        "data": {
            "workspace": "bank", "task": 8, "task_type": "call", "business_type": "loan", "priority": 7,
            "customer": "c1", "owner": None, "region": "JS", "package": 3, "attributes": {"zone": "a"},
            "created_at": "2023-11-14T22:13:20.000Z",
        },
    }  # fmt: skip


def test_what_a_result_says_beside() -> None:
    data = json.loads(body_of(_call(Result(1_700_000_001_500, "ann", {"note": "paid"}, 0, 1_700_000_001_500)), "bank"))
    assert data["type"] == "task.result"
    ended = {name: data["data"][name] for name in ("completed_at", "agent", "result", "resolve_by", "in_time")}
    at = "2023-11-14T22:13:21.500Z"
    assert ended == {"completed_at": at, "agent": "ann", "result": {"note": "paid"}, "resolve_by": at, "in_time": True}
    late = json.loads(body_of(_call(Result(1_700_000_001_501, "", {}, 0, 1_700_000_001_500)), "bank"))["data"]
    assert (late["in_time"], late["agent"], late["respond_by"]) == (False, None, None)


def test_what_an_answer_means() -> None:
    assert result_of(b"") == {} == result_of(b'{"handled": true}')
    answer = b'{"handled": true, "balance": 12, "name": "\xe5\xbc\xa0", "gone": null, "list": [1, "a"]}'
    assert result_of(answer) == {"balance": "12", "name": "张", "list": '[1,"a"]'}
    with pytest.raises(DeclinedError, match="no such number"):
        result_of(b'{"handled": false, "reason": "no such number"}')


@pytest.mark.parametrize(
    "answer",
    [b"<html>", b"[]", b"3", b"\xff", b'{"handled": "no"}', b'{"stream": "s", "seq": 4}', b"[" * 100_000,
     b'{"x": "' + b"x" * 4_001 + b'"}', json.dumps(dict.fromkeys(map(str, range(101)), 1)).encode()],
)  # fmt: skip
def test_what_is_no_answer_is_not_asked_for_again(answer: bytes) -> None:
    with pytest.raises(AttemptFailedError, match=r"^Expected") as failed:
        result_of(answer)
    assert not failed.value.again
