"""From a record's bytes to an event. Never raises, whatever a record contains."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.contracts import spelling
from aoc_common.contracts.event import Event
from aoc_common.contracts.ids import event_id
from aoc_common.contracts.terms import index_tokens
from aoc_normalizer.bounds import LEVELS, bounded, depth_over
from aoc_normalizer.draft import Draft
from aoc_normalizer.fields.values import MAX_TEXT
from aoc_normalizer.mappers import GENERIC, recognise
from aoc_normalizer.ocsf import MAX_ITEMS, render
from aoc_normalizer.split import split

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_normalizer.mappers.base import Mapper

_MAX_TERMS: Final = 48
_MAX_ID: Final = 512
#: Control characters, line separators, and those that turn the direction of text: a message is read by people.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_PATH: Final = re.compile(r"[/\\]")
#: Levels of a record. A deeper one is no audit record; it is put aside whole.
_MAX_DEPTH: Final = 200


@dataclass(frozen=True, slots=True)
class RecordContext:
    """What is known of a record from outside it."""

    tenant: str
    source: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Rejected:
    """What cannot become an event: its text, whole, and why."""

    text: str
    reason: str


def normalise_page(body: bytes, context: RecordContext) -> tuple[list[Event], list[Rejected]]:
    """Every record of a raw page as an event, and what could not become one."""
    records, broken = split(body)
    rejected = [Rejected(part.text, part.reason) for part in broken]
    events: list[Event] = []
    for record in records:
        made = normalise(record, context)
        if isinstance(made, Event):
            events.append(made)
        else:
            rejected.append(made)
    return events, rejected


def normalise(raw: bytes, context: RecordContext) -> Event | Rejected:
    """One record as an event, or why it cannot become one."""
    tags: list[str] = []
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
        tags.append("invalid-utf8")
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        record = _leniently(text, tags)
        if record is None:
            return Rejected(text, f"not JSON: {error}")
    if not isinstance(record, dict):
        return Rejected(text, "not a JSON object")
    deep = _deep(record, text)
    if deep and depth_over(record, _MAX_DEPTH):
        return Rejected(text, f"nested more than {_MAX_DEPTH} levels deep")
    event = _map(record, text, context, tags)
    return replace(event, unmapped=bounded(event.unmapped)) if deep else event


def _deep(record: dict[str, Any], text: str) -> bool:
    """Whether the record needs bounds. Most have fewer brackets than levels are allowed: counting is cheaper."""
    return text.count("{") + text.count("[") > LEVELS and depth_over(record, LEVELS)


def _leniently(text: str, tags: list[str]) -> Any:
    """What the fast parser refuses and Python's reads: lone surrogates, NaN, very long numbers."""
    try:
        parsed = json.loads(text)
        tags.append("repaired")
        return orjson.loads(json.dumps(_clean(parsed)).encode("utf-8", "replace"))
    except (ValueError, RecursionError, orjson.JSONEncodeError):
        return None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124  # NaN
        return str(value)
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return str(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value


def _map(record: dict[str, Any], text: str, context: RecordContext, tags: list[str]) -> Event:
    draft, mapper = Draft(), GENERIC
    try:
        mapper = recognise(record)
        mapper.fill(record, draft)
        return _event(record, text, context, draft, mapper, tags)
    except Exception as error:  # noqa: BLE001  # a defect of a mapper must not cost a record
        return _after_defect(record, text, context, mapper, error, tags)


def _after_defect(
    record: dict[str, Any], text: str, context: RecordContext, mapper: Mapper, error: Exception, tags: list[str]
) -> Event:
    draft = Draft()
    note = f"{mapper.name}: {type(error).__name__}: {error}"[:500]
    try:
        GENERIC.fill(record, draft)
        return _event(record, text, context, draft, GENERIC, [*tags, "mapper-error"], note)
    except Exception:  # noqa: BLE001  # nothing of this record can be read; what is left is its text
        bare = Draft(operation="Unreadable record", message="A record that could not be read")
        return _event({}, text, context, bare, GENERIC, [*tags, "mapper-error"], note)


def _event(
    record: dict[str, Any],
    text: str,
    context: RecordContext,
    draft: Draft,
    mapper: Mapper,
    tags: list[str],
    note: str | None = None,
) -> Event:
    tags = [*tags, *draft.tags]
    if draft.time_ms is None:
        draft.time_ms = 0
        tags.append("no-time")
    if not draft.record_id or len(draft.record_id) >= MAX_TEXT:  # a longer id was cut: no longer one of its own
        # The wrapper of a diagnostic differs from delivery to delivery: what is inside is what counts.
        content = draft.content or record
        draft.record_id = blake2b(
            orjson.dumps(content, option=orjson.OPT_SORT_KEYS) if content else text.encode(), digest_size=16
        ).hexdigest()
        draft.family = f"{draft.family}-content"
        tags.append("no-id")
    if len(draft.targets) > MAX_ITEMS:
        tags.append("truncated")
    identity = event_id(context.tenant, draft.family, draft.record_id, draft.time_ms)
    draft.record_id = draft.record_id[:_MAX_ID]
    draft.message = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", draft.message or draft.operation or "Record")
    unmapped = {name: value for name, value in record.items() if name not in draft.used}
    unmapped |= draft.rest
    if note is not None:
        unmapped["_mapper_error"] = note
    return Event(
        id=identity,
        tenant=context.tenant,
        source=context.source,
        time_ms=draft.time_ms,
        class_uid=draft.class_uid,
        service=draft.service,
        operation=draft.operation or "Unknown",
        result=draft.result,
        actor=_actor(draft),
        ip=draft.address.ip if draft.address else None,
        correlation_id=draft.correlation_id,
        terms=_terms(draft),
        tags=tuple(dict.fromkeys(tags)),
        mapper=mapper.name,
        mapper_version=mapper.version,
        ocsf=render(draft, context.fetched_at),
        unmapped=unmapped,
        raw=text,
    )


def _actor(draft: Draft) -> str | None:
    label = draft.actor.label or draft.app.label
    return spelling.actor(label) if label else None


def _terms(draft: Draft) -> tuple[str, ...]:
    """Search terms, the most telling first."""
    said: list[str | None] = [draft.address.ip if draft.address else None]
    for party in (draft.actor, *draft.targets[:20]):
        said += [party.upn, party.name, _leaf(party.uid)]
    said += [draft.operation, draft.app.name, draft.status_code, *draft.privileges, *draft.search]
    said += [draft.record_id, draft.correlation_id, draft.session_uid, draft.app.uid]
    if draft.location:
        said.append(draft.location.get("city"))
    return index_tokens((word for word in said if word), _MAX_TERMS)


def _leaf(uid: str | None) -> str | None:
    """The end of a path or distinguished name: what leads to it is the same for thousands."""
    return uid and _PATH.split(uid.rstrip("/\\"))[-1]
