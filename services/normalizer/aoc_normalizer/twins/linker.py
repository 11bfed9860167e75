"""Links events that are two records of one action. A handful of queries a batch, none for batches without such events.

An event is stored before its twin is looked for, so of two replicas at least one sees the other's; a claim that MongoDB
refuses was won by another, whose word counts. What was decided for a raw page is noted before anything of it is
published: a page that comes again gets the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.twins import Candidate, TwinLink, keys_near
from aoc_normalizer import metrics
from aoc_normalizer.twins.pairing import first_of, pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from uuid import UUID

    from aoc_common.clock import Clock
    from aoc_common.contracts.event import PackedEvent
    from aoc_common.contracts.twins import Lane
    from aoc_common.store.twins import TwinStore

#: How often what another replica took is replaced by the next best. What is left then has no twin.
_ROUNDS: Final = 4

type Fresh = tuple[PackedEvent, str, bool]
"""A stored event, its raw page, and whether another delivery of that page had stored it."""


class Twins:
    """Decides which of the events that are about to be published are second. Idempotent."""

    def __init__(self, store: TwinStore, prefer: Callable[[str], Lane], clock: Clock) -> None:
        self._store = store
        self._prefer = prefer
        self._clock = clock

    async def seconds(self, fresh: Sequence[Fresh]) -> dict[UUID, UUID]:
        """Second event -> first event, of these stored events. Raises `Transient` when the store is away."""
        able = [(one, page, before) for event, page, before in fresh if (one := _candidate(event)) is not None]
        if not able:
            return {}
        links = await self._known([one.id for one, _, before in able if before])
        pages = {page for _, page, before in able if before}
        decided = await self._store.decided(pages) if pages else set()
        undecided = {one.id: one for one, page, _ in able if page not in decided}
        links += await self._decide(undecided, links)
        open_pages = {page for _, page, _ in able} - decided
        if links or open_pages:
            await self._store.decide(links, open_pages, self._clock.now())
        ours = {one.id for one, _, _ in able}
        return {link.second: link.first for link in links if link.second in ours}

    async def _known(self, ids: Sequence[UUID]) -> list[TwinLink]:
        return await self._store.links(ids) if ids else []

    async def _decide(self, mine: dict[UUID, Candidate], known: Sequence[TwinLink]) -> list[TwinLink]:
        """Claim a twin for each of these events that has one; the links that are in force, whoever made them."""
        for link in known:
            mine.pop(link.graph, None)
            mine.pop(link.unified, None)
        if not mine:
            return []
        others = {one.id: one for one in await self._near(mine.values()) if one.id not in mine}
        links: list[TwinLink] = []
        for _ in range(_ROUNDS):
            found = pairs([*mine.values(), *others.values()], others.keys())
            wanted = [one for pair in found if (one := self._link(*pair, mine)) is not None]
            if not wanted:
                break
            refused = await self._store.claim(wanted, self._clock.now())
            links += [link for index, link in enumerate(wanted) if index not in refused]
            metrics.TWINS.labels("linked").inc(len(wanted) - len(refused))
            metrics.TWINS.labels("refused").inc(len(refused))
            taken = await self._known(
                [one for index in refused for one in (wanted[index].graph, wanted[index].unified)]
            )
            links += taken
            for link in links:
                for event in (link.graph, link.unified):
                    mine.pop(event, None)
                    others.pop(event, None)
            if not refused or not mine:
                break
        return links

    async def _near(self, mine: Iterable[Candidate]) -> list[Candidate]:
        """What is stored of the other lane around these, asked tenant by tenant: none can use up another's share."""
        keys: dict[str, set[str]] = defaultdict(set)
        for one in mine:
            keys[one.tenant].update(keys_near(one.facts, one.time_ms))
        return [found for tenant, wanted in keys.items() for found in await self._store.near(tenant, sorted(wanted))]

    def _link(self, graph: Candidate, unified: Candidate, mine: Mapping[UUID, Candidate]) -> TwinLink | None:
        """The link to claim; None for two that were there before: they are not ours to decide on."""
        before = {one.id for one in (graph, unified)} - mine.keys()
        first = first_of(graph, unified, before, self._prefer(graph.tenant))
        if first is None or len(before) > 1:
            return None
        return TwinLink(graph.tenant, graph.id, unified.id, first.id)


def _candidate(event: PackedEvent) -> Candidate | None:
    facts = event.twin_facts
    return None if facts is None else Candidate(event.id, event.tenant, event.id.int >> 80, facts)
