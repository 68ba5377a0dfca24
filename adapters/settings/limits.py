"""Every limit an operator may set, in one model: what is past one is refused at once, nothing is buffered for ever.

Defaults are made for one machine and one workspace. A description says what a limit bounds and why it is what it is;
``json_schema_extra`` has its unit and its group. docs/limits.md is the same as a table, and beside it stand the limits
that are fixed, because a format, the log or a library has them.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

KIB, MIB, GIB = 1024, 1024**2, 1024**3
HOUR_S = 3_600.0
MOST = 10_000_000

COMMANDS, CALLS, CONNECTIONS = "commands", "calls", "connections"
QUERIES, STREAMS, JOBS, LISTS, INTAKE = "queries", "streams", "jobs", "lists", "intake"
OUTBOUND = "outbound"


def _count(default: int, group: str, unit: str, text: str, least: int = 1) -> Any:
    return Field(default, description=text, json_schema_extra={"group": group, "unit": unit}, ge=least, le=MOST)


def _bytes(default: int, group: str, text: str, most: int = 1024 * GIB) -> Any:
    return Field(default, description=text, json_schema_extra={"group": group, "unit": "bytes"}, ge=KIB, le=most)


def _seconds(default: float, group: str, text: str, least: float = 0.01) -> Any:
    most = 10 * 8_760 * HOUR_S
    return Field(default, description=text, json_schema_extra={"group": group, "unit": "s"}, ge=least, le=most)


class Limits(BaseModel):
    """What one server takes on at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # --- commands: the writer's queue --------------------------------------------------------------------------------
    queued_commands: int = _count(
        10_000, COMMANDS, "commands", "Accepted and not yet answered, of all callers. Each is some KB of memory."
    )
    queued_s: float = _seconds(
        2.0, COMMANDS, "While the oldest command has waited longer than this, new ones are refused: waiting is bounded."
    )
    pending_events: int = _count(
        1_000,
        COMMANDS,
        "events",
        "Decided and not yet durable; deciding pauses above it. Some hundreds fill an append.",
    )
    pending_bulk: int = _count(
        4, COMMANDS, "events", "As many pending events hold back allocation and pooling: a claim is durable after them."
    )

    # --- calls in flight, by class, so that one kind cannot starve another -------------------------------------------
    commands_in_flight: int = _count(
        1_000, CALLS, "calls", "That change something. Some 2,500 a second are answered, so this many wait about 0.4 s."
    )
    queries_in_flight: int = _count(200, CALLS, "calls", "That read views, those that wait for a position included.")
    importer_in_flight: int = _count(
        64,
        CALLS,
        "calls",
        "Of importer processes, which have 8 chunks on their way. Apart, so that no caller starves them.",
    )
    connector_in_flight: int = _count(
        256, CALLS, "calls", "Of connector processes, which report what came of calls to the outside. Apart likewise."
    )
    message_bytes: int = _bytes(
        16 * MIB, CALLS, "One message, either way. A roster of 20,000 agents takes some megabytes.", 1 * GIB
    )
    metadata_bytes: int = _bytes(
        16 * KIB, CALLS, "Headers of one call. Ours are under 1 KiB; proxies and tracing add theirs.", 1 * MIB
    )
    wait_s: float = _seconds(60.0, CALLS, "The longest that a call waits for a position, however late its deadline.")

    # --- connections -------------------------------------------------------------------------------------------------
    connections: int = _count(
        4_096,
        CONNECTIONS,
        "connections",
        "Open at a time; others are closed as they come. Each takes a file and memory.",
    )
    calls_per_connection: int = _count(
        1_000,
        CONNECTIONS,
        "calls",
        "In flight on one connection (HTTP/2 streams). Clients hold further ones back by themselves.",
    )
    handshake_s: float = _seconds(
        20.0, CONNECTIONS, "For a new connection to say what it is; one that stays silent is closed."
    )
    keepalive_s: float = _seconds(60.0, CONNECTIONS, "A quiet peer is asked after this long whether it is there.")
    keepalive_answer_s: float = _seconds(20.0, CONNECTIONS, "It is given up when it has not answered within this.")
    ping_interval_s: float = _seconds(
        10.0, CONNECTIONS, "A client that pings more often, while no data flow, is told to calm down and disconnected."
    )

    # --- queries -----------------------------------------------------------------------------------------------------
    query_connections: int = _count(4, QUERIES, "connections", "To PostgreSQL, for the queries of one server.")
    queries_waiting: int = _count(128, QUERIES, "queries", "For one of these connections; each more is refused.")
    query_wait_s: float = _seconds(10.0, QUERIES, "For a connection to come free; refused after that.")

    # --- streams -----------------------------------------------------------------------------------------------------
    streams: int = _count(256, STREAMS, "streams", "RPCs under way that answer with a stream, of all callers.")
    streams_per_connection: int = _count(
        64, STREAMS, "streams", "Of them on one connection, so that one caller does not take all."
    )
    stream_write_s: float = _seconds(
        30.0, STREAMS, "For the reader to take one message. A slower one is cut off and may resume where it stopped."
    )
    stream_message_bytes: int = _bytes(
        256 * KIB,
        STREAMS,
        "Events of one message, unless one alone is larger. A stuck reader holds one or two.",
        16 * MIB,
    )

    # --- agents' own streams -----------------------------------------------------------------------------------------
    watches: int = _count(
        4_000,
        STREAMS,
        "streams",
        "Of `WatchAssignments`, one a desktop, apart from other streams. Idle ones cost little.",
    )
    watches_per_connection: int = _count(
        1_000, STREAMS, "streams", "Of them on one connection: a gateway may hold those of all its desktops on one."
    )
    watch_queue: int = _count(
        1_000,
        STREAMS,
        "changes",
        "Kept for one of them that does not take its own; cut off beyond that, it may resume.",
    )
    watch_heartbeat_s: float = _seconds(
        15.0, STREAMS, "A quiet one is told the position this often, so that it resumes from near the end."
    )

    # --- jobs: verify, explain, simulate, rebuild, dry run, comparison; each is a process ----------------------------
    jobs: int = _count(
        4, JOBS, "processes", "At a time. Each takes a core, and most the memory of the state once more."
    )
    jobs_waiting: int = _count(16, JOBS, "calls", "For one of them to end; each more is refused.", 0)
    job_wait_s: float = _seconds(10.0, JOBS, "For its turn; refused after that.")

    # --- lists: uploads, imports from a URI, and the spool -----------------------------------------------------------
    lists_at_once: int = _count(
        8, LISTS, "calls", "Uploads and copies from a URI under way. Each has about 2 MiB in memory."
    )
    list_bytes: int = _bytes(4 * GIB, LISTS, "One list as it comes in; packed, if it comes packed.")
    upload_part_s: float = _seconds(60.0, LISTS, "For the next message of an upload to come; then it is given up.")
    spool_bytes: int = _bytes(64 * GIB, LISTS, "All lists kept. One that would not fit in is refused.")
    spool_keep_s: float = _seconds(
        7 * 24 * HOUR_S,
        LISTS,
        "A list is kept this long after it came in, an hour at least, and until it is imported.",
        0.0,
    )
    import_from: tuple[str, ...] = Field(
        default=(),
        description="Where `packages import` may read: directories, and prefixes such as `s3://bank-lists/`; `*` is"
        " everywhere. Empty: callers on this machine may name anything, others have to upload.",
        json_schema_extra={"group": LISTS, "unit": "prefixes"},
    )

    # --- intake: tasks that come over NATS ---------------------------------------------------------------------------
    intake_in_flight: int = _count(
        64, INTAKE, "messages", "Given out by NATS and not yet tasks. The order of arrival is kept but for these."
    )
    intake_message_bytes: int = _bytes(
        256 * KIB, INTAKE, "One message. NATS itself takes 1 MiB unless told otherwise.", 64 * MIB
    )
    intake_waiting_bytes: int = _bytes(
        1 * GIB, INTAKE, "Messages that wait; NATS refuses more, so that senders hear of it, and sets the room aside."
    )
    intake_dead_bytes: int = _bytes(
        256 * MIB, INTAKE, "Messages that never became tasks; the oldest go first. NATS sets the room aside."
    )
    intake_dead_s: float = _seconds(7 * 24 * HOUR_S, INTAKE, "And for how long they are kept.", HOUR_S)

    # --- calls to the outside: callbacks, and results that are told --------------------------------------------------
    outbound_at_once: int = _count(
        16, OUTBOUND, "calls", "To one address; each address has as many of its own, so a dead one holds up no other."
    )
    outbound_held: int = _count(
        2_000, OUTBOUND, "calls", "That wait for one address in the connector; more stay with the server until then."
    )
    outbound_answer_bytes: int = _bytes(64 * KIB, OUTBOUND, "One answer; a longer one is no answer.", 16 * MIB)
    outbound_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts that may be called over HTTP; `*.bank.example` is all below one. Empty: any that the rules"
        " name.",
        json_schema_extra={"group": OUTBOUND, "unit": "hosts"},
    )
