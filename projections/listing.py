"""Lists: which fields can be filtered and sorted by, and how a page of one is asked for.

Pages are found by key, not by offset: a page goes on after the last row of the one before, whatever came in meanwhile.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Generic, Literal, TypeVar

import msgspec

from projections.errors import QueryError, expected_one_of
from projections.filtering import Condition, condition_of
from projections.rows import Page

Row = TypeVar("Row")

Kind = Literal["text", "int", "time", "bool", "words", "attributes"]
"""``words`` is a JSON list of strings; ``attributes`` a JSON object whose members have declared types."""

DEFAULT_PAGE = 100
MAX_PAGE = 1_000


class Field(msgspec.Struct, frozen=True):
    """Something a list can be filtered or sorted by."""

    sql: str
    kind: Kind
    joins: tuple[str, ...] = ()
    """Names of the listing's joins that the expression needs."""
    values: tuple[str, ...] = ()
    """The words a text can be; empty: any."""
    strict: str = ""
    """An expression that is NULL where the field is empty; an index can serve it."""
    special: Mapping[str, str] = {}
    """For single words, a condition that an index can serve, in place of ``sql = word``."""
    also: str = ""
    """A condition that follows from ``= value`` and that an index can serve; takes the value wherever it has ``%s``."""
    sortable: bool = True


class Listing(msgspec.Struct, Generic[Row], frozen=True):
    """A list. Rows are first chosen by key (with the joins that filter and order need), then shown (with all)."""

    name: str
    views: tuple[str, ...]
    """Views whose positions bound what the list shows."""
    base: str
    """``table alias`` that the key stands in."""
    key: tuple[str, ...]
    """Fields that together tell rows apart; every order ends with them."""
    key_columns: tuple[str, ...]
    joins: Mapping[str, str]
    """Name -> JOIN clause, in the order they depend on each other."""
    fields: Mapping[str, Field]
    columns: tuple[str, ...]
    show_joins: str
    row: Callable[[Sequence[Any]], Row]


class Request(msgspec.Struct, frozen=True):
    """A page asked for, as in google.aip.dev/132, 158 and 160."""

    filter: str = ""
    order_by: str = ""
    page_size: int = 0
    page_token: str = ""


class Order(msgspec.Struct, frozen=True):
    name: str
    field: Field
    descending: bool


class Plan(msgspec.Struct, frozen=True):
    """A page as SQL."""

    sql: str
    params: list[Any]
    size: int
    keys: int
    """Leading columns of a row that belong to the page token."""
    digest: str


def reading(made: type[Row], decoders: Mapping[int, Callable[[Any], Any]] = {}) -> Callable[[Sequence[Any]], Row]:
    """Makes rows of a list from rows of the database; ``decoders`` by place, for columns that hold JSON."""

    def read(row: Sequence[Any]) -> Row:
        values = list(row)
        for place, decode in decoders.items():
            values[place] = decode(values[place])
        return made(*values)

    return read


Scope = tuple[str, tuple[Any, ...], tuple[str, ...]]
"""(condition, parameters, joins) that the caller fixes, such as one package."""

NO_SCOPE: Scope = ("", (), ())


def plan(listing: Listing[Row], request: Request, attributes: Mapping[str, str], scope: Scope = NO_SCOPE) -> Plan:
    """The SQL of a page. Raises QueryError for a filter, order or token that does not make sense."""
    size = page_size(request.page_size)
    orders = orders_of(listing, request.order_by)
    condition = condition_of(request.filter, listing.fields, attributes)
    digest = _digest(listing.name, request, scope)
    after = _after(orders, request.page_token, digest)
    conditions = [part for part in (Condition(*scope), condition, after) if part.sql]
    sql = _sql(listing, orders, conditions)
    params = [value for part in conditions for value in part.params]
    return Plan(sql, [list(listing.views), *params, size + 1], size, len(orders), digest)


def page_of(listing: Listing[Row], plan: Plan, found: Sequence[Sequence[Any]]) -> Page[Row]:
    """The page that the plan's rows make; the first column is the position, the token's keys follow."""
    position = found[0][0]
    rows = [row for row in found if row[1] is not None]
    token = ""
    if len(rows) > plan.size:
        rows = rows[: plan.size]
        token = token_of(plan.digest, rows[-1][1 : 1 + plan.keys])
    return Page([listing.row(row[1 + plan.keys :]) for row in rows], token, position)


def page_size(given: int) -> int:
    """0 is the default; more than the most is the most. Raises QueryError below 0."""
    if given < 0:
        raise QueryError("page_size", f"Expected a page size of 0 to {MAX_PAGE}, but got {given}")
    return min(given or DEFAULT_PAGE, MAX_PAGE)


