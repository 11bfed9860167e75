"""The normalised event: OCSF 1.8, with the facets by which it is stored, found and routed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.results import Result
    from aoc_common.contracts.twins import TwinFacts

OCSF_VERSION: Final = "1.8.0"

#: Header of AOC_EVENTS: which version of the event a message is, counted from 1.
VERSION_HEADER: Final = "Aoc-Version"


@dataclass(slots=True)
class Event:
    """One record after normalisation.

    Made by the normalizer's mappers, stored by `store`, published on AOC_EVENTS; nobody changes one. Neither a pydantic
    model nor frozen, because it is made for every record on the hot path.

    - `time_ms`: when it happened, ms since 1970 UTC; 0 when the record does not say.
    - `ocsf`: the OCSF event without `raw_data` and `unmapped`. Its keys are OCSF's, never the record's own, and its
      integers fit 64 bits, so it can be stored as a document.
    - `unmapped`: what has no home in OCSF; keys as in the record, so hostile to a database. At most 64 levels deep.
    - `raw`: the record's own JSON text.
    - `terms`: lower-case search tokens of the observables, the operation and the message.
    - `tags`: remarks of the mapper, e.g. `no-time`, `no-id`, `truncated`; `metadata.labels` has them too.
    - `unnamed`: ids that the tenant's directory did not know, spelled by `contracts.directory.key`.
    - `twin_facts`: by what its twin is found; None for a record that can have none.
    - `text`: the digest of its record's text (`text_digest`).
    - `former`: other ids under which older versions of AOC stored the same record; empty for nearly all.
    - `kin`: the id under which the same record stands when it came by an interface that tells its time less exactly.
    - `exact_by`: a term that finds the same record where it came by an interface that tells its time more exactly than
      to the second; empty where there is none.
    """

    id: UUID
    tenant: str
    source: str
    time_ms: int
    class_uid: int
    service: str
    operation: str
    result: Result
    actor: str | None
    ip: str | None
    correlation_id: str | None
    terms: tuple[str, ...]
    tags: tuple[str, ...]
    mapper: str
    mapper_version: int
    ocsf: dict[str, Any]
    unmapped: dict[str, Any]
    raw: str
    unnamed: tuple[str, ...] = ()
    twin_facts: TwinFacts | None = None
    text: str = ""
    former: tuple[UUID, ...] = ()
    kin: tuple[UUID, ...] = ()
    exact_by: str = ""

    def message(self) -> bytes:
        """The body on AOC_EVENTS: the complete OCSF event as JSON."""
        return full_event(self.ocsf, self.unmapped, self.raw)


@dataclass(frozen=True, slots=True)
class Version:
    """A later version of an event: its number, from 2 on, and the digest of what it tells."""

    number: int
    digest: str


@dataclass(slots=True)
class PackedEvent:
    """An event in the two forms in which it leaves the normalizer; a small part of the event's own memory.

    Like `Event` nobody changes one, and it is not frozen because it is made for every record.

    - `document`: as it will be stored (see `store.events.EventStore.encoded`). `body`: as it will be published.
    - `position`: its record's place in the raw page.
    - `note`: what its mapper stumbled over. `twin_facts`, `former`, `kin`, `exact_by`: as of `Event`.
    - `text`: the digest of its record's text (`text_digest`).
    - `understood`: a mapper that knows its record's shape has read it. False when none knew the shape, or the one that
      did stumbled: time, actor, operation and result are then what the generic mapper found by their usual names. An
      unknown operation or workload inside of a known shape is understood.
    - `remarks`: those of its tags that a person should know of (`store.remarks`).
    - `service`, `actor`: as of `Event`.
    """

    id: UUID
    tenant: str
    source: str
    time_ms: int
    class_uid: int
    operation: str
    document: bytes
    body: bytes
    position: int
    text: str
    note: str | None = None
    twin_facts: TwinFacts | None = None
    former: tuple[UUID, ...] = ()
    kin: tuple[UUID, ...] = ()
    exact_by: str = ""
    understood: bool = True
    remarks: tuple[str, ...] = ()
    service: str = ""
    actor: str | None = None

    @property
    def undated(self) -> bool:
        """Whether its record does not say when it happened: it stands in 1970."""
        return self.time_ms == 0


def full_event(ocsf: dict[str, Any], unmapped: dict[str, Any], raw: str) -> bytes:
    """Join the parts of an event into the OCSF JSON that leaves the system."""
    complete: dict[str, Any] = {**ocsf, "raw_data": raw}
    if unmapped:
        complete["unmapped"] = unmapped
    # A copy, since orjson's own is in a buffer of many times its size, and thousands of these wait to be published.
    return bytes(memoryview(orjson.dumps(complete)))


def text_digest(text: str) -> str:
    """32 hex digits that tell whether a record's text is the same to the letter."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def header_safe(text: str) -> str:
    """`text` as one header line of at most 200 printable ASCII characters."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:200]).strip()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it comes back from the store.

    `twin_of`: the event that came before this one and tells of the same action; `twin`: the one that came after.
    `note_tags`: what people have tagged it with; `comments`: how many they have written.
    `version`: which of its `versions` this is, counted from 1 in the order in which they were stored.
    """

    id: UUID
    tenant: str
    source: str
    time: datetime
    service: str
    operation: str
    result: Result
    actor: str | None
    ip: str | None
    correlation_id: str | None
    tags: tuple[str, ...]
    ocsf: dict[str, Any]
    unmapped: dict[str, Any]
    raw: str | None
    page: str
    twin_of: UUID | None = None
    twin: UUID | None = None
    version: int = 1
    versions: int = 1
    note_tags: tuple[str, ...] = ()
    comments: int = 0
