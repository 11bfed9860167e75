"""The simulator's own books: what each record tells, and what was delivered. See `aoc_sim.bookkeeping`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from sys import intern
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from aoc_common.contracts import ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import httpx

type Key = tuple[str, str, str]
"""Tenant, source, record id (in lower case)."""
type Place = tuple[str, str]
"""Tenant, source."""

#: Kind of operation -> the OCSF class that tells of such.
CLASSES: Final[Mapping[str, int]] = {
    "account": 3001,
    "sign-in": 3002,
    "entity": 3004,
    "access": 3005,
    "group": 3006,
    "api": 6003,
    "file": 6006,
    "finding": 2004,
}


class Fact(NamedTuple):
    """What a record tells. `available_us`: when it could be had first; `actor`: all that whoever acted can be called.

    `says`: how the record itself calls him; `texts`: digests of the texts in which it was shown;
    `sizes`: how many bytes these have, `ip` as it spells it; `risky`: those of the texts that tell a risk.
    """

    time_ms: int
    available_us: int
    texts: tuple[str, ...]
    class_uid: int
    operation: str
    result: str
    actor: tuple[str, ...]
    says: tuple[str, ...]
    ip: str | None
    sizes: tuple[int, ...] = ()
    risky: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What a source delivered: (answered at, from, until) of each list, in microseconds; records shown; blobs.

    `blobs_left`: how many nobody has had yet; `blobs_gone`: when those were made that expired before anybody had them;
    `blobs_dead`: how many were listed at an address that is none.
    """

    deliveries: tuple[tuple[int, int, int], ...]
    shown: int
    blobs_served: int
    blobs_left: int
    blobs_gone: tuple[int, ...]
    blobs_dead: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """All of it. `owners`: digest of a text -> the record whose text that is."""

    started_us: int
    sources: Mapping[Place, Source]
    facts: Mapping[Key, Fact]
    owners: Mapping[str, Key] = field(default_factory=dict)

    @classmethod
    def of(cls, started_us: int, sources: Mapping[Place, Source], facts: Mapping[Key, Fact]) -> Books:
        """Books with their index of texts."""
        owners = {text: key for key, fact in facts.items() for text in fact.texts}
        return cls(started_us, sources, facts, owners)

    @property
    def started(self) -> datetime:
        """When the simulator began."""
        return moment(self.started_us)

    def key(self, tenant: str, source: str, record_id: str, operation: str) -> Key | None:
        """The record of that id; where two operations share one, of that operation. None for one that never was."""
        name = record_id.lower()
        alone = (tenant, source, name)
        if alone in self.facts:
            return alone
        of_pair = (tenant, source, f"{name}|{operation.lower()}")
        return of_pair if of_pair in self.facts else None


async def read_books(simulator: httpx.AsyncClient) -> Books:
    """Ask the simulator, source by source."""
    told: dict[str, Any] = (await simulator.get("/_books")).raise_for_status().json()
    sources: dict[Place, Source] = {}
    facts: dict[Key, Fact] = {}
    for tenant, found in told["tenants"].items():
        for name, one in found.items():
            sources[tenant, name] = _source(one)
            answer = (await simulator.get(f"/_books/{tenant}/{name}")).raise_for_status()
            for line in answer.content.splitlines():
                record = orjson.loads(line)
                facts[tenant, name, record["id"].lower()] = _fact(record)
    return Books.of(told["started_us"], sources, facts)


def _source(one: Mapping[str, Any]) -> Source:
    deliveries: Iterable[list[int]] = one["deliveries"]
    return Source(
        tuple((at, start, end) for at, start, end in deliveries),
        one["shown"],
        one["blobs_served"],
        one["blobs_left"],
        tuple(one["blobs_gone"]),
        one["blobs_dead"],
    )


def _fact(record: Mapping[str, Any]) -> Fact:
    return Fact(
        record["time"] // 1000,
        record["available"],
        tuple(record["texts"]),
        CLASSES[record["kind"]],
        intern(record["operation"]),
        intern(record["result"]),
        tuple(map(intern, record["actor"])),
        tuple(map(intern, record["says"])),
        record["ip"],
        tuple(record["sizes"]),
        tuple(record["risky"]),
    )


def moment(micros: int) -> datetime:
    """Microseconds since 1970 as a time in UTC."""
    return ids.EPOCH + timedelta(microseconds=micros)


def plain(operation: str) -> str:
    """An operation without what its spellings differ by: letters' case, dashes, blanks, a final dot."""
    return "".join(letter for letter in operation.casefold() if letter.isalnum())


def plain_address(spelt: str | None) -> str | None:
    """An address in its shortest form, without a port; None for what is none."""
    text = (spelt or "").strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def about(key: Key) -> str:
    """A record for people."""
    return "/".join(key)