def orders_of(listing: Listing[Row], order_by: str) -> list[Order]:
    """``priority desc, number`` and then the key, so that the order is total. Raises QueryError."""
    orders = [_order(listing, part) for part in order_by.split(",")] if order_by.strip() else []
    named = [order.name for order in orders]
    for name in named:
        if named.count(name) > 1:
            raise QueryError("order_by", f"Expected each field once, but {name!r} is there twice")
    last = orders[-1].descending if orders else False
    return orders + [Order(name, listing.fields[name], last) for name in listing.key if name not in named]


def _order(listing: Listing[Row], part: str) -> Order:
    words = part.split()
    if not words or len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
        raise QueryError("order_by", f"Expected `field` or `field desc` between commas, but got {part.strip()!r}")
    sortable = [name for name, field in listing.fields.items() if field.sortable]
    if words[0] not in sortable:
        raise QueryError("order_by", expected_one_of("a field to sort by", words[0], sortable))
    return Order(words[0], listing.fields[words[0]], len(words) == 2 and words[1].lower() == "desc")


def _sql(listing: Listing[Row], orders: Sequence[Order], conditions: Sequence[Condition]) -> str:
    used = {join for part in conditions for join in part.joins} | {join for o in orders for join in o.field.joins}
    joins = " ".join(clause for name, clause in listing.joins.items() if name in used)
    keys = ", ".join(f"{order.field.sql} AS k{place}" for place, order in enumerate(orders))
    identity = ", ".join(f"{column} AS i{place}" for place, column in enumerate(listing.key_columns))
    where = " AND ".join(f"({part.sql})" for part in conditions) or "true"
    by = ", ".join(f"k{place}{' DESC' if order.descending else ''}" for place, order in enumerate(orders))
    chosen = f"SELECT {keys}, {identity} FROM {listing.base} {joins} WHERE {where} ORDER BY {by} LIMIT %s"
    same = " AND ".join(f"{column} = c.i{place}" for place, column in enumerate(listing.key_columns))
    key_list = ", ".join(f"c.k{place}" for place in range(len(orders)))
    shown = f"SELECT {key_list}, {', '.join(listing.columns)} FROM ({chosen}) c JOIN {listing.base} ON {same} "
    positions = "SELECT coalesce(min(position), 0) FROM view_positions WHERE view = ANY(%s)"
    rows = f"LEFT JOIN ({shown}{listing.show_joins}) r ON true ORDER BY {by}"
    return f"SELECT p.position, r.* FROM ({positions}) p (position) {rows}"


def _after(orders: Sequence[Order], token: str, digest: str) -> Condition:
    """Rows that stand behind the last one of the page before."""
    if not token:
        return Condition("", (), ())
    last = last_of(token, digest, orders)
    joins = tuple(join for order in orders for join in order.field.joins)
    if len({order.descending for order in orders}) == 1:
        columns = ", ".join(order.field.sql for order in orders)
        sign = "<" if orders[0].descending else ">"
        return Condition(f"({columns}) {sign} ({', '.join(['%s'] * len(orders))})", tuple(last), joins)
    steps, params = [], []
    for place, order in enumerate(orders):
        same = [f"{before.field.sql} = %s" for before in orders[:place]]
        steps.append(" AND ".join([*same, f"{order.field.sql} {'<' if order.descending else '>'} %s"]))
        params.extend(last[: place + 1])
    return Condition(" OR ".join(f"({step})" for step in steps), tuple(params), joins)


def _digest(name: str, request: Request, scope: Scope) -> str:
    asked = msgspec.json.encode([name, request.filter, request.order_by, scope])
    return blake2b(asked, digest_size=8).hexdigest()


def token_of(digest: str, last: Sequence[Any]) -> str:
    """The token of the page behind a row; ``digest`` tells the queries apart that it must not be used for."""
    return urlsafe_b64encode(msgspec.json.encode([digest, list(last)])).decode().rstrip("=")


def last_of(token: str, digest: str, orders: Sequence[Order]) -> list[Any]:
    """The keys of the last row of the page before. Raises QueryError for a token of another query, or none."""
    try:
        padded = token + "=" * (-len(token) % 4)
        found, last = msgspec.json.decode(urlsafe_b64decode(padded.encode()), type=tuple[str, list[Any]])
    except (ValueError, msgspec.MsgspecError) as error:
        raise QueryError("page_token", "Expected a next_page_token as it was given, but it cannot be read") from error
    if found != digest:
        raise QueryError("page_token", "Expected the token of a page of this query, but it belongs to another one")
    fits = len(last) == len(orders) and all(_fits(v, o.field.kind) for v, o in zip(last, orders, strict=True))
    if not fits:
        raise QueryError("page_token", "Expected a next_page_token as it was given, but it was changed")
    return last


def _fits(value: object, kind: Kind) -> bool:
    if kind == "text":
        return isinstance(value, str) and "\0" not in value
    if kind == "bool":
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
