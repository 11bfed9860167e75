"""An event as a reader sees it, and what he can find it by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson

from aoc_common.contracts import terms
from aoc_common.contracts.privacy.private_values import texts
from aoc_common.contracts.privacy.redaction import redacted
from aoc_common.contracts.query.filters import texts_of
from aoc_common.contracts.query.matching import Facts

if TYPE_CHECKING:
    from collections.abc import Collection

    from aoc_common.contracts.access import Hidden
    from aoc_common.contracts.event import StoredEvent
    from aoc_common.contracts.query.filters import Field

#: Terms that no text of an event has: they tell how its record was read, and how it ended.
_OF_STATE: Final = frozenset({terms.NOT_UNDERSTOOD, "failed"})


def seen(event: StoredEvent, hidden: Hidden) -> StoredEvent | None:
    """The event without what is hidden; None where it is hidden as a whole.

    It needs the raw text. Whether its twin can be seen is not known here: links to twins are dropped when anything is
    hidden as a whole, and whoever can look them up puts them back.
    """
    if not hidden:
        return event
    if hidden.hides(event.service, event.operation):
        return None
    shown = redacted(event, hidden.fields)
    return replace(shown, twin=None, twin_of=None) if hidden.services or hidden.operations else shown


def found_by(shown: StoredEvent, stored_terms: Collection[str]) -> Facts:
    """What the reader of an event that `seen` gave can find it by: of its terms, those that he could read in it."""
    wanted = set(stored_terms)
    words = wanted & _OF_STATE
    words.update(terms.operation_terms(shown.operation))
    for text in texts([shown.ocsf, shown.unmapped, _record(shown.raw), shown.actor or "", shown.ip or ""]):
        words.update(terms.name_terms(text), terms.id_terms(text))
        if "/" in text:  # what is found by the end of a name that leads to it
            words.update(terms.id_terms(text.rstrip("/").rpartition("/")[2]))
    raw = shown.raw or ""
    of_fields: dict[Field, tuple[str, ...]] = {
        "text": (str(shown.ocsf.get("message") or ""), raw),
        "raw": (raw,),
        "target": texts_of(shown.ocsf, "target"),
        "session": texts_of(shown.ocsf, "session"),
    }
    return Facts(words & wanted, of_fields)


def _record(raw: str | None) -> object:
    try:
        return orjson.loads(raw or "null")
    except orjson.JSONDecodeError:
        return raw
