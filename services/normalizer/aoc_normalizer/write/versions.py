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

from aoc_common.contracts.ids import UNIFIED
from aoc_normalizer.fields.canonical import canonical
from aoc_normalizer.mappers.envelopes.cut_rows import INCOMPLETE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_common.contracts.event import Event
    from aoc_normalizer.draft import Draft

#: Shape of record (its mapper) -> fields that may change without meaning: what the delivery or a server says of itself.
#: "" stands for every shape.
INSIGNIFICANT: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"@odata.type", "@odata.context", "@odata.etag", "@odata.id"}),
    "signins": frozenset({"processingTimeInMilliseconds", "originalRequestId"}),
    "risk": frozenset({"isProcessing"}),
    "pim": frozenset({"lastScannedDateTime", "@microsoft.graph.tips", "alertIncidents@odata.context"}),
    "log-analytics": frozenset({"_TimeReceived", "_ItemId", "_ResourceId", "SourceSystem", "MG", "TimeGenerated"}),
    "hunting": frozenset({"operationName", "time", "Tenant"}),
    "diagnostics": frozenset({"time"}),
    # The reporting service's: which stretch was asked for, and the how-manieth row of the answer it is.
    "message-trace": frozenset({"StartDate", "EndDate", "Index"}),
}
#: Shapes of which only the record inside says anything. What is around it tells of one search: `ResultIndex` and such.
WRAPPED: Final = frozenset({"wrapped"})
#: Shape of record -> the source's own time of modification: the first field that is there. Others have none.
MODIFIED: Final[Mapping[str, tuple[str, ...]]] = {
    "alerts": ("lastUpdateDateTime", "lastModifiedDateTime"),
    "risk": ("riskLastUpdatedDateTime", "lastUpdatedDateTime"),
    "log-analytics": ("LastModifiedTime", "ProcessingEndTime"),
    "table": ("LastModifiedTime [UTC]", "LastModifiedTime", "ProcessingEndTime [UTC]", "ProcessingEndTime"),
    "sentinel": ("last_modified_time_utc", "lastModifiedTimeUtc"),
}
#: Mappers of many shapes: of a portal's download and of an extractor's table of the same sign-ins, say. Their columns
#: tell which; the same record with other columns is no version.
MANY_SHAPES: Final = frozenset({"table", "respelt"})
#: Shapes, and families by their beginning, whose records never change, and whose ids several of them may share: what an
#: unknown record calls `EventId` may name a kind of event, and a report of a mail has a row for each of its links.
LASTING: Final = frozenset({"generic"})
LASTING_FAMILIES: Final = "hunting-"
#: What OCSF's metadata holds of one delivery, what the id has already, and our own remarks.
_OF_DELIVERY: Final = frozenset({"logged_time", "processed_time", "original_time", "uid", "labels"})
#: Tags of an event that does not show all that its record says (`bounds`).
_CUT: Final = "cut-"
_CUT_LIST: Final = "truncated"
_DAMAGE: Final = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class RecordState:
    """One state of a record.

    `shape`: its mapper, of `MANY_SHAPES` with its columns. `rank`: of two versions the higher rank is the newer.
    `facts`: all that it says, as text; `beyond`: a hash of the record, where it says more than its event shows;
    `content`: both; `digest`: 32 hex digits of that. `apart`: what makes a record of the same id
    another one (`operation`, or content within one shape), and which this is; None where nothing does. `incomplete`:
    the record was cut on its way.
    """

    shape: str
    apart: tuple[str, str] | None
    facts: str
    rank: tuple[int, int]
    beyond: str = ""
    incomplete: bool = False

    @property
    def content(self) -> str:
        """What two texts of one version have in common."""
        return self.facts + self.beyond

    @property
    def digest(self) -> str:
        """Names the version."""
        return blake2b(self.content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def damaged(self) -> bool:
        """Whether letters of it were lost on the way."""
        return _DAMAGE in self.facts

    def is_beside(self, others: Iterable[RecordState | None]) -> bool:
        """Whether it is another record than these of its id, and none of them in another state of repair."""
        if self.apart is None:
            return False
        alike = [one for one in others if one and one.apart and one.apart[0] == self.apart[0]]
        return bool(alike) and not any(
            one.apart == self.apart or one.repairs(self) or self.repairs(one) for one in alike
        )

    def repairs(self, other: RecordState) -> bool:
        """Whether it is the other, of which letters were lost, made whole."""
        return (
            other.damaged
            and self.facts.count(_DAMAGE) < other.facts.count(_DAMAGE)
            and _fits(re.split(f"{_DAMAGE}+", other.facts), self.facts)
        )


def record_state(
    event: Event, draft: Draft, record: Mapping[str, Any], fetched_ms: int, modified_ms: int | None
) -> RecordState:
    """The state of a record, by the event that was made of it, by way of a draft, without a directory's names.

    `fetched_ms`: when it was fetched first. `modified_ms`: when the source says that it was changed.
    """
    ocsf = {name: value for name, value in event.ocsf.items() if name != "metadata"}
    metadata = {name: value for name, value in event.ocsf["metadata"].items() if name not in _OF_DELIVERY}
    without = INSIGNIFICANT[""] | INSIGNIFICANT.get(event.mapper, frozenset())
    unmapped = draft.rest if event.mapper in WRAPPED else event.unmapped
    unmapped = {name: value for name, value in unmapped.items() if name not in without}
    # A record whose source says that it has changed it has changed, be it back to an earlier state.
    comparable = sorted_lists(canonical([ocsf, metadata, unmapped, modified_ms]))
    facts = orjson.dumps(comparable, option=orjson.OPT_SORT_KEYS).decode()
    apart = None
    if event.mapper in LASTING or draft.family.startswith(LASTING_FAMILIES):
        # In another shape the same content has other names, so those are not compared.
        apart = (event.mapper, _content(draft.content or record, without))
    elif draft.family.startswith(UNIFIED):  # whose records may share an id and tell of different operations
        apart = ("operation", event.operation.lower())
    was_cut = any(tag == _CUT_LIST or tag.startswith(_CUT) for tag in event.tags)
    beyond = _content(draft.content or record, without) if was_cut else ""
    shape = f"{event.mapper} {' '.join(sorted(record))}" if event.mapper in MANY_SHAPES else event.mapper
    # A whole record is newer than what is left of it, whenever either was fetched.
    incomplete = INCOMPLETE in event.tags
    rank = (-1 if incomplete else modified_ms or 0, fetched_ms)
    return RecordState(shape, apart, facts, rank, beyond, incomplete)


def _content(record: Mapping[str, Any], without: frozenset[str]) -> str:
    """A hash of a record that no later mapper makes another one of."""
    rest = canonical({name: value for name, value in record.items() if name not in without})
    return blake2b(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


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
