"""Makes an event fit its bounds when a large record has filled it everywhere at once. Pure; rare.

Every text and list of an event is bounded by itself (`bounds`), but many long texts are much together. So the event as
a whole is measured, and shortened in steps until it fits: longer texts and lists first, then what holds the record's
own values. What is left is valid OCSF: required attributes stay, and no text is made shorter than its form may need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from aoc_common.contracts.shorter_events import HOLDS_MUCH, STEPS, cut
from aoc_normalizer import bounds
from aoc_normalizer.draft import DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def trimmed(ocsf: dict[str, Any], unmapped: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both within their bounds. Notes what was cut (`bounds.cuts`)."""
    if len(orjson.dumps(ocsf)) > bounds.EVENT:
        bounds.cuts.note("cut-event")
        # What the directory tells is bounded by itself, and mapping the record again relies on it (`enrich.preserved`).
        known = [one for one in ocsf.get("enrichments", ()) if one["type"] == DIRECTORY]
        others = [one for one in ocsf.get("enrichments", ()) if one["type"] != DIRECTORY]
        most = bounds.EVENT - len(orjson.dumps(known))
        for form in _shorter({**ocsf, "enrichments": others}):
            ocsf = form
            if len(orjson.dumps(form)) <= most:
                break
        ocsf["enrichments"] = [*known, *ocsf.get("enrichments", ())]
    return ocsf, bounds.members(unmapped, bounds.UNMAPPED)


def _shorter(ocsf: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for text, items in STEPS:
        yield {name: cut(value, text, items) for name, value in ocsf.items()}
    for text, items in STEPS[-2:]:
        yield {name: cut(value, text, items, HOLDS_MUCH) for name, value in ocsf.items() if name not in HOLDS_MUCH}
