"""The envelope of Splunk's HTTP Event Collector. Pure.

Envelopes follow each other without anything between. `time` is in seconds since 1970; where an entry says no time it
is left out, and Splunk takes the time of receipt. The event's id and revision are indexed fields: Splunk cannot tell a
repeat apart, a search can (`| dedup event_id event_revision`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from aoc_common.contracts.sources import CONTENT_TYPES
from aoc_exporter.framing.members import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_exporter.item import Item

#: Source -> the sourcetype by which Splunk's add-ons for Microsoft know its records.
RECORD_SOURCETYPES: Final[Mapping[str, str]] = {
    "graph-signins": "azure:aad:signin",
    "graph-signins-noninteractive": "azure:aad:signin",
    "graph-directory-audits": "azure:aad:audit",
    "graph-risk-detections": "azure:aad:identity_protection:risk_detection",
    "graph-risky-users": "azure:aad:identity_protection:risky_user",
    "graph-alerts": "GraphSecurityAlert",
    **dict.fromkeys(CONTENT_TYPES.values(), "o365:management:activity"),
}
_OF_FORMATS: Final = {"ocsf": "aoc:ocsf", "ecs": "aoc:ecs", "cef": "cef", "elastic": "aoc:elastic"}


@dataclass(frozen=True, slots=True)
class HecFields:
    """What an envelope says beside its event. `index`: None for the token's own; `sourcetype`: None for the usual."""

    host: str = "aoc"
    index: str | None = None
    sourcetype: str | None = None


def sourcetype(format_name: str, source: str) -> str:
    """The usual sourcetype of a format, of records by their source."""
    if format_name in _OF_FORMATS:
        return _OF_FORMATS[format_name]
    return RECORD_SOURCETYPES.get(source, f"aoc:{source}")


def envelope(item: Item, fields: HecFields) -> bytes:
    """An item in its envelope."""
    entry = item.entry
    said = {
        "host": fields.host,
        "source": f"aoc:{entry.source}",
        "sourcetype": fields.sourcetype or sourcetype(item.format.name, entry.source),
    }
    if fields.index:
        said["index"] = fields.index
    known: dict[str, str | int] = {
        "event_id": entry.id,
        "event_revision": entry.revision,
        "tenant": entry.tenant,
        "aoc_kind": entry.kind.value,
    }
    if item.cut or entry.truncated:
        known["truncated"] = "true"
    if entry.retrospective:
        known["retrospective"] = "true"
    known |= {f"label_{name}": text for name, text in entry.labels}
    when = b'"time":%d.%03d,' % divmod(entry.time_ms, 1000) if entry.time_ms else b""
    return b"".join((
        b"{", when, orjson.dumps(said)[1:-1], b',"fields":', orjson.dumps(known), b',"event":', value(item), b"}",
    ))  # fmt: skip
