"""What lists and exports show of an event: its fields by name, as text, from the store and from the bus alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.ids import EPOCH
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from aoc_common.contracts.event import StoredEvent
    from aoc_common.contracts.event_message import EventMessage

_FAILURE: Final = 2
_LAST_MS: Final = 253_402_300_799_999
_MS: Final = 1000
#: Names that lead into the event, followed by the names of its members: `event.actor.user.uid`.
_INTO: Final = ("event.", "unmapped.")
#: Text of one field that is looked at; what is longer is shown by `aoc show`.
_LONGEST: Final = 32_000


@dataclass(frozen=True, slots=True)
class Row:
    """An event as one row. `twin_of`, `twin`: the event of the same action that came before, and after."""

    id: UUID
    tenant: str
    source: str
    operation: str
    ocsf: Mapping[str, Any]
    service: str = ""
    actor: str | None = None
    ip: str | None = None
    correlation_id: str | None = None
    tags: Sequence[str] = ()
    version: int = 1
    versions: int = 1
    twin_of: UUID | None = None
    twin: UUID | None = None
    unmapped: Mapping[str, Any] = field(default_factory=dict)
    note_tags: Sequence[str] = ()

    @classmethod
    def of_stored(cls, event: StoredEvent) -> Row:
        """The row of an event of the store."""
        return cls(
            event.id,
            event.tenant,
            event.source,
            event.operation,
            event.ocsf,
            event.service,
            event.actor,
            event.ip,
            event.correlation_id,
            event.tags,
            event.version,
            event.versions,
            event.twin_of,
            event.twin,
            event.unmapped,
            event.note_tags,
        )

    @classmethod
    def of_message(cls, message: EventMessage) -> Row:
        """The row of a message of the bus. Raises `Malformed` for a body that is no event."""
        ocsf = message.event
        metadata = _mapping(ocsf.get("metadata"))
        return cls(
            message.id,
            message.tenant,
            message.source,
            str(_at(ocsf, "api", "operation") or message.operation),
            ocsf,
            message.service or str(_at(metadata, "product", "name") or ""),
            _observable(ocsf, "actor"),
            _observable(ocsf, "src_endpoint.ip"),
            _text(metadata.get("correlation_uid")) or None,
            tuple(map(str, labels)) if isinstance(labels := metadata.get("labels"), list) else (),
            version=message.version,
            versions=message.version,
            twin_of=message.twin_of,
            unmapped=_mapping(ocsf.get("unmapped")),
        )

    @property
    def at(self) -> datetime | None:
        """When it happened, UTC; None when the record does not say."""
        milliseconds = self.ocsf.get("time")
        if not isinstance(milliseconds, int) or not 0 < milliseconds <= _LAST_MS:
            return None
        return EPOCH + timedelta(milliseconds=milliseconds)

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.ocsf.get("status_id") == _FAILURE

    @property
    def severity(self) -> int:
        """OCSF severity_id."""
        severity = self.ocsf.get("severity_id")
        return severity if isinstance(severity, int) else 0

    @property
    def message(self) -> str:
        """The sentence."""
        return _text(self.ocsf.get("message")) or self.operation

    @property
    def place(self) -> str:
        """Where its address is: `Utrecht, NL`; empty when that is not known."""
        location = self._location
        return ", ".join(filter(None, (_text(location.get("city")), _text(location.get("country")))))

    @property
    def country(self) -> str:
        """The country of its address, or nothing."""
        return _text(self._location.get("country"))

    @property
    def targets(self) -> list[str]:
        """What it was done to."""
        observables = self.ocsf.get("observables")
        listed = observables if isinstance(observables, list) else []
        return [_text(item.get("value")) for item in map(_mapping, listed) if item.get("name") == "target"]

    def json(self) -> dict[str, Any]:
        """The whole event, as `--json` prints it."""
        return {
            "id": str(self.id),
            "tenant": self.tenant,
            **self.ocsf,
            "version": self.version,
            "versions": self.versions,
            "twin_of": _id(self.twin_of),
            "twin": _id(self.twin),
            "unmapped": self.unmapped,
            "note_tags": list(self.note_tags),
        }

    @property
    def _location(self) -> Mapping[str, Any]:
        return _mapping(_at(self.ocsf, "src_endpoint", "location"))


#: Name of a field -> its value. The names are the gateway's, where it has the field.
FIELDS: Final[Mapping[str, Callable[[Row], Any]]] = {
    "time": lambda row: f"{row.at:%Y-%m-%dT%H:%M:%S}.{row.at.microsecond // _MS:03}Z" if row.at else "",
    "id": lambda row: row.id,
    "tenant": lambda row: row.tenant,
    "source": lambda row: row.source,
    "service": lambda row: row.service,
    "operation": lambda row: row.operation,
    "result": lambda row: str(row.ocsf.get("status") or "").lower(),
    "reason": lambda row: row.ocsf.get("status_detail"),
    "actor": lambda row: row.actor,
    "ip": lambda row: row.ip,
    "place": lambda row: row.place,
    "country": lambda row: row.country,
    "app": lambda row: _at(row.ocsf, "actor", "app_name"),
    "user_agent": lambda row: _at(row.ocsf, "http_request", "user_agent"),
    "device": lambda row: _at(row.ocsf, "src_endpoint", "name"),
    "targets": lambda row: row.targets,
    "message": lambda row: row.message,
    "severity": lambda row: row.ocsf.get("severity"),
    "class_name": lambda row: row.ocsf.get("class_name"),
    "correlation_id": lambda row: row.correlation_id,
    "tags": lambda row: list(row.tags),
    "note_tags": lambda row: list(row.note_tags),
    "twin_of": lambda row: row.twin_of,
    "twin": lambda row: row.twin,
    "version": lambda row: row.version,
    "versions": lambda row: row.versions,
}
#: What CSV has when no fields are named.
OF_CSV: Final = (
    "time", "tenant", "source", "service", "operation", "result", "reason", "actor", "ip", "place", "app", "targets",
    "message", "severity", "correlation_id", "id", "twin_of", "version",
    "note_tags",
)  # fmt: skip


def names_of(listed: str) -> tuple[str, ...]:
    """The fields of a list with commas. Raises `Malformed`, which lists those that there are."""
    names = tuple(filter(None, (name.strip() for name in listed.split(","))))
    for name in names:
        if name not in FIELDS and not (name.startswith(_INTO) and name.rpartition(".")[2]):
            known = f"{', '.join(FIELDS)}, and paths such as event.actor.user.uid or unmapped.UserKey"
            raise Malformed(f"no field {name!r}; there are {known}")
    if not names:
        raise Malformed("no field is named")
    return names


def value(row: Row, name: str) -> Any:
    """The value of a field; None when the event has none."""
    if (read := FIELDS.get(name)) is not None:
        return read(row)
    into, _, path = name.partition(".")
    return _at(row.ocsf if into == "event" else row.unmapped, *path.split("."))


def text(row: Row, name: str) -> str:
    """The value of a field as text: the members of a list with semicolons."""
    return _text(value(row, name))


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, list):
        return "; ".join(map(_text, content))[:_LONGEST]
    return str(content)[:_LONGEST]


def _at(content: Any, *names: str) -> Any:
    """The member that a path leads to: by name in an object, by number in a list; None where there is none."""
    for name in names:
        if isinstance(content, dict):
            content = content.get(name)
        elif isinstance(content, list) and name.isascii() and name.isdigit() and int(name[:9]) < len(content):
            content = content[int(name[:9])]
        else:
            return None
    return content


def _mapping(content: Any) -> Mapping[str, Any]:
    return content if isinstance(content, dict) else {}


def _observable(ocsf: Mapping[str, Any], name: str) -> str | None:
    observables = ocsf.get("observables")
    for item in map(_mapping, observables if isinstance(observables, list) else []):
        if item.get("name") == name:
            return _text(item.get("value"))
    return None


def _id(event_id: UUID | None) -> str | None:
    return None if event_id is None else str(event_id)
