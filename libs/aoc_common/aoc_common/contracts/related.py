"""Why events belong together: what one event tells that others may tell as well, and how these are looked for. Pure.

Every reason has words that an index serves; what has none (a name that is one letter) is no reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from aoc_common.contracts.privacy.private_values import MARK
from aoc_common.contracts.query import values
from aoc_common.contracts.query.filters import Clause, texts_at, texts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aoc_common.contracts.event import StoredEvent
    from aoc_common.contracts.query.filters import Field, Value

type Reason = Literal["actor", "address", "session", "correlation", "target"]
"""What two events share: who did it, from which address, in which session, by Microsoft's correlation id, to what."""

REASONS: Final[tuple[Reason, ...]] = get_args(Reason.__value__)
#: Things acted upon by which others are looked for: a record can list thousands.
_MOST_TARGETS: Final = 10
#: What the schema asks for where the record names nobody.
_UNKNOWN: Final = frozenset({"unknown", MARK.lower(), ""})
_TARGETS: Final = ("user", "group", "entity", "resources")


@dataclass(frozen=True, slots=True)
class Shared:
    """What other events may share with one: they have one of these values, as `where` finds them."""

    reason: Reason
    values: tuple[str, ...]
    where: Clause


def shared(event: StoredEvent) -> list[Shared]:
    """What an event, as its reader sees it, may share with others, in the order of `REASONS`."""
    candidates = ((reason, field, list(of(event))) for reason, (field, of) in _VALUES.items())
    return [found for reason, field, texts in candidates if (found := _shared(reason, field, texts)) is not None]


def _shared(reason: Reason, field: Field, texts: Iterable[str | None]) -> Shared | None:
    wanted: dict[str, Value] = {}
    for text in dict.fromkeys(text.strip() for text in texts if text is not None):
        if text.lower() in _UNKNOWN or MARK in text:
            continue
        try:
            value = values.exactly(field, text)
        except values.Unsearchable:
            continue
        if value.needs:
            wanted[text] = value
    if not wanted:
        return None
    return Shared(reason, tuple(wanted), Clause(field, tuple(dict.fromkeys(wanted.values()))))


def _targets(event: StoredEvent) -> list[str]:
    """Who or what was acted upon, each by what names it best; who acted is none."""
    ocsf = event.ocsf
    acting = {text.lower() for path in _ACTING for text in texts_at(ocsf, path)} | {(event.actor or "").lower()}
    found: list[str] = []
    for thing in _TARGETS:
        named = ocsf.get(thing)
        for one in named if isinstance(named, list) else [named]:
            if not isinstance(one, dict):
                continue
            # An id is the same in all logs that know it; of two that call a thing by its name, it may be another one.
            texts = [text for key in ("uid", "email_addr", "name") if isinstance(text := one.get(key), str)]
            if not acting.intersection(text.lower() for text in texts):
                found += [text for text in texts[: 2 if thing == "user" else 1] if text not in _products(ocsf)]
    found += [*texts_at(ocsf, "file.path")[:1], *texts_at(ocsf, "file.name")[:1]][:1]
    return found[:_MOST_TARGETS]


_ACTING: Final = ("actor.user.uid", "actor.user.email_addr", "actor.user.name", "actor.app_uid")


def _products(ocsf: Mapping[str, object]) -> tuple[str, ...]:
    """What stands in place of a thing that a record does not name."""
    return tuple(texts_at(ocsf, "metadata.product.name"))


_VALUES: Final[Mapping[Reason, tuple[Field, Callable[[StoredEvent], Iterable[str | None]]]]] = {
    "actor": ("actor", lambda event: [event.actor]),
    "address": ("ip", lambda event: [event.ip]),
    "session": ("session", lambda event: texts_of(event.ocsf, "session")),
    "correlation": ("correlation_id", lambda event: [event.correlation_id]),
    "target": ("target", _targets),
}
