"""The ground truth: the facts of each record and what was delivered, as the simulator recorded them (`/_books`)."""

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

type RecordKey = tuple[str, str, str]
"""Tenant, source, record id (in lower case)."""
type SourceKey = tuple[str, str]
"""Tenant, source."""

#: Kind of operation -> its OCSF class.
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


class RecordFacts(NamedTuple):
    """The facts of a record. `available_us`: when it could first be fetched; `actor`: all valid names of the actor.

    `actor_as_written`: the actor's names in the record itself; `texts`: digests of the texts in which it was served;
    `sizes`: their sizes in bytes; `ip`: as the record spells it; `risky`: those of the texts that state a risk.
    """

    time_ms: int
    available_us: int
    texts: tuple[str, ...]
    class_uid: int
    operation: str
    result: str
    actor: tuple[str, ...]
    actor_as_written: tuple[str, ...]
    ip: str | None
    sizes: tuple[int, ...] = ()
    risky: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDeliveries:
    """What a source delivered: (answered at, from, until) of each list, in microseconds; records served; blobs.

    `blobs_remaining`: how many were not fetched yet; `blobs_expired_us`: creation times of those that expired before
    they were fetched; `blobs_unfetchable`: how many were listed with an invalid address.
    """

    deliveries: tuple[tuple[int, int, int], ...]
    shown: int
    blobs_served: int
    blobs_remaining: int
    blobs_expired_us: tuple[int, ...]
    blobs_unfetchable: int = 0


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """Facts and deliveries of all sources. `owners`: digest of a text -> the record with that text."""

    started_us: int
    sources: Mapping[SourceKey, SourceDeliveries]
    facts: Mapping[RecordKey, RecordFacts]
    owners: Mapping[str, RecordKey] = field(default_factory=dict)

    @classmethod
    def of(
        cls, started_us: int, sources: Mapping[SourceKey, SourceDeliveries], facts: Mapping[RecordKey, RecordFacts]
    ) -> GroundTruth:
        """The ground truth with its index of texts."""
        owners = {text: key for key, fact in facts.items() for text in fact.texts}
        return cls(started_us, sources, facts, owners)

    @property
    def started(self) -> datetime:
        """When the simulator began."""
        return moment(self.started_us)

    def key(self, tenant: str, source: str, record_id: str, operation: str, time_ms: int) -> RecordKey | None:
        """The record with that id, and that operation or time where several share it; None where there is none."""
        names = record_names(record_id, operation, time_ms)
        return next((key for name in names if (key := (tenant, source, name)) in self.facts), None)


def record_names(record_id: str, operation: str, time_ms: int) -> tuple[str, str, str]:
    """How the simulator may name a record: by its id alone, or with its operation or time, where several share it."""
    name = record_id.lower()
    return name, f"{name}|{operation.lower()}", f"{name}|{time_ms}"


async def read_ground_truth(simulator: httpx.AsyncClient) -> GroundTruth:
    """Ask the simulator, source by source."""
    summary: dict[str, Any] = (await simulator.get("/_books")).raise_for_status().json()
    sources: dict[SourceKey, SourceDeliveries] = {}
    facts: dict[RecordKey, RecordFacts] = {}
    for tenant, sources_of_tenant in summary["tenants"].items():
        for name, source in sources_of_tenant.items():
            sources[tenant, name] = _source(source)
            answer = (await simulator.get(f"/_books/{tenant}/{name}")).raise_for_status()
            for line in answer.content.splitlines():
                record = orjson.loads(line)
                facts[tenant, name, record["id"].lower()] = _fact(record)
    return GroundTruth.of(summary["started_us"], sources, facts)


def _source(source: Mapping[str, Any]) -> SourceDeliveries:
    deliveries: Iterable[list[int]] = source["deliveries"]
    return SourceDeliveries(
        tuple((at, start, end) for at, start, end in deliveries),
        source["shown"],
        source["blobs_served"],
        source["blobs_left"],
        tuple(source["blobs_gone"]),
        source["blobs_dead"],
    )


def _fact(record: Mapping[str, Any]) -> RecordFacts:
    return RecordFacts(
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
    """An operation without the differences of its spellings: case, dashes, blanks, a final dot."""
    return "".join(letter for letter in operation.casefold() if letter.isalnum())


def plain_address(spelt: str | None) -> str | None:
    """An address in its shortest form, without a port; None when the text is not an address."""
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


def about(key: RecordKey) -> str:
    """A record's key as text."""
    return "/".join(key)
