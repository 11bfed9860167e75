"""What is exported: one version of an event, one revision of an alert, or one entry of the audit trail. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.contracts.alert_message import RETROSPECTIVE_HEADER, REVISION_HEADER, RULE_HEADER
from aoc_common.contracts.ids import from_ms, to_ms
from aoc_common.contracts.subjects import owner
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.contracts.audit import AuditEntry
    from aoc_common.contracts.event_message import EventMessage

#: What stands for a source where an entry has none.
AUDIT_SOURCE: Final = "aoc-audit"
ALERT_SOURCE: Final = "aoc-alerts"


class Kind(StrEnum):
    """What an entry is."""

    EVENT = "event"
    ALERT = "alert"
    AUDIT = "audit"


@dataclass(frozen=True)
class Entry:
    """One thing to export. `id` and `revision` together are its identity at every destination.

    - `time_ms`: when it happened, ms since 1970 UTC; 0 where nothing says when.
    - `body`: an OCSF event as JSON, as it was published or stored. `truncated`: a shorter form, the whole is stored.
    - `digest`: of a later version of an event. `retrospective`: it came long after it had happened. `labels`: what its
      sink says of all it sends.
    """

    kind: Kind
    id: str
    revision: int
    tenant: str
    source: str
    class_uid: int
    operation: str
    time_ms: int
    body: bytes
    truncated: bool = False
    digest: str | None = None
    retrospective: bool = False
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_event(cls, message: EventMessage) -> Entry:
        """Of a message of AOC_EVENTS, which is not parsed: an event's id says when it happened."""
        return cls(
            Kind.EVENT,
            str(message.id),
            message.version,
            message.tenant,
            message.source,
            message.class_uid,
            message.operation,
            message.id.int >> 80,
            message.body,
            message.truncated,
            message.digest,
        )

    @classmethod
    def of_alert(cls, subject: str, headers: Mapping[str, str], body: bytes) -> Entry:
        """Of a message of AOC_ALERTS: one revision of an alert. Raises `Malformed`."""
        try:
            finding = orjson.loads(body)
            identity, revision = str(finding["finding_info"]["uid"]), int(headers[REVISION_HEADER])
            class_uid, time_ms = int(finding["class_uid"]), int(finding["time"])
        except (ValueError, KeyError, TypeError) as error:
            raise Malformed(f"{subject[:200]!r}: no alert: {type(error).__name__} {error}") from None
        tenant, _ = owner(subject)
        made = cls(
            Kind.ALERT, identity, revision, tenant, ALERT_SOURCE, class_uid, headers.get(RULE_HEADER, ""), time_ms, body
        )
        return replace(made, retrospective=headers.get(RETROSPECTIVE_HEADER) == "1")

    @classmethod
    def of_audit(cls, entry: AuditEntry) -> Entry:
        """Of an entry of AOC's own audit trail."""
        return cls(
            Kind.AUDIT,
            entry.id,
            1,
            entry.chain.tenant,
            AUDIT_SOURCE,
            int(entry.event["class_uid"]),
            entry.action,
            to_ms(entry.at),
            entry.text.encode(),
        )

    @property
    def key(self) -> str:
        """The same for the same version only: `{id}-{revision}`."""
        return f"{self.id}-{self.revision}"

    @cached_property
    def event(self) -> dict[str, Any]:
        """The body, parsed once. Raises `Malformed` for one that is no JSON object."""
        try:
            parsed: object = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise Malformed(f"{self.kind} {self.key}: the body is no JSON: {error}") from None
        if not isinstance(parsed, dict):
            raise Malformed(f"{self.kind} {self.key}: the body is no JSON object")
        return parsed

    @cached_property
    def timestamp(self) -> str | None:
        """When it happened, in RFC 3339 with ms and `Z`; None where nothing says when, or beyond year 9999."""
        if self.time_ms == 0:
            return None
        try:
            return from_ms(self.time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        except OverflowError:
            return None

    @property
    def dated(self) -> str:
        """A time for destinations that insist on one: when it happened, else when it was first seen, else 1970."""
        if self.timestamp is not None:
            return self.timestamp
        metadata = self.event.get("metadata")
        seen = metadata.get("logged_time") if isinstance(metadata, dict) else None
        return (isinstance(seen, int) and replace(self, time_ms=seen).timestamp) or "1970-01-01T00:00:00.000Z"

    def mark(self, *, cut: bool = False) -> bytes:
        """What AOC knows of it and its body does not say, as a JSON object: whose it is, and by what it is known.

        `cut`: what goes along is shorter than the body was.
        """
        said: dict[str, Any] = {
            "id": self.id,
            "revision": self.revision,
            "kind": self.kind.value,
            "tenant": self.tenant,
            "source": self.source,
        }
        if cut or self.truncated:
            said["truncated"] = True
        if self.retrospective:
            said["retrospective"] = True
        if self.labels:
            said["labels"] = dict(self.labels)
        return orjson.dumps(said)

    def shortened(self, form: dict[str, Any]) -> Entry:
        """The same entry with a shorter body."""
        return replace(self, body=orjson.dumps(form), truncated=True)
