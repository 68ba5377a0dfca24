"""One run of a command: whom it asks, and how it answers. ``remote`` gives every command the options for it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from adapters.cli.options import DEFAULT_SERVER, DEFAULT_WORKSPACE, Actor, AsJson, Server, WorkspaceName

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from adapters.grpc_api.client import CallError, Client

Answer = TypeVar("Answer")
Column = tuple[str, Callable[[Any], str]]
"""Heading, and the cell of a message."""

PAGE = 1_000
FRESH_S = 5.0
"""How long a query waits for views to show what was just done."""
MAX_FILE = 8 * 1024 * 1024
"""Bytes of a rule document or a mapping: what is no file, such as a device, might never end."""
REFUSED = 1
USAGE = 2
"""Exit codes; 3 is for a server that cannot be reached."""


class Session:
    """A server asked, a workspace worked in, answers written."""

    def __init__(self, server: str, workspace: str, actor: str, as_json: bool) -> None:
        self.parent = f"workspaces/{workspace}"
        self.as_json = as_json
        self._server, self._actor = server, actor

    @functools.cached_property
    def client(self) -> Client:
        """The connection; gRPC is imported only now, so that help comes at once."""
        from adapters.grpc_api.client import Client

        return Client(self._server, self._actor)

    def name(self, collection: str, key: int | str) -> str:
        """``workspaces/{workspace}/{collection}/{key}``."""
        return f"{self.parent}/{collection}/{key}"

    def ask(self, method: Callable[..., Answer], request: Any) -> Answer:
        """One request, one answer."""
        return self.client.ask(method, request)

    def stream(self, method: Callable[..., Iterable[Answer]], request: Any) -> Iterator[Answer]:
        """One request, many messages."""
        return self.client.stream(method, request)

    def head(self) -> int:
        """The log's last position: a query that demands it shows what was just done."""
        from paidan.v1.audit_pb2 import ListViewsRequest

        return self.ask(self.client.audit.ListViews, ListViewsRequest(parent=self.parent)).position

    def query(self, method: Callable[..., Answer], request: Any) -> Answer:
        """A query that shows what was just done; where views lag too far behind, what they have, and a note of it."""
        from adapters.grpc_api.client import CallError

        request.min_position = self.head()
        try:
            return self.client.ask(method, request, FRESH_S)
        except CallError as error:
            if not error.late:
                raise
        typer.echo("paidan: the views are behind the log; this is what they show so far", err=True)
        request.min_position = 0
        return self.ask(method, request)

    def pages(self, method: Callable[..., Any], request: Any, field: str, limit: int) -> Iterator[Message]:
        """All rows of a list, page after page, at most ``limit`` unless it is 0."""
        left = limit or None
        while True:
            request.page_size = PAGE if left is None else min(PAGE, left)
            answer = self.ask(method, request) if request.page_token else self.query(method, request)
            rows: Sequence[Message] = getattr(answer, field)
            yield from rows
            left = None if left is None else left - len(rows)
            if not answer.next_page_token or left == 0:
                return
            request.page_token, request.min_position = answer.next_page_token, 0

    def tell(self, message: Message, sentence: str) -> None:
        """The outcome of a mutation."""
        if self.as_json:
            self.show_json(message)
        else:
            self.say(sentence)

    def say(self, text: str) -> None:
        """A line for people."""
        from adapters.cli.rendering import console

        console().print(text, highlight=False, markup=False, soft_wrap=True)

    def show_json(self, *messages: Message) -> None:
        """One JSON object a line."""
        from adapters.cli.plain import json_line

        for message in messages:
            typer.echo(json_line(message))

    def show_rows(self, messages: Iterator[Message], columns: Sequence[Column], none: str) -> None:
        """A table, or JSON lines; ``none`` says that there is nothing."""
        if self.as_json:
            self.show_json(*messages)
            return
        from adapters.cli.rendering import show_table

        show_table(list(messages), columns, none)

    def show_record(self, message: Message, fields: Sequence[Column]) -> None:
        """One thing, field by field, or JSON."""
        if self.as_json:
            self.show_json(message)
            return
        from adapters.cli.rendering import show_record

        show_record(message, fields)


def fail(message: str, code: int = USAGE) -> typer.Exit:
    """Says what is wrong; to be raised."""
    typer.echo(f"paidan: {message}", err=True)
    return typer.Exit(code)


def read_text(file: Path) -> str:
    """A file's text. Ends the command where it cannot be read, or is larger than anything the server takes."""
    try:
        with file.open("rb") as source:
            data = source.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise fail(f"Expected at most {MAX_FILE} bytes in {file}, but there are more; split it")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise fail(f"Expected UTF-8 in {file}, but line {line} is not; save the file as UTF-8") from error
    except OSError as error:
        raise fail(f"Expected to read {file}, but {error}") from error


def remote(command: Callable[..., None]) -> Callable[..., None]:
    """A command of the server: gets a Session for its first parameter, made from the options it thereby has."""

    @functools.wraps(command)
    def run(
        *args: Any,
        server: str = DEFAULT_SERVER,
        workspace: str = DEFAULT_WORKSPACE,
        actor: str = "operator",
        as_json: bool = False,
        **given: Any,
    ) -> None:
        _check_texts({**given, "server": server, "workspace": workspace, "actor": actor})
        _guarded(functools.partial(command, Session(server, workspace, actor, as_json), *args, **given))

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    run.__signature__ = inspect.Signature([*own, *_COMMON])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *_COMMON)}
    return run


def _option(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


_COMMON = (
    _option("server", Server, DEFAULT_SERVER),
    _option("workspace", WorkspaceName, DEFAULT_WORKSPACE),
    _option("actor", Actor, "operator"),
    _option("as_json", AsJson, False),
)


def _check_texts(given: Mapping[str, Any]) -> None:
    """Bytes that are no text come from the shell as lone surrogates, which nothing else can take."""
    for name, value in given.items():
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str | Path) and not _is_text(str(text)):
                raise fail(f"Expected {name} in UTF-8, but got {str(text)[:80]!r}; type it anew")
    actor = str(given["actor"])
    if not actor.isprintable():
        raise fail(f"Expected actor in printable characters, but got {actor[:80]!r}; write a name or an id")


def _is_text(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _guarded(run: Callable[[], None]) -> None:
    """Failures of the server become a reason on stderr and an exit code."""
    from adapters.grpc_api.client import CallError

    try:
        run()
    except CallError as error:
        raise fail(_told(error), error.exit_code) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _told(error: CallError) -> str:
    """The message, then what is wrong field by field."""
    lines = [f"{error.message} ({error.reason})" if error.reason else error.message]
    if len(error.violations) == 1 and error.violations[0].description == error.message:
        return f"{error.violations[0].field}: {lines[0]}"
    lines += [f"  {item.field}: {item.description}".replace("  : ", "  ") for item in error.violations]
    return "\n".join(lines)
