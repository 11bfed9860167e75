"""When two texts of one record say the same, and which is newer. Pure; only for what is not the same to the letter.

Microsoft changes records: Entra adds a risk to a sign-in for hours, an alert is assigned and closed. What a record
*says* is what its mapper makes of it, with all that has no home in OCSF, but for the fields below. It is worked out of
the text each time it is asked for, by the mappers of today, so that an update of AOC never makes versions of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_normalizer.fields.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.contracts.event import Event

#: Shape of record (its mapper) -> fields that may change without meaning: what the delivery or a server says of itself.
#: "" stands for every shape.
MEANINGLESS: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"@odata.type", "@odata.context", "@odata.etag", "@odata.id"}),
    "signins": frozenset({"processingTimeInMilliseconds", "originalRequestId"}),
    "log-analytics": frozenset({"_TimeReceived", "_ItemId", "_ResourceId", "SourceSystem", "MG", "TimeGenerated"}),
    "hunting": frozenset({"operationName", "time", "Tenant"}),
    "diagnostics": frozenset({"time"}),
}
#: Shape of record -> the source's own time of modification: the first field that is there. Others have none.
MODIFIED: Final[Mapping[str, tuple[str, ...]]] = {
    "alerts": ("lastUpdateDateTime", "lastModifiedDateTime"),
    "risk": ("riskLastUpdatedDateTime", "lastUpdatedDateTime"),
    "log-analytics": ("LastModifiedTime", "ProcessingEndTime"),
}
#: Shapes whose records may share an id and tell of different operations: those of the unified log.
UNIFIED: Final = frozenset({"unified", "wrapped", "respelt", "log-analytics"})
#: What OCSF's metadata holds of one delivery, and what is told by the id already.
_OF_DELIVERY: Final = frozenset({"logged_time", "processed_time", "original_time", "uid"})
_DAMAGE: Final = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a record says. `shape`: its mapper. `rank`: of two versions the one of the higher rank is the newer.

    `facts`: all that it says, as text; `digest`: 32 hex digits of it.
    """

    shape: str
    operation: str
    facts: str
    rank: tuple[int, int]

    @property
    def digest(self) -> str:
        """Names the version."""
        return blake2b(self.facts.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def damaged(self) -> bool:
        """Whether letters of it were lost on the way."""
        return _DAMAGE in self.facts

    def repairs(self, other: Meaning) -> bool:
        """Whether it is the other, of which letters were lost, made whole."""
        return (
            other.damaged
            and self.facts.count(_DAMAGE) < other.facts.count(_DAMAGE)
            and _fits(re.split(f"{_DAMAGE}+", other.facts), self.facts)
        )


def meaning(event: Event, fetched_ms: int, modified_ms: int | None) -> Meaning:
    """What an event says that was made without a directory's names.

    `fetched_ms`: when it was fetched first. `modified_ms`: when the source says that it was changed.
    """
    ocsf = {name: value for name, value in event.ocsf.items() if name != "metadata"}
    metadata = {name: value for name, value in event.ocsf["metadata"].items() if name not in _OF_DELIVERY}
    without = MEANINGLESS[""] | MEANINGLESS.get(event.mapper, frozenset())
    unmapped = {name: value for name, value in event.unmapped.items() if name not in without}
    told = sorted_lists(canonical([ocsf, metadata, unmapped]))
    facts = orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
    return Meaning(event.mapper, event.operation.lower(), facts, (modified_ms or 0, fetched_ms))


def sorted_lists(value: Any) -> Any:
    """The same value with every list in one order: the order of targets or details says nothing."""
    if isinstance(value, dict):
        return {name: sorted_lists(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return sorted(map(sorted_lists, value), key=lambda one: orjson.dumps(one, option=orjson.OPT_SORT_KEYS))
    return value


def _fits(parts: list[str], text: str) -> bool:
    """Whether these parts stand in a text in this order, the first and last at its ends."""
    if not text.startswith(parts[0]) or not text.endswith(parts[-1]):
        return False
    at, end = len(parts[0]), len(text) - len(parts[-1])
    for part in parts[1:-1]:
        found = text.find(part, at, end)
        if found == -1:
            return False
        at = found + len(part)
    return at <= end
