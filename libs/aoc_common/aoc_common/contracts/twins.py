"""Twins: one directory change or sign-in that Microsoft tells twice, through Graph and through the Management API.

Both records are kept. The event that came first stands for both; the second one says so: on AOC_EVENTS in the header
`Aoc-Twin-Of` and in an enrichment, in the store in `twin_of`. Which records are twins: docs/adr/0019-twins-assert.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from uuid import UUID

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aoc_common.contracts.results import Result

type Lane = Literal["graph", "unified"]

HEADER: Final = "Aoc-Twin-Of"
#: On a second event that says what the first one never does: `version`, it has changed; `risk`, of a sign-in.
ADDS: Final = "Aoc-Twin-Adds"
#: OCSF: the class of sign-ins, and the highest severity of one without a risk. The unified log never tells the risk.
_SIGN_IN, _LOW = 3002, 2
#: Two lanes' times of one change differ by at most this, in milliseconds.
TOLERANCE_MS: Final = 5_000
#: Milliseconds in a bucket of time. Wide against the tolerance: five records of six look into their own bucket only.
BUCKET_MS: Final = 60_000


class TwinFacts(NamedTuple):
    """By what a record and its twin recognise each other.

    - `lane`: through which API the record came; twins are never of one lane.
    - `digest`: a hash of tenant, actor, operation, result and targets, the same for both.
    - `properties`: hashes of the changed ones with their values, `name:values`, sorted, and as `name=values` what
      changes nothing and can still contradict; `*` stands for what is left of very many. Empty when it tells nothing.
    - `hints`: ids that both records may share. Never proof alone: up to ten records share one, and clients choose some.
    - `session`: the id that both lanes give this action; records with different ones are different actions.
    - `ip`: the address, where both lanes tell the same one.
    - `result`: how it ended. `unknown` is no agreement; so it is of facts that were stored before results were.
    """

    lane: Lane
    digest: str
    properties: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    session: str | None = None
    ip: str | None = None
    result: Result = "unknown"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that can have a twin. `time_ms`: when it happened, ms since 1970 UTC."""

    id: UUID
    tenant: str
    time_ms: int
    facts: TwinFacts


@dataclass(frozen=True, slots=True)
class TwinLink:
    """Two events that are one action: one of each lane, and which of them stands for both."""

    tenant: str
    graph: UUID
    unified: UUID
    first: UUID

    @property
    def second(self) -> UUID:
        """The one that is not alerted on and not exported unless asked for."""
        return self.unified if self.first == self.graph else self.graph


def key(facts: TwinFacts, time_ms: int) -> str:
    """What an event is found by: the digest, the lane, and the bucket of its time."""
    return f"{facts.digest}:{facts.lane}:{time_ms // BUCKET_MS}"


def keys_near(facts: TwinFacts, time_ms: int) -> Iterator[str]:
    """The keys under which a twin can be: one, or two close to the edge of a bucket. All are the other lane's."""
    other = "unified" if facts.lane == "graph" else "graph"
    low, high = (time_ms - TOLERANCE_MS) // BUCKET_MS, (time_ms + TOLERANCE_MS) // BUCKET_MS
    yield from (f"{facts.digest}:{other}:{bucket}" for bucket in range(low, high + 1))


def twin_of(headers: Mapping[str, str] | None) -> UUID | None:
    """The event that already stands for this message of AOC_EVENTS; None when this one stands for itself.

    The one question that alerting and exporting ask: a message with an answer is passed over, unless the rule or sink
    wants both records of a twin. None stands for one that adds to what the first says. A header that is no event id is
    none of ours and counts as none.
    """
    value = (headers or {}).get(HEADER)
    if value is None or ADDS in (headers or {}):
        return None
    try:
        return UUID(value)
    except ValueError:
        return None


def marked(body: bytes, first: UUID, *, later: bool = False) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a second event: an OCSF enrichment of `metadata.uid` says whose twin it is.

    `later`: it is a later version, and says what has changed since.
    """
    event: dict[str, Any] = orjson.loads(body)
    observable = {
        "name": "metadata.uid",
        "value": event["metadata"]["uid"],
        "type": "twin",
        "data": {"twin_of": str(first)},
    }
    event["enrichments"] = [*event.get("enrichments", ()), observable]
    risky = event.get("class_uid") == _SIGN_IN and event.get("severity_id", 0) > _LOW
    adds = "version" if later else "risk" if risky else None
    return orjson.dumps(event), {HEADER: str(first)} | ({ADDS: adds} if adds else {})
