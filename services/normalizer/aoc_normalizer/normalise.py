"""From readings to events. Never raises, whatever a record contains."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.contracts import spelling, terms
from aoc_common.contracts.event import Event, text_digest
from aoc_common.contracts.ids import event_id, spelt_id
from aoc_normalizer import bounds
from aoc_normalizer.bounds import bounded, cuts
from aoc_normalizer.draft import Device
from aoc_normalizer.enrich.enrichment import enrich
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT, EnrichmentData
from aoc_normalizer.enrich.preserved import NOT_STORED, Preserved
from aoc_normalizer.enrich.tenant_check import FOREIGN_TENANT, is_foreign
from aoc_normalizer.fields.canonical import canonical
from aoc_normalizer.fields.values import MAX_TEXT
from aoc_normalizer.found_by import found_by, names
from aoc_normalizer.mappers import GENERIC
from aoc_normalizer.reading.records import Reading, RecordContext, Rejected, generically, read, read_page, unreadable
from aoc_normalizer.render.event_size import trimmed
from aoc_normalizer.render.ocsf import render
from aoc_normalizer.render.sentences import sentence
from aoc_normalizer.twins import facts as twin_facts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from aoc_normalizer.draft import Draft, Party

_MAX_ID: Final = 512
_SECOND_MS: Final = 1000
#: Tag of an event in whose operation or names are characters that nobody sees. Their codes are shown.
_INVISIBLE: Final = "invisible-characters"
#: Texts of a draft that are shown or searched for by themselves.
_TEXTS: Final = (
    "record_id", "original_time", "product", "log_name", "organisation", "operation", "spelt", "status_code",
    "status_detail",
    "user_agent", "correlation_id", "session_uid",
)  # fmt: skip
_texts_of: Final = attrgetter(*_TEXTS)
#: Tag of an event that has more words than the index takes.
_FEWER_TERMS: Final = "fewer-terms"


def normalise_page(
    body: bytes, context: RecordContext, enrichment: EnrichmentData = NO_ENRICHMENT
) -> tuple[list[Event], list[Rejected]]:
    """Every record of a raw page as an event, and what could not become one."""
    readings, rejected = read_page(body, context)
    return [finish(reading, enrichment) for reading in readings], rejected


def normalise(raw: bytes, context: RecordContext, enrichment: EnrichmentData = NO_ENRICHMENT) -> Event | Rejected:
    """One record as an event, or why it cannot become one."""
    reading = read(raw, context)
    return finish(reading, enrichment) if isinstance(reading, Reading) else reading


def finish(reading: Reading, enrichment: EnrichmentData, preserved: Preserved = NOT_STORED) -> Event:
    """The event of a reading, with names and places that the record itself does not say.

    `preserved`: what the stored event says of people and things, where a record is mapped again.
    """
    try:
        return _event(reading, enrichment, preserved)
    except Exception as error:  # noqa: BLE001  # a defect of ours must not cost a record
        generically(reading, error)
    try:
        return _event(reading, NO_ENRICHMENT, preserved)
    except Exception:  # noqa: BLE001  # see above
        unreadable(reading)
        return _event(reading, NO_ENRICHMENT, preserved)


def _event(reading: Reading, enrichment: EnrichmentData, preserved: Preserved = NOT_STORED) -> Event:
    draft, context = reading.draft, reading.context
    tags = [*reading.tags, *draft.tags]
    if draft.time_ms is None:
        draft.time_ms = 0
        tags.append("no-time")
    if not draft.record_id or len(draft.record_id) >= MAX_TEXT:  # a longer id was cut: no longer one of its own
        draft.family = f"{draft.family}-content"
        draft.record_id, before = _content_ids(reading)
        draft.former = [(draft.family, before)] if before != draft.record_id else []
        tags.append("no-id")
    _remark(draft, enrichment.organisation)
    identity = event_id(context.tenant, draft.family, draft.record_id, draft.time_ms)
    # Most ids are in lower case, so no other id was ever made of them.
    lone = not draft.former and draft.record_id.islower() and spelling.is_plain(draft.record_id)
    former = () if lone else _former(draft, context.tenant, identity)
    coarse_ms = draft.coarse_ms
    kin = () if coarse_ms is None else (event_id(context.tenant, draft.family, draft.record_id, coarse_ms),)
    draft.record_id = draft.record_id[:_MAX_ID]
    exact_by = _exact_by(draft)
    facts = twin_facts.of(draft, context.tenant)
    unnamed = enrich(draft, enrichment, preserved)
    unmapped = _unmapped(reading)
    understood = reading.mapper is not GENERIC
    # Of what no mapper understands, all words are searched for already.
    actor, named = _actor(draft), names(draft, reading.record, unmapped if understood else {})
    _clean(draft)
    message = spelling.shown((draft.sentence or sentence)(draft))
    found, cut = found_by(draft, message, named, understood=understood)
    if cut:
        cuts.note(_FEWER_TERMS)
    if reading.deep:
        unmapped = bounded(unmapped)
    if reading.note is not None:
        unmapped["_mapper_error"] = reading.note
    ocsf = render(draft, message, context.fetched_at)
    if len(reading.text) > bounds.HARMLESS:
        ocsf, unmapped = trimmed(ocsf, unmapped)
    tags += cuts.take()
    if tags:
        ocsf["metadata"]["labels"] = tags = list(dict.fromkeys(tags))
    return Event(
        id=identity,
        tenant=context.tenant,
        source=context.source,
        time_ms=draft.time_ms,
        class_uid=draft.class_uid,
        service=draft.service,
        operation=draft.operation or "Unknown",
        result=draft.result,
        actor=actor,
        ip=draft.address.ip if draft.address else None,
        correlation_id=draft.correlation_id,
        terms=found,
        tags=tuple(tags),
        mapper=reading.mapper.name,
        mapper_version=reading.mapper.version,
        unnamed=unnamed,
        ocsf=ocsf,
        unmapped=unmapped,
        raw=reading.text,
        twin_facts=facts,
        text=text_digest(reading.text),
        former=former,
        kin=kin,
        exact_by=exact_by,
    )


def _exact_by(draft: Draft) -> str:
    """By what the same record is found where its time was told more exactly."""
    if not draft.exact_elsewhere or not draft.record_id or (draft.time_ms or 0) % _SECOND_MS:
        return ""
    return next(iter(terms.id_terms(draft.record_id)), "")


def _unmapped(reading: Reading) -> dict[str, Any]:
    """What has no home in OCSF. To copy all and take out what was used is twice as fast as to choose."""
    unmapped = reading.record.copy()
    for name in reading.draft.used:
        unmapped.pop(name, None)
    return unmapped | reading.draft.rest if reading.draft.rest else unmapped


def _remark(draft: Draft, own_tenant: str | None) -> None:
    """Note what a person should know of a record beyond what it says."""
    most = max(len(draft.targets), len(draft.parameters), len(draft.privileges))
    if most > bounds.ITEMS or len(draft.changes) >= bounds.ITEMS:
        cuts.note("truncated")
    if not spelling.is_plain(draft.operation):
        draft.spelt, draft.operation = draft.operation, spelling.folded(draft.operation)
    if draft.spelt is not None:
        cuts.note(_INVISIBLE)
    if is_foreign(draft.organisation, own_tenant):
        cuts.note(FOREIGN_TENANT)


def _former(draft: Draft, tenant: str, identity: UUID) -> tuple[UUID, ...]:
    """Ids that older versions of AOC gave the record: with regard to case, and with times as they were spelt."""
    record_id, time_ms = draft.record_id or "", draft.time_ms or 0
    names = {(draft.family, record_id), *draft.former}
    if not spelling.is_plain(record_id):
        names.add((draft.family, record_id.lower()))
    return tuple({spelt_id(tenant, family, name, time_ms) for family, name in names} - {identity})


def _clean(draft: Draft) -> None:
    """Facets and names without what a terminal or a page would act upon. The record's own text keeps it."""
    if not _plain(_texts_of(draft)):
        cuts.note(_INVISIBLE)
        for field in _TEXTS:
            setattr(draft, field, (text := getattr(draft, field)) and spelling.shown(text))
    if not all(map(_is_shown, (draft.actor, draft.app, *draft.targets))):
        cuts.note(_INVISIBLE)
        draft.actor, draft.app = _shown(draft.actor), _shown(draft.app)
        draft.targets = [_shown(target) for target in draft.targets]
    if draft.privileges:
        draft.privileges = [spelling.shown(name) for name in draft.privileges]
    if draft.factors:
        draft.factors = [spelling.shown(name) for name in draft.factors]
    if (device := draft.device) is not None and not _plain((device.name, device.uid, device.os)):
        draft.device = Device(*(text and spelling.shown(text) for text in (device.name, device.uid, device.os)))
    if (place := draft.location) is not None and not _plain([text for text in place.values() if isinstance(text, str)]):
        draft.location = {name: spelling.shown(text) if isinstance(text, str) else text for name, text in place.items()}


@lru_cache(maxsize=8192)
def _is_shown(party: Party) -> bool:
    return _plain((party.name, party.upn, party.uid, party.kind))


def _shown(party: Party) -> Party:
    name, upn, uid, kind = (text and spelling.shown(text) for text in (party.name, party.upn, party.uid, party.kind))
    return party._replace(name=name, upn=upn, uid=uid, kind=kind)


def _plain(texts: Iterable[str | None]) -> bool:
    return spelling.is_plain("".join(filter(None, texts)))


def _content_ids(reading: Reading) -> tuple[str, str]:
    """A hash in place of an id: of what is inside, as the wrapper of a diagnostic differs between deliveries.

    Of instants as instants and numbers as numbers; and, as older versions of AOC had it, of them as they are spelt.
    """
    content = reading.draft.content or reading.record
    body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS) if content else reading.text.encode()
    same = orjson.dumps(canonical(content) or content, option=orjson.OPT_SORT_KEYS) if content else body
    return blake2b(same, digest_size=16).hexdigest(), blake2b(body, digest_size=16).hexdigest()


def _actor(draft: Draft) -> str | None:
    label = draft.actor.label or draft.app.label
    return spelling.actor(label) if label else None
