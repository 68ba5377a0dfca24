"""Tasks that come over NATS: each message is one task, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from adapters.processes.embedded_nats import running_nats, stop_nats
from engine import events as ev
from tests.acceptance.sending import Sender
from tests.acceptance.serving import EXAMPLES, Paidan, directory, paidan, until

MESSAGES = 2_000


@pytest.fixture(scope="module")
def served() -> Iterator[Paidan]:
    with directory() as data:
        made = Paidan(data, "retail-bank").start()
        made.told("rules", "apply", str(EXAMPLES / "rules" / "retail-bank.yaml"))
        yield made
        assert made.stop() == 0, made.said()
        stop_nats(data)


@pytest.fixture(scope="module")
def sender(served: Paidan) -> Sender:
    made = Sender(served.data, served.workspace)
    until(lambda: made.waiting() == 0, "the stream", said=served.said)
    return made


def created(served: Paidan) -> dict[str, list[int]]:
    """Tasks by the customer they name."""
    found: dict[str, list[int]] = {}
    with served.log() as log:
        for one in log.replay():
            if isinstance(one.event, ev.TaskCreated):
                found.setdefault(one.event.row.customer or "", []).append(one.event.task)
    return found


def kill(role: str) -> Callable[[Paidan], None]:
    return lambda served: served.process(role).kill()


def kill_nats(served: Paidan) -> None:
    os.kill(int((served.data / "nats" / "pid").read_text()), signal.SIGKILL)


VICTIMS: dict[str, Callable[[Paidan], None]] = {
    "connector": kill("connector"),
    "server": kill("server"),
    "nats": kill_nats,
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_in_the_midst_of_messages(served: Paidan, sender: Sender, victim: str) -> None:
    names = [f"{victim}-{number}" for number in range(MESSAGES)]
    struck = threading.Event()
    sending = threading.Thread(target=sender.send, args=(names, struck))
    before = len(created(served))
    sending.start()
    until(lambda: len(created(served)) > before + MESSAGES // 20, "the first tasks", said=served.said)
    VICTIMS[victim](served)
    reached = len(created(served)) - before
    struck.set()
    sending.join()
    until(lambda: sender.waiting() == 0, "all messages to be taken", said=served.said)
    found = created(served)
    assert reached < MESSAGES and {name: len(found.get(name, ())) for name in names} == dict.fromkeys(names, 1)
    assert [letter for letter in sender.dead() if victim.encode() in (letter.data or b"")] == []


def test_the_fact_names_the_message(served: Paidan, sender: Sender) -> None:
    """So a sender finds his task among the facts."""
    sender.send(["named"])
    until(lambda: sender.waiting() == 0, "the message to be taken", said=served.said)
    (number,) = created(served)["named"]
    with served.log() as log:
        (made,) = (one for one in log.replay() if isinstance(one.event, ev.TaskCreated) and one.event.task == number)
    assert (made.request, made.actor) == ("nats:named", "connector")


def test_what_the_rules_refuse_is_a_dead_letter(served: Paidan, sender: Sender) -> None:
    wrong = b'{"task_type":"follow_up","attributes":{"overdue_days":"many"}}'
    sender.ask(lambda js: js.publish(f"paidan.{served.workspace}.in.tasks", wrong))
    until(lambda: sender.waiting() == 0, "the message to be taken", said=served.said)
    letter = sender.dead()[-1]
    assert letter.data == wrong and letter.headers is not None
    assert letter.headers["Paidan-Reason"] == "TASK_INVALID"
    assert "attributes.overdue_days: Expected int" in letter.headers["Paidan-Error"]


def test_the_example_sends_a_task(served: Paidan, sender: Sender) -> None:
    program, url = EXAMPLES / "intake" / "send_task.py", running_nats(served.data) or ""
    words = [sys.executable, str(program), url, served.workspace, "example", '{"task_type":"errand","customer":"E"}']
    told = [subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[1] for _ in range(2)]
    until(lambda: sender.waiting() == 0, "the message to be taken", said=served.said)
    assert told == ["new", "again"] and len(created(served)["E"]) == 1


def test_without_nats_the_connector_is_there_for_calls_over_http(postgres: str, workspace_name: str) -> None:
    with directory() as data:
        served = Paidan(data, workspace_name, postgres, nats="off").start()
        try:
            served.process("connector")
            with pytest.raises(LookupError):
                served.process("publisher")
        finally:
            assert served.stop() == 0


def test_doctor_tells_what_waits(served: Paidan, sender: Sender) -> None:
    """While the connector stands still: what it was given, or would be."""
    connector = served.process("connector")
    connector.suspend()
    try:
        sender.send(["waiting"])
        told = _doctor(served)
    finally:
        connector.resume()
    name = f"paidan-{served.workspace}_in"
    assert told["intake"] in (
        f"{name}: {wait} messages wait, {given} are given out" for wait, given in ((0, 1), (1, 0))
    )
    until(lambda: sender.waiting() == 0, "the message to be taken", said=served.said)
    assert "0 messages wait, 0 are given out" in _doctor(served)["intake"]


def _doctor(served: Paidan) -> dict[str, str]:
    options = ("--listen", served.address, "--data", str(served.data), "--workspace", served.workspace)
    findings = json.loads(paidan("doctor", *options, "--json").stdout)["findings"]
    return {item["subject"]: item["message"] for item in findings}
