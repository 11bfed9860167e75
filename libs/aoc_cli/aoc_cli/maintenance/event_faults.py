"""What can be wrong with a stored event: by its own record, its versions, and its twin. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aoc_common.contracts import ids
from aoc_common.contracts.event import Event, text_digest
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from aoc_common.store.mongo.store_check import Checked


def faults(event: Mapping[str, Any], beside: Checked) -> Iterator[tuple[str, str]]:
    """Kind and words of each. `beside`: what is stored beside the event."""
    yield from _of_record(event)
    yield from _of_facets(event)
    yield from _of_versions(event, beside.versions.get(event["_id"], {}))
    yield from _of_twins(event, beside.twins)


def _of_record(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Its id and its digest follow from its record's text."""
    raw = event.get("raw")
    if not isinstance(raw, str):
        yield "record", "its record is missing"
        return
    if "text" in event and event["text"] != text_digest(raw):
        yield "text", "its record is not the text that was stored"
    logged = event["event"].get("metadata", {}).get("logged_time", 0)
    context = RecordContext(event["tenant"], event["source"], ids.from_ms(logged))
    made = normalise(raw.encode("utf-8", "replace"), context)
    # What no mapper of today can read was read by one of before.
    if isinstance(made, Event):
        same = {made.id, *made.former, *made.kin}
        if event["_id"] not in same | {ids.beside(one, made.operation) for one in same}:
            yield "id", f"its record has the id {made.id} today: aoc remap --all, or aoc maintenance dedupe"


def _of_facets(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What it is found by says what the event says."""
    ocsf = event["event"]
    if event.get("class_uid") != ocsf.get("class_uid"):
        yield "facets", f"it is found as class {event.get('class_uid')}, and is {ocsf.get('class_uid')}"
    if ids.to_ms(event["time"]) != ocsf.get("time", 0):
        yield "facets", "it is found at another time than its own"
    if not event.get("terms"):
        yield "terms", "no word finds it: aoc maintenance replay"


def _of_versions(event: Mapping[str, Any], versions: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """All its versions are there, and the one that is shown is one of them."""
    count, shown = event.get("versions", 1), event.get("version", 1)
    if count == 1 and not versions:
        return
    if missing := [number for number in range(1, count + 1) if number not in versions]:
        yield "versions", f"of {count} versions these are missing: {', '.join(map(str, missing[:10]))}"
    elif shown not in versions:
        yield "versions", f"it shows version {shown} of {count}"
    elif versions[shown].get("text") != event.get("text"):
        yield "versions", f"it shows another text than its version {shown}"


def _of_twins(event: Mapping[str, Any], others: Mapping[UUID, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """A link leads back. The second event may have left before the first, which is kept as long as either."""
    if "twin_of" in event:
        first = others.get(event["twin_of"])
        if first is None or "forgotten" in first:
            yield "twins", f"the event that stands for it is gone: {event['twin_of']}"
        elif first.get("twin") != event["_id"] or first.get("tenant") != event["tenant"]:
            yield "twins", f"the event that stands for it names another twin: {event['twin_of']}"
        elif "twin_of" in first:
            yield "twins", f"the event that stands for it is a second one itself: {event['twin_of']}"
    second = others.get(event["twin"]) if "twin" in event else None
    if second is not None and "forgotten" not in second and second.get("twin_of") != event["_id"]:
        yield "twins", f"the event that it stands for says otherwise: {event['twin']}"
