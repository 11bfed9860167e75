"""What a message of AOC_EVENTS says: made by the normalizer, and read by whoever consumes events. Pure.

One class is both ends of the contract. `EventMessage.of` makes the message of a stored event, for the stream and for a
reader to whom the stream cannot deliver it any more; `EventMessage.from_message` reads one. Consumers have to be
idempotent by `key`, the event's id and the number of its version: a message can be delivered more than once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote
from uuid import UUID

import orjson

from aoc_common.contracts import subjects, twins
from aoc_common.contracts.event import VERSION_HEADER, header_safe
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.contracts.event import PackedEvent, Version

ID_HEADER: Final = "Nats-Msg-Id"
OPERATION_HEADER: Final = "Aoc-Operation"
#: The service, percent-encoded; not on messages of versions of AOC that did not tell.
SERVICE_HEADER: Final = "Aoc-Service"
#: `no` on the message of a record whose shape no mapper knew.
UNDERSTOOD_HEADER: Final = "Aoc-Understood"
#: On a message whose body is a shortened event: the whole was larger than the stream takes.
TRUNCATED_HEADER: Final = "Aoc-Truncated"
_DIGEST: Final = re.compile(r"[0-9a-f]{1,64}")
_SUBJECT: Final = re.compile(r"aoc\.events\.([a-z0-9-]{1,40})\.([A-Za-z0-9_-]{1,64})\.([0-9]{1,9})")


@dataclass(frozen=True)
class EventMessage:
    """One version of an event, as it is published on AOC_EVENTS.

    - `operation`: in printable ASCII, at most 200 characters; the body has it whole.
    - `version`: counted from 1; `digest`: of what a later version says, None for the first.
    - `twin_of`: the event that was published before and is the same action; `adds`: what this one says beyond it
      (`version`, `risk`).
    - `body`: the OCSF event as JSON; `truncated`: shortened, the whole is in the store.
    - `sequence`: where the message lies on AOC_EVENTS, or lay; 0 where that is not known.
    - `service`: as the store has it; empty in what an older version of AOC has published.
    - `understood`: see `PackedEvent`.
    - `deliveries`: how often it was handed to a reader, this time included. `incarnation`: of AOC_EVENTS, in which
      `sequence` counts, as its reader knows it; empty where nobody said. `restored`: it came from the store.
    """

    id: UUID
    tenant: str
    source: str
    class_uid: int
    operation: str
    version: int
    digest: str | None
    twin_of: UUID | None
    adds: str | None
    body: bytes
    truncated: bool = False
    sequence: int = 0
    service: str = ""
    understood: bool = True
    deliveries: int = field(default=1, compare=False)
    incarnation: str = field(default="", compare=False)
    restored: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, event: PackedEvent, version: Version | None, first: UUID | None, sequence: int = 0) -> EventMessage:
        """The message of an event. `version`: None for the first; `first`: the event whose twin this one is."""
        body, marks = event.body, dict[str, str]()
        if first is not None:
            body, marks = twins.marked(body, first, later=version is not None)
        return cls(
            id=event.id,
            tenant=event.tenant,
            source=event.source,
            class_uid=event.class_uid,
            operation=header_safe(event.operation),
            version=1 if version is None else version.number,
            digest=None if version is None else version.digest,
            twin_of=first,
            adds=marks.get(twins.ADDS),
            body=body,
            sequence=sequence,
            service=event.service,
            understood=event.understood,
        )

    @classmethod
    def from_message(  # what a delivery consists of
        cls,
        subject: str,
        headers: Mapping[str, str] | None,
        body: bytes,
        sequence: int = 0,
        deliveries: int = 1,
        incarnation: str = "",
    ) -> EventMessage:
        """Read subject and headers; the body is parsed on demand (`event`).

        Raises `Malformed`, which names the subject, the sequence and what is wrong.
        """
        held = headers or {}
        try:
            tenant, source, class_uid = _of_subject(subject)
            _check_owner(held, tenant, source)
            event, version, digest = _of_version(held)
        except Malformed as error:
            raise Malformed(f"{_place(subject, sequence)}: {error}") from None
        return cls(
            event,
            tenant,
            source,
            class_uid,
            held.get(OPERATION_HEADER, ""),
            version,
            digest,
            _twin(held.get(twins.HEADER)),
            held.get(twins.ADDS),
            body,
            held.get(TRUNCATED_HEADER) == "1",
            sequence,
            unquote(held.get(SERVICE_HEADER, "")),
            held.get(UNDERSTOOD_HEADER) != "no",
            deliveries,
            incarnation,
        )

    @property
    def subject(self) -> str:
        """Where it is published."""
        return subjects.events(self.tenant, self.source, self.class_uid)

    @property
    def message_id(self) -> str:
        """`Nats-Msg-Id`: the event's id, of a later version `id:digest`."""
        return str(self.id) if self.digest is None else f"{self.id}:{self.digest}"

    @property
    def key(self) -> tuple[UUID, int]:
        """What makes a delivery the same as one before it: the event and the number of its version."""
        return self.id, self.version

    @property
    def stands_alone(self) -> bool:
        """Whether it is to be alerted on and exported: no event stands for it, or it adds to what that one says."""
        return self.twin_of is None or self.adds is not None

    def headers(self) -> dict[str, str]:
        """NATS headers."""
        made = {
            ID_HEADER: self.message_id,
            VERSION_HEADER: str(self.version),
            "Aoc-Tenant": self.tenant,
            "Aoc-Source": self.source,
            OPERATION_HEADER: self.operation,
        }
        if self.twin_of is not None:
            made[twins.HEADER] = str(self.twin_of)
        if self.adds is not None:
            made[twins.ADDS] = self.adds
        if self.truncated:
            made[TRUNCATED_HEADER] = "1"
        if self.service:
            made[SERVICE_HEADER] = quote(self.service, safe=" ")
        if not self.understood:
            made[UNDERSTOOD_HEADER] = "no"
        return made

    @cached_property
    def event(self) -> dict[str, Any]:
        """The body, parsed once. Raises `Malformed` for a body that is no JSON object."""
        try:
            parsed: object = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Malformed(f"{_place(self.subject, self.sequence)}: the body is no JSON: {error}") from None
        if not isinstance(parsed, dict):
            raise Malformed(f"{_place(self.subject, self.sequence)}: the body is no JSON object")
        return parsed


