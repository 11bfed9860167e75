"""Records that differ in one part of their identity only: the tenant, or the id.

Some share id, time and operation with a record of another tenant, some time and operation with one of their own.
"""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import TYPE_CHECKING, Final

from aoc_sim.clock import from_us
from aoc_sim.records.base import ual_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from aoc_sim.faults import FaultDice
    from aoc_sim.records.base import Draft, Source
    from aoc_sim.world import Entry, TenantWorld

_SOURCES: Final[tuple[Source, ...]] = ("o365-exchange", "o365-sharepoint", "o365-general")


class SharedIds:
    """Gives some drafts the id and time of another tenant's record, others the time of the draft before them."""

    def __init__(self, seed: int, dice: FaultDice) -> None:
        self._dice = dice
        self._rng = Random(f"namesakes:{seed}")

    def made(self, drafts: Iterable[Draft], others: Iterable[TenantWorld]) -> Iterator[Draft]:
        """The drafts, some of them changed. `others`: tenants whose records are there already."""
        rate = self._dice.settings.shared_id_rate
        models = _models(others) if rate else {}
        before: dict[tuple[str, str], datetime] = {}
        none_yet = True  # a run with few records has one, too
        for draft in drafts:
            if not rate or draft.source not in _SOURCES or draft.key is not None or draft.twin is not None:
                yield draft
                continue
            kind = (draft.source, draft.body["Operation"])
            alike, at = models.get(kind), before.get(kind)
            before[kind] = draft.at
            if alike and (self._rng.random() < rate or none_yet):
                none_yet = False
                yield self._with_id_of(draft, alike.pop(self._rng.randrange(len(alike))))
            elif at is not None and self._rng.random() < rate:
                self._dice.injected["shared_time"] += 1
                yield draft._replace(at=at, body=draft.body | {"CreationTime": ual_time(at)})
            else:
                yield draft

    def _with_id_of(self, draft: Draft, model: Entry) -> Draft:
        self._dice.injected["shared_id"] += 1
        at = from_us(model.at_us)
        return draft._replace(at=at, body=draft.body | {"Id": model.key, "CreationTime": ual_time(at)})


def _models(others: Iterable[TenantWorld]) -> dict[tuple[str, str], list[Entry]]:
    """Source and operation -> records, but those that share their id already."""
    models: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for world in others:
        for source in _SOURCES:
            for entry in world.lanes[source].entries:
                if "|" not in entry.key:
                    models[source, entry.facts.operation].append(entry)
    return models
