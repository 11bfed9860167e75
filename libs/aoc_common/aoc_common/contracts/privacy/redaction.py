"""An event without private values.

A value is taken out in two steps. Where it stands by its name, in the record's own text, in what is unmapped and in the
OCSF event, a mark takes its place. Then it is looked for in all that is left, since mappers copy values: into the
sentence, into observables, into names of what is acted upon. A sentence that still has a word which only private values
have (they are shortened, or put in another order) is replaced as a whole.

What is shown is no longer the record to the letter: it is JSON written anew, and says so by the mark. All is bounded:
an event with more private values than are looked for loses all texts that could hold them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.contracts import terms
from aoc_common.contracts.privacy.private_values import MARK, SHORTEST, PrivateValues, json_inside, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    from aoc_common.contracts.event import StoredEvent

#: Of a longer value, that much at its beginning is looked for, and all that follows it is hidden: texts are cut.
_BEGINNING: Final = 24
#: Characters from which on a value is looked for inside of words.
_INSIDE: Final = 6
#: Attributes of OCSF whose values are the schema's own words, or have a form that it asks for.
_SPARED: Final = frozenset(
    {"class_name", "category_name", "severity", "status", "type", "version", "vendor_name", "profiles", "provider"}
    | {"email_addr", "ip"}
)
#: What is written for people, and may tell a value in other words.
_SENTENCES: Final = ("message", "status_detail")
_IP_ADDRESS: Final = 2


def redacted(event: StoredEvent, fields: AbstractSet[str]) -> StoredEvent:
    """The event as somebody sees it from whom these kinds of values are hidden. It needs its raw text to know them."""
    if not fields:
        return event
    values = PrivateValues(fields)
    raw = _record(event.raw, values)
    unmapped = values.taken_out(event.unmapped)
    ocsf = _of_ocsf(event.ocsf, values)
    if values.too_many:
        raw, unmapped = MARK, {}
        ocsf = {name: value for name, value in ocsf.items() if name not in {"api", "enrichments", "observables"}}
        ocsf |= {name: MARK for name in _SENTENCES if name in ocsf}
    else:
        blank = _blanking(values.found)
        raw, unmapped = _everywhere(raw, blank), _everywhere(unmapped, blank)
        ocsf = _sentences(_everywhere(ocsf, blank, _SPARED), unmapped, values, event)
    return replace(
        event,
        ip=None if "address" in fields else event.ip,
        ocsf=ocsf,
        unmapped=unmapped,
        raw=None if event.raw is None else raw if isinstance(raw, str) else orjson.dumps(raw).decode(),
    )


def _record(raw: str | None, values: PrivateValues) -> Any:
    """The record without private values; the mark alone for what is no JSON."""
    if not raw:
        return raw
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return MARK
    return values.taken_out(record)


def _of_ocsf(event: dict[str, Any], values: PrivateValues) -> dict[str, Any]:
    """An OCSF event, still valid: what its schema asks for stays, with the mark in it."""
    taken: dict[str, Any] = {}
    for name, value in event.items():
        if name == "src_endpoint" and isinstance(value, dict):
            taken[name] = _endpoint(value, values)
        elif name == "file" and isinstance(value, dict):
            taken[name] = _file(value, values)
        elif name == "evidences" and isinstance(value, list):
            taken[name] = [_of_ocsf(one, values) if isinstance(one, dict) else one for one in value]
        elif name == "observables" and isinstance(value, list):
            taken[name] = [one for one in value if not _is_address(one, values)]
        elif name == "enrichments" and isinstance(value, list):
            taken[name] = [kept for one in value if (kept := _enrichment(one, values)) is not None]
        else:
            taken[name] = values.taken_out({name: value})[name]
    return taken


def _endpoint(endpoint: dict[str, Any], values: PrivateValues) -> dict[str, Any]:
    kept, gone = dict(endpoint), dict[str, Any]()
    if "address" in values.fields:
        gone |= {name: kept.pop(name) for name in ("ip", "port", "autonomous_system", "mac") if name in kept}
    if "location" in values.fields:
        gone |= {"location": kept.pop("location")} if "location" in kept else {}
    if "device" in values.fields:
        gone |= {name: kept.pop(name) for name in ("name", "uid", "os", "hostname") if name in kept}
    if gone.get("name") == "Unknown":  # the schema's, not the record's
        kept["name"] = gone.pop("name")
    for value in gone.values():
        values.hide(value)
        if isinstance(value, dict):  # a place: its city is as telling as its name
            for text in texts(value):
                values.note(text)
    return kept if {"ip", "name", "uid"} & kept.keys() else kept | {"name": MARK}


def _file(file: dict[str, Any], values: PrivateValues) -> dict[str, Any]:
    if "file" not in values.fields:
        return file
    return {name: values.hide(value) if name in {"name", "path"} else value for name, value in file.items()}


def _is_address(observable: Any, values: PrivateValues) -> bool:
    return "address" in values.fields and isinstance(observable, dict) and observable.get("type_id") == _IP_ADDRESS


def _enrichment(enrichment: Any, values: PrivateValues) -> Any:
    """What is known of a value; nothing of a hidden one."""
    about = enrichment.get("name") if isinstance(enrichment, dict) else None
    if isinstance(about, str) and about.startswith("src_endpoint") and values.fields & {"address", "location"}:
        values.hide(enrichment.get("value"))
        return None
    return values.taken_out(enrichment)


def _blanking(found: Iterable[str]) -> Callable[[str], str]:
    """Puts the mark in place of each of these values, in any case. Of a long one that was cut, up to the end."""
    patterns = []
    for value in sorted(found, key=len, reverse=True):
        begin, end = (r"(?<!\w)", r"(?!\w)") if len(value) < _INSIDE else ("", "")
        patterns.append((value.casefold(), re.compile(f"{begin}{re.escape(value)}{end}", re.IGNORECASE)))
        if len(value) > _BEGINNING:
            cut = value[:_BEGINNING]
            patterns.append((cut.casefold(), re.compile(re.escape(cut) + r"[\s\S]*", re.IGNORECASE)))

    def blank(text: str) -> str:
        folded = text.casefold()
        for value, pattern in patterns:
            if value in folded:
                text = pattern.sub(MARK, text)
        return text

    return blank if patterns else lambda text: text


def _everywhere(value: Any, blank: Callable[[str], str], spared: AbstractSet[str] = frozenset()) -> Any:
    """JSON with other texts. Its depth is bounded by then. `spared`: names of members that stay."""
    if isinstance(value, dict):
        if spared:  # OCSF, whose names are its own
            return {name: one if name in spared else _everywhere(one, blank, spared) for name, one in value.items()}
        return {blank(name): _everywhere(one, blank) for name, one in value.items()}
    if isinstance(value, list):
        return [_everywhere(one, blank, spared) for one in value]
    if not isinstance(value, str) or len(value) < SHORTEST:
        return value
    if (inside := json_inside(value)) is None:
        return blank(value)
    changed = _everywhere(inside, blank)  # there, a value is spelt with the escapes of JSON
    return value if changed == inside else orjson.dumps(changed).decode()


def _sentences(ocsf: dict[str, Any], unmapped: Any, values: PrivateValues, event: StoredEvent) -> dict[str, Any]:
    """The event without sentences that have a word of private values which stands nowhere else."""
    rest = {name: value for name, value in ocsf.items() if name not in _SENTENCES}
    shown = set(terms.operation_terms(event.operation))
    for text in texts([rest, unmapped, event.actor or ""]):
        shown.update(terms.name_terms(text))
    private = {term for value in values.whole for term in terms.name_terms(value)} - shown
    changed = dict(ocsf)
    for name in _SENTENCES:
        sentence = changed.get(name)
        if isinstance(sentence, str) and not private.isdisjoint(terms.name_terms(sentence.replace(MARK, " "))):
            changed[name] = f"{event.actor or 'Somebody'}: {event.operation} {MARK}" if name == "message" else MARK
    return changed
