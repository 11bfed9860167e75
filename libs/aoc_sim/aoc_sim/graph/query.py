"""Answering a query: select, order, cut into pages that stay stable while new records arrive."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from aoc_sim.graph.collections import SIGNIN_KINDS, Collection
from aoc_sim.graph.errors import bad_request
from aoc_sim.graph.filters import Filter, parse_filter, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aoc_sim.graph.collections import Version
    from aoc_sim.records.base import Source
    from aoc_sim.settings import Pages
    from aoc_sim.world import Entry, TenantWorld

_KNOWN_OPTIONS = frozenset({"$filter", "$top", "$orderby", "$skiptoken", "$select", "$count", "$expand"})
_FAR = 2**62
_SIGNATURE = 12
"""Bytes of signature before a skip token's payload."""
_DIRECTIONS: dict[tuple[str, ...], bool] = {(): False, ("asc",): False, ("desc",): True}


@dataclass(frozen=True, slots=True)
class Query:
    """One list request. A skip token holds all of it, so a next link needs nothing else."""

    collection: str
    version: Version
    tenant: str
    filter: str | None
    orderby: str | None
    select: str | None
    top: int
    as_of_us: int
    """Only what was available then is on any page: later arrivals do not shift the pages."""
    issued_us: int
    expand: str | None = None
    after: tuple[int, int] | None = None
    """Time and sequence number of the last record that was served."""


class Seal:
    """Makes opaque tokens of queries, and queries of those tokens that it made."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(secret.encode()).digest()

    def close(self, query: Any) -> str:
        """The token for a query."""
        payload = orjson.dumps(query)
        return urlsafe_b64encode(self._sign(payload) + payload).decode().rstrip("=")

    def open(self, token: str) -> dict[str, Any] | None:
        """The fields of the query in a token; None if it is forged."""
        try:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        signature, payload = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(payload)):
            return None
        fields: dict[str, Any] = orjson.loads(payload)
        return fields

    def _sign(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()[:_SIGNATURE]


class SkipTokens:
    """Writes and reads skip tokens: signed, and short-lived."""

    def __init__(self, seed: int, lifetime_s: float) -> None:
        self._seal = Seal(f"skiptoken:{seed}")
        self._lifetime_us = int(lifetime_s * 1_000_000)

    def write(self, query: Query) -> str:
        """The token for a query."""
        return self._seal.close(query)

    def read(self, token: str, collection: str, version: Version, tenant: str, now_us: int) -> Query:
        """The query in a token; 400 if it is forged, for another collection or tenant, or too old."""
        fields = self._seal.open(token)
        if fields is None:
            raise invalid_skiptoken()
        fields["after"] = tuple(fields["after"]) if fields["after"] else None
        query = Query(**fields)
        if (query.collection, query.version, query.tenant) != (collection, version, tenant):
            raise invalid_skiptoken()
        if now_us - query.issued_us > self._lifetime_us:
            raise invalid_skiptoken()
        return query


def invalid_skiptoken() -> Exception:
    """400: start the slice again."""
    return bad_request("The skip token is not valid, or has expired.")


def read_query(
    options: Mapping[str, str],
    collection: Collection,
    version: Version,
    tenant: str,
    now_us: int,
    pages: Pages,
    tokens: SkipTokens,
) -> Query:
    """The query that the URL asks, validated; raises GraphError 400."""
    unknown = [name for name in options if name.startswith("$") and name not in _KNOWN_OPTIONS]
    if unknown:
        raise bad_request(f"Query option '{unknown[0]}' is not allowed.")
    token = options.get("$skiptoken")
    if token is not None:
        return tokens.read(token, collection.path, version, tenant, now_us)
    top = pages.graph_default
    if "$top" in options:
        try:
            top = int(options["$top"])
        except ValueError:
            raise bad_request(f"Invalid value '{options['$top']}' for $top: a whole number is needed.") from None
        if top < 1:
            raise bad_request("Invalid value for $top: it must be greater than 0.")
    query = Query(
        collection=collection.path,
        version=version,
        tenant=tenant,
        filter=options.get("$filter"),
        orderby=options.get("$orderby"),
        select=options.get("$select"),
        top=min(top, pages.graph_max),
        as_of_us=now_us,
        issued_us=now_us,
        expand=options.get("$expand"),
    )
    # fail on the first page, not on a later one
    parsed = _parse(query, collection)
    _order(query, collection)
    collection.hidden(query.expand)
    if missing := collection.demands - {name for name, _, _ in parsed.tests}:
        raise bad_request(f"The filter must name {', '.join(sorted(missing))}.")
    return query


def _parse(query: Query, collection: Collection) -> Filter:
    allowed = collection.kinds and query.version == "beta"
    parsed = parse_filter(query.filter, collection.fields, kinds_allowed=allowed)
    for kind in parsed.kinds:
        if kind not in SIGNIN_KINDS:
            raise bad_request(f"Invalid filter clause: '{kind}' is not a kind of sign-in.")
    return parsed


def _order(query: Query, collection: Collection) -> tuple[str, bool]:
    """The time field to order by, and whether newest first: the default of all collections."""
    if not query.orderby:
        return collection.fields.times[0], True
    field, *direction = query.orderby.split() or [""]
    descending = _DIRECTIONS.get(tuple(direction))
    if field not in collection.fields.times or descending is None:
        raise bad_request(f"Cannot order by '{query.orderby}'.")
    return field, descending


type Placed = tuple[tuple[int, int], Entry]


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows, and whether there is more behind it."""

    items: list[Placed]
    more: bool

    def bodies(
        self, select: str | None, show: Callable[[Entry], bytes], hidden: frozenset[str] = frozenset()
    ) -> list[bytes]:
        """The records' JSON, as `show` gives it; with `$select` only those properties, and never those `hidden`."""
        shown = [show(entry) for _, entry in self.items]
        if hidden:
            whole = map(orjson.loads, shown)
            shown = [orjson.dumps({name: record[name] for name in record if name not in hidden}) for record in whole]
        if not select:
            return shown
        names = [name.strip() for name in select.split(",")]
        records = map(orjson.loads, shown)
        return [orjson.dumps({name: record[name] for name in names if name in record}) for record in records]