def _place(subject: str, sequence: int) -> str:
    return f"{subject[:200]!r}, sequence {sequence}"


@lru_cache(4096)
def _of_subject(subject: str) -> tuple[str, str, int]:
    match = _SUBJECT.fullmatch(subject)
    if match is None:
        raise Malformed("expected aoc.events.{tenant}.{source}.{class_uid}")
    tenant, source, class_uid = match.groups()
    return tenant, source, int(class_uid)


def _check_owner(headers: Mapping[str, str], tenant: str, source: str) -> None:
    for name, expected in (("Aoc-Tenant", tenant), ("Aoc-Source", source)):
        if headers.get(name, expected) != expected:
            raise Malformed(f"header {name} is {headers[name][:100]!r}, the subject says {expected!r}")


def _of_version(headers: Mapping[str, str]) -> tuple[UUID, int, str | None]:
    """The event's id, the number of its version, and the digest of a later one."""
    if ID_HEADER not in headers:
        raise Malformed(f"header {ID_HEADER} is missing")
    name, colon, digest = headers[ID_HEADER].partition(":")
    if colon and not _DIGEST.fullmatch(digest):
        raise Malformed(f"header {ID_HEADER} is {headers[ID_HEADER][:100]!r}: expected an id, or id:digest")
    number = headers.get(VERSION_HEADER, "1")
    if not (number.isascii() and number.isdigit()) or (int(number[:9]) > 1) is not bool(colon):
        expected = "2 or more, since the message id names a version" if colon else "1"
        raise Malformed(f"header {VERSION_HEADER} is {number[:20]!r}: expected {expected}")
    return _uuid(name, ID_HEADER), int(number[:9]), digest or None


def _twin(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None  # none of ours: rather an action alerted on twice than one that is passed over


def _uuid(text: str, header: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Malformed(f"header {header} is {text[:100]!r}: expected an event's id (a UUID)") from None
