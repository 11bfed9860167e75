"""Makes an event fit its bounds when a large record has filled it everywhere at once. Pure; rare.

Every text and list of an event is bounded by itself (`bounds`), but many long texts are much together. So the event as
a whole is measured, and shortened in steps until it fits: longer texts and lists first, then what holds the record's
own values. What is left is valid OCSF: required attributes stay, and no text is made shorter than its form may need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_normalizer import bounds
from aoc_normalizer.draft import DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Longest text and list, one attempt after the other. No shorter: a text may have to have its form.
STEPS: Final = ((1024, 50), (256, 20), (256, 5), (64, 1))
#: What holds the record's own names and values, and goes when short texts and lists are not enough.
HOLDS_MUCH: Final = frozenset({"request", "data", "enrichments"})


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


def cut(value: Any, text: int, items: int, without: frozenset[str] = frozenset()) -> Any:
    """The same with shorter texts and lists, and without some members."""
    if isinstance(value, str):
        return value[:text]
    if isinstance(value, list):
        return [cut(item, text, items, without) for item in value[:items]]
    if isinstance(value, dict):
        return {name: cut(item, text, items, without) for name, item in value.items() if name not in without}
    return value