def run_query(query: Query, collection: Collection, world: TenantWorld) -> Page:
    """The page after `query.after`."""
    parsed = _parse(query, collection)
    order, descending = _order(query, collection)
    sources = _sources(parsed, collection)
    primary = collection.fields.times[0]
    if len(sources) == 1 and order == primary:
        candidates = _in_lane(world, sources[0], parsed, primary, query.after, descending=descending)
    else:
        candidates = _sorted(world, sources, order, primary, query.after, descending=descending)
    others = {name: bounds for name, bounds in parsed.bounds.items() if name != primary}
    low, high = parsed.bounds.get(primary, (-_FAR, _FAR))
    needs_body = bool(parsed.tests or others)

    def fits(placed: Placed) -> bool:
        entry = placed[1]
        if entry.ready_us > query.as_of_us or not low <= entry.at_us <= high:
            return False
        if world.lanes[entry.source].is_replaced(entry, query.as_of_us):
            return False
        return not needs_body or _body_fits(entry, parsed, others)

    items = list(islice(filter(fits, candidates), query.top + 1))
    return Page(items[: query.top], len(items) > query.top)


def span(query: Query, collection: Collection) -> tuple[list[Source], tuple[int, int]]:
    """The sources that a query lists, and the first and last instant that it asks for, in microseconds."""
    parsed = _parse(query, collection)
    return _sources(parsed, collection), next(iter(parsed.bounds.values()), (-_FAR, _FAR))


def _sources(parsed: Filter, collection: Collection) -> list[Source]:
    return list(dict.fromkeys(SIGNIN_KINDS[kind] for kind in parsed.kinds)) or [collection.source]


def _in_lane(
    world: TenantWorld,
    source: Source,
    parsed: Filter,
    field: str,
    after: tuple[int, int] | None,
    *,
    descending: bool,
) -> Iterator[Placed]:
    """Candidates of one source in the order that it is kept in: no sorting, no full scan."""
    lane = world.lanes[source]
    low, high = parsed.bounds.get(field, (-_FAR, _FAR))
    if after is not None:
        low, high = (low, min(high, after[0])) if descending else (max(low, after[0]), high)
    first, end = lane.span(low, high)
    positions = range(end - 1, first - 1, -1) if descending else range(first, end)
    for position in positions:
        entry = lane.entries[position]
        place = (entry.at_us, entry.seq)
        if after is None or (place < after if descending else place > after):
            yield place, entry


def _sorted(
    world: TenantWorld,
    sources: list[Source],
    order: str,
    primary: str,
    after: tuple[int, int] | None,
    *,
    descending: bool,
) -> Iterator[Placed]:
    """Candidates of several sources, or ordered by another time: sorted here."""
    placed: list[Placed] = []
    for source in sources:
        for entry in world.lanes[source].entries:
            at = entry.at_us if order == primary else _time_of(entry, order)
            place = (at, entry.seq)
            if after is None or (place < after if descending else place > after):
                placed.append((place, entry))
    placed.sort(key=lambda item: item[0], reverse=descending)
    return iter(placed)


def _time_of(entry: Entry, name: str) -> int:
    at = parse_time(str(orjson.loads(entry.body).get(name)))
    return entry.at_us if at is None else at


def _body_fits(entry: Entry, parsed: Filter, others: Mapping[str, tuple[int, int]]) -> bool:
    record = orjson.loads(entry.body)
    for name, (low, high) in others.items():
        at = parse_time(str(record.get(name)))
        if at is None or not low <= at <= high:
            return False
    return parsed.matches(record)
