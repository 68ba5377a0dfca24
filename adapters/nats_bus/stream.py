"""The JetStream stream of a workspace: how it is made, and how far it has come.

How far is read from the stream's own last message. Only where messages are gone (they grew too old, or were purged) a
note beside the stream helps, which the publisher leaves in a key-value bucket from time to time.
"""

from __future__ import annotations

import logging

import msgspec
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RawStreamMsg, StorageType, StreamConfig, StreamInfo
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from adapters.nats_bus.subjects import kept_of

log = logging.getLogger("paidan.publisher")

BUCKET = "paidan-published"
SEQUENCE = "Paidan-Sequence"
"""Header: where in the stream the message was to stand. A copy made by somebody else stands elsewhere."""
PUBLISHER = "Paidan-Publisher"
"""Header of the first message of each batch: who sent it."""
DAY_S = 86_400.0
DUPLICATES_S = 0.1
"""The least the server takes. Ids remembered for longer cost it memory, and nothing here relies on them."""


class StreamLimits(msgspec.Struct, frozen=True):
    """How long facts are kept in the stream (the log keeps them for ever). The oldest go first."""

    max_age_s: float = 7 * DAY_S
    """0: no limit."""
    max_bytes: int = 4 * 1024**3
    """-1: no limit. The server sets this much aside when it makes the stream."""
    replicas: int = 1
    """1, 3 or 5; more than 1 needs a NATS cluster."""


class Cursor(msgspec.Struct, frozen=True, order=True):
    """How far the log is published."""

    position: int = 0
    """All facts up to this event's are in the stream."""
    part: int = 0
    """And so many of the next event's."""


class Note(msgspec.Struct, frozen=True):
    """What stands in the bucket under the workspace's name."""

    created: str
    """When the stream was made: the note of another stream says nothing about this one."""
    sequence: int
    cursor: Cursor


class End(msgspec.Struct, frozen=True):
    """Where a stream ends."""

    sequence: int
    cursor: Cursor
    told: RawStreamMsg | None = None
    """The last message of ours, where it is still there."""


def name_of(workspace: str) -> str:
    """The stream's name."""
    return f"paidan-{workspace}"


class Stream:
    """A workspace's stream. Raises nats.errors.Error where NATS is away or refuses."""

    def __init__(self, js: JetStreamContext, workspace: str, limits: StreamLimits) -> None:
        self._js, self._workspace, self._limits = js, workspace, limits
        self._name = name_of(workspace)
        self._created = ""
        self._bucket: KeyValue | None = None

    async def make(self) -> None:
        """Make the stream where it is not there, and bring its settings to what is configured."""
        self._bucket = await _bucket(self._js)
        try:
            found = (await self._js.stream_info(self._name)).config
        except NotFoundError:
            await self._js.add_stream(self._configured(StreamConfig(name=self._name)))
            await self._say_new()
            return
        wanted = self._configured(found)
        if wanted != found:
            await self._js.update_stream(wanted)

    async def end(self) -> End:
        """How far the stream has come. What others put into it is passed over."""
        info: StreamInfo = await self._js.stream_info(self._name)
        self._created = str(info.created)
        last = info.state.last_seq
        note = await read_note(self._js, self._workspace)
        known = note if note is not None and note.created == self._created and note.sequence <= last else None
        floor, cursor = (known.sequence, known.cursor) if known else (0, Cursor())
        for sequence in range(last, max(1, info.state.first_seq, floor) - 1, -1):
            told = await self._ours(sequence)
            if told is not None:
                return End(last, max(cursor_after(id_of(told)), cursor), told)
        if known is None and last:
            log.warning("stream %s holds nothing of ours any more; publishing from position 1", self._name)
        return End(last, cursor)

    async def publisher_at(self, sequence: int) -> str:
        """Who sent the batch that begins at this sequence; empty where none does."""
        try:
            told = await self._js.get_msg(self._name, seq=sequence)
        except NotFoundError:
            return ""
        return str((told.headers or {}).get(PUBLISHER, ""))

    async def is_there(self) -> bool:
        """Whether it is still the stream that ``end`` was read of."""
        try:
            return str((await self._js.stream_info(self._name)).created) == self._created
        except NotFoundError:
            return False

    async def note(self, sequence: int, cursor: Cursor) -> None:
        """Leave a note of how far the log is published."""
        assert self._bucket is not None, "make() comes first"
        note = Note(self._created, sequence, cursor)
        await self._bucket.put(self._workspace, msgspec.json.encode(note))

    def _configured(self, config: StreamConfig) -> StreamConfig:
        limits = self._limits
        return config.evolve(
            subjects=[kept_of(self._workspace)], allow_direct=True, storage=StorageType.FILE,
            discard=DiscardPolicy.OLD, duplicate_window=DUPLICATES_S, max_age=limits.max_age_s,
            max_bytes=limits.max_bytes, num_replicas=limits.replicas,
        )  # fmt: skip

    async def _say_new(self) -> None:
        if await read_note(self._js, self._workspace) is None:
            log.info("stream %s is made", self._name)
        else:
            log.warning("stream %s was deleted; it is made anew, and filled from position 1", self._name)

    async def _ours(self, sequence: int) -> RawStreamMsg | None:
        try:
            told = await self._js.get_msg(self._name, seq=sequence)
        except NotFoundError:
            return None
        headers = told.headers or {}
        return told if headers.get(SEQUENCE) == str(sequence) and id_of(told) != (0, 0) else None


def id_of(told: RawStreamMsg) -> tuple[int, int]:
    """Position and index in ``Nats-Msg-Id``; (0, 0) where it is no id of ours."""
    position, dot, index = (told.headers or {}).get("Nats-Msg-Id", "").partition(".")
    if not (dot and position.isdecimal() and index.isdecimal() and len(position) < 19 and len(index) < 10):
        return (0, 0)
    return (int(position), int(index))


def cursor_after(address: tuple[int, int]) -> Cursor:
    """Having published this fact."""
    position, index = address
    return Cursor(position - 1, index + 1)


async def read_note(js: JetStreamContext, workspace: str) -> Note | None:
    """The note on a workspace; None where there is none, or none that can be read."""
    try:
        entry = await (await js.key_value(BUCKET)).get(workspace)
        return msgspec.json.decode(entry.value or b"", type=Note)
    except (BucketNotFoundError, KeyNotFoundError, NotFoundError, msgspec.MsgspecError):
        return None


async def _bucket(js: JetStreamContext) -> KeyValue:
    try:
        return await js.key_value(BUCKET)
    except (BucketNotFoundError, NotFoundError):
        return await js.create_key_value(bucket=BUCKET, history=1)
