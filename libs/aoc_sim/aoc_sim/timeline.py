"""Generates the records of the world: the history at start, live records as time passes, records on demand."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING, Final

import orjson

from aoc_sim.changes import Changes
from aoc_sim.clock import SteppedClock, from_us, seconds, to_us
from aoc_sim.deliveries import Deliveries
from aoc_sim.difficult_records import DifficultRecords
from aoc_sim.inventory import build_directory
from aoc_sim.malformed_responses import MalformedResponses
from aoc_sim.shared_ids import SharedIds
from aoc_sim.spelling import Spelling
from aoc_sim.stories import ON_DEMAND, STORIES, set_stage
from aoc_sim.switches import Switchboard
from aoc_sim.traffic import ActivityTimes
from aoc_sim.world import WEEK_US, Blob, Entry, Numbers, TenantWorld, content_id, make_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aoc_sim.clock import Clock
    from aoc_sim.faults import FaultDice, Faults
    from aoc_sim.records.base import Draft, Source
    from aoc_sim.settings import SimSettings

_BLOB_SPAN_US = seconds(600)
_GRAPH_LAG_S = (5.0, 900.0)
"""Directory audits and sign-ins appear after seconds to 15 minutes."""
_ACTIVITY_LAG_S = (90.0, 5400.0)
"""Unified audit records appear after minutes to hours."""
_LIVE_LAG_S = (0.2, 2.0)
_FRESH: Final[tuple[Source, ...]] = ("graph-signins", "o365-exchange", "graph-signins-noninteractive")
"""Of which sources the `fresh` records are, in turns; and how old they are at most, seconds."""
_FRESH_S = 540.0
_OLDEST_CONTENT = timedelta(hours=167)
"""Content older than 7 days cannot be listed, so the history of the Management API ends just before."""


class World:
    """The simulated tenants and their records. Call `catch_up` before reading."""

    def __init__(self, settings: SimSettings, clock: Clock, dice: FaultDice) -> None:
        self.settings = settings
        self.clock = SteppedClock(clock)
        self.dice = dice
        self.started = self.clock.now()
        self.numbers = Numbers()
        self.late = 0
        self.resent = 0
        self.pages_served = 0
        self.tenants = {
            tenant.slug: TenantWorld(
                tenant, build_directory(tenant, settings.seed), settings.twins, settings.near_twins
            )
            for tenant in settings.tenants
        }
        self.switches = Switchboard(settings.tenants, self.clock)
        self._by_tenant_id = {world.settings.tenant_id: world for world in self.tenants.values()}
        self.malformed = MalformedResponses(settings.seed, dice)
        self.changes = Changes(settings.seed, dice)
        self.deliveries = Deliveries()
        self._spelling = Spelling(settings.seed, dice)
        self._difficult_records = DifficultRecords(settings.seed, dice)
        self._shared_ids = SharedIds(settings.seed, dice)
        self._emitted = 0
        self._ticks_done = 0
        self._relisted = 0
        self._write_history()

    def by_tenant_id(self, tenant_id: str) -> TenantWorld | None:
        """The tenant with that GUID."""
        return self._by_tenant_id.get(tenant_id.lower())

    def now_us(self) -> int:
        """The present, in microseconds."""
        return to_us(self.clock.now())

    def unstepped_us(self) -> int:
        """The present of the clock that is never stepped, in microseconds.

        What was noted by a clock that is ahead for a moment would otherwise hold until that moment comes: days of
        empty listings after a subscription that was started then, or a change that nobody lives to see.
        """
        return to_us(self.clock.unstepped.now())

    def show(self, entry: Entry) -> bytes:
        """A record as it is served this time."""
        self.changes.served(entry, self.unstepped_us())
        body = self._spelling.shown(entry, entry.served)
        if body is not entry.noted:
            entry.note(body)
        entry.served += 1
        return body

    # history

    def _write_history(self) -> None:
        room = self.settings.events
        for slug, name, drafts in self._story_drafts():
            if len(drafts) <= room:
                room -= len(drafts)
                self._place(self.tenants[slug], drafts, Random(f"place:{self.settings.seed}:{name}"), name)
        worlds = list(self.tenants.values())
        for index, world in enumerate(worlds):
            share = room // len(worlds) + (index < room % len(worlds))
            rng = Random(f"history:{self.settings.seed}:{world.settings.slug}")
            benign = self._difficult_records.made(self._benign(world, share, rng))
            self._place(world, self._shared_ids.made(benign, worlds[:index]), rng, None)
        for world in worlds:
            for lane in world.lanes.values():
                lane.sort()
            for entry in world.lanes["graph-directory-audits"].entries:
                world.register.apply_audit(orjson.loads(entry.body))

    def _story_drafts(self) -> list[tuple[str, str, list[Draft]]]:
        chosen = STORIES if self.settings.stories == "all" else self.settings.stories
        slugs = list(self.tenants)
        span = timedelta(hours=min(self.settings.history_hours, 160))
        planned = []
        for index, name in enumerate(chosen):
            story = STORIES[name]
            slug = slugs[index % len(slugs)]
            scale = min(1.0, span.total_seconds() * 0.4 / story.duration_s)
            # spread over the middle of the history, the last one ending well before now
            start = self.started - span * (0.95 - 0.5 * index / max(1, len(chosen)))
            stage = set_stage(self.tenants[slug].directory, start, scale, f"{self.settings.seed}:{name}")
            planned.append((slug, name, list(story.drafts(stage))))
        return planned

    def _benign(self, world: TenantWorld, count: int, rng: Random) -> Iterator[Draft]:
        """Exactly `count` records over the history, one by one: as dictionaries they are large."""
        start = self.started - timedelta(hours=self.settings.history_hours)
        oldest = self.started - _OLDEST_CONTENT
        fresh = self._fresh(world, count)
        yield from fresh
        made = len(fresh)
        for at in ActivityTimes(world.directory, start, self.started).moments(count, rng):
            if made >= count:
                break
            for draft in world.traffic.drafts(at, rng, room=count - made):
                made += 1
                too_old = draft.at < oldest and draft.source.startswith("o365-")
                yield _moved(draft, oldest, rng) if too_old else draft

    def _fresh(self, world: TenantWorld, count: int) -> list[Draft]:
        """Some records of the last minutes, whatever the hour."""
        rng = Random(f"fresh:{self.settings.seed}:{world.settings.slug}")
        drafts: list[Draft] = []
        for source, _ in zip(cycle(_FRESH), range(min(self.settings.fresh, count)), strict=False):
            at = self.started - timedelta(seconds=rng.uniform(1, _FRESH_S))
            drafts += world.traffic.drafts(at, rng, source=source)
        return drafts

    def _place(self, world: TenantWorld, drafts: Iterable[Draft], rng: Random, story: str | None) -> None:
        """Give each record of the history its ready time, and put Management records into blobs."""
        faults = self.dice.settings
        start_us = to_us(self.started)
        young_us = start_us - seconds(faults.late_event_age_s)
        prompt: dict[Source, list[Entry]] = {}
        late: dict[Source, list[Entry]] = {}
        for draft in drafts:
            at_us = to_us(draft.at)
            activity = draft.source.startswith("o365-")
            if faults.late_rate and at_us >= young_us and rng.random() < faults.late_rate:
                ready = start_us + seconds(rng.uniform(faults.late_min_s, faults.late_max_s))
                self.late += 1
                self.dice.injected["late"] += 1
                group = late
            else:
                low, high = _ACTIVITY_LAG_S if activity else _GRAPH_LAG_S
                ready = at_us + seconds(rng.triangular(low, high, low))
                if ready > start_us:
                    ready = at_us + int(max(0, start_us - at_us) * rng.random())
                group = prompt
            entry = make_entry(self.numbers, draft, ready, story)
            self.changes.plan(entry, start_us)
            world.lanes[draft.source].entries.append(entry)
            if activity:
                group.setdefault(draft.source, []).append(entry)
        for source in world.feeds:
            self._pack(world, source, prompt.get(source, []), rng)
            self._pack(world, source, late.get(source, []), rng, limit=5)

    def _pack(
        self, world: TenantWorld, source: Source, entries: list[Entry], rng: Random, limit: int | None = None
    ) -> None:
        """Group records into blobs of 1 to `limit` by ready time; a blob is ready when its last record is."""
        limit = limit or self.settings.pages.blob_records
        entries.sort(key=lambda entry: entry.ready_us)
        batch: list[Entry] = []
        size = rng.randint(1, limit)
        for entry in entries:
            if batch and (len(batch) >= size or entry.ready_us - batch[0].ready_us > _BLOB_SPAN_US):
                self._seal(world, source, batch, batch[-1].ready_us, rng)
                batch, size = [], rng.randint(1, limit)
            batch.append(entry)
        if batch:
            self._seal(world, source, batch, batch[-1].ready_us, rng)

    def _seal(self, world: TenantWorld, source: Source, batch: list[Entry], created_us: int, rng: Random) -> None:
        # listings show milliseconds: the true time must be what they show, or a bound could fall in between
        created_us = -(-created_us // 1000) * 1000
        for entry in batch:
            entry.ready_us = created_us
        rng.shuffle(batch)
        blob = self._blob(source, created_us, tuple(batch))
        world.feeds[source].add(blob)
        faults = self.dice.settings
        if faults.resend_rate and rng.random() < faults.resend_rate:
            self._relist(world, source, blob, rng, faults)

    def _blob(self, source: Source, created_us: int, entries: tuple[Entry, ...]) -> Blob:
        seq = self.numbers.next()
        return Blob(seq, content_id(f"{from_us(created_us):%Y%m%d%H%M%S}", source, seq), created_us, entries)

    def _relist(self, world: TenantWorld, source: Source, blob: Blob, rng: Random, faults: Faults) -> None:
        """List the same records once more, later, under a new content id."""
        if self._relisted >= faults.max_per_kind:
            return
        self._relisted += 1
        soonest = max(blob.created_us, to_us(self.started), self.now_us()) + seconds(faults.resend_after_s)
        created = soonest + seconds(rng.uniform(faults.late_min_s, max(faults.late_min_s, faults.late_max_s)))
        copy = self._blob(source, -(-created // 1000) * 1000, blob.entries)
        world.feeds[source].add(copy)
        world.feeds[source].relisted |= {blob.seq, copy.seq}
        self.resent += len(blob.entries)
        self.dice.injected["resend"] += 1

    # live

    def catch_up(self) -> None:
        """Generate the live records that are due. The result does not depend on how often this is called.

        Records that change, change.
        """
        self.changes.turn(self.unstepped_us())
        rate, tick = self.settings.live_rate, self.settings.live_tick_s
        if rate <= 0:
            return
        due = int((self.clock.now() - self.started).total_seconds() / tick) + 1
        for number in range(self._ticks_done, due):
            count = int(rate * tick * (number + 1)) - int(rate * tick * number)
            if count:
                self._live_tick(number, count)
        self._ticks_done = max(self._ticks_done, due)

    def _live_tick(self, number: int, count: int) -> None:
        rng = Random(f"live:{self.settings.seed}:{number}")
        tick = self.settings.live_tick_s
        start = self.started + timedelta(seconds=number * tick)
        drafts: dict[str, list[Draft]] = {}
        slugs = list(self.tenants)
        made = 0
        while made < count:
            slug = rng.choice(slugs)
            at = start + timedelta(seconds=tick * rng.random())
            made_now = self.tenants[slug].traffic.drafts(at, rng, room=count - made)
            made += len(made_now)
            drafts.setdefault(slug, []).extend(made_now)
        end_us = to_us(start) + seconds(tick)
        for slug, items in drafts.items():
            self._publish(self.tenants[slug], items, end_us, rng)

    def _publish(
        self, world: TenantWorld, drafts: Iterable[Draft], from_us_: int, rng: Random, story: str | None = None,
        *, lag_s: tuple[float, float] = _LIVE_LAG_S,
    ) -> list[Entry]:  # fmt: skip
        """Make records available shortly after `from_us_`, or later if that fault is on."""
        faults = self.dice.settings
        prompt: dict[Source, list[Entry]] = {}
        late: dict[Source, list[Entry]] = {}
        entries = []
        for draft in drafts:
            held = faults.late_rate > 0 and rng.random() < faults.late_rate
            low, high = (faults.late_min_s, max(faults.late_min_s, faults.late_max_s)) if held else lag_s
            entry = make_entry(self.numbers, draft, from_us_ + seconds(rng.uniform(low, high)), story)
            world.lanes[draft.source].add(entry)
            entries.append(entry)
            if draft.source == "graph-directory-audits":
                world.register.apply_audit(draft.body)
            self.late += held
            self.dice.injected["late"] += held
            if draft.source in world.feeds:
                (late if held else prompt).setdefault(draft.source, []).append(entry)
        for group in (prompt, late):
            for source, batch in group.items():
                batch.sort(key=lambda entry: entry.ready_us)
                self._seal(world, source, batch, batch[-1].ready_us, rng)
        return entries

    # on demand

    def emit(self, slug: str, *, source: Source | None = None, count: int = 1, story: str | None = None) -> list[Entry]:
        """Add records now: `count` benign ones, or a whole story that has just ended."""
        self._emitted += 1
        rng = Random(f"emit:{self.settings.seed}:{self._emitted}")
        world = self.tenants[slug]
        now = self.clock.now()
        if story is not None:
            chosen = (STORIES | ON_DEMAND)[story]
            start = now - timedelta(seconds=chosen.duration_s + 1)
            stage = set_stage(world.directory, start, 1.0, f"{self.settings.seed}:{story}:{self._emitted}")
            drafts = list(chosen.drafts(stage))
        else:
            drafts = []
            while len(drafts) < count:
                drafts += world.traffic.drafts(now, rng, room=count - len(drafts), source=source)
        return self._publish(world, drafts, to_us(now), rng, story, lag_s=(0.0, 0.0))

    def apply(self, faults: Faults) -> None:
        """Other faults from now on; with `resend_rate`, content that is already listed can come again too."""
        self.dice.replace(faults)
        self._relisted = 0
        if not faults.resend_rate:
            return
        rng = Random(f"apply:{self.settings.seed}:{self.numbers.next()}")
        oldest = self.now_us() - WEEK_US
        for world in self.tenants.values():
            for source, feed in world.feeds.items():
                for blob in list(feed.blobs):
                    fresh = blob.seq not in feed.relisted and blob.created_us >= oldest
                    if fresh and rng.random() < faults.resend_rate:
                        self._relist(world, source, blob, rng, faults)

    def story_records(self) -> dict[str, list[tuple[str, Entry]]]:
        """Story name -> (tenant, record), in event order."""
        by_story: dict[str, list[tuple[str, Entry]]] = {}
        for slug, world in self.tenants.items():
            for lane in world.lanes.values():
                for entry in lane.entries:
                    if entry.story:
                        by_story.setdefault(entry.story, []).append((slug, entry))
        for items in by_story.values():
            items.sort(key=lambda item: (item[1].at_us, item[1].seq))
        return by_story

    def count_by_source(self) -> Counter[str]:
        """How many records each source holds, available or not, over all tenants."""
        return Counter(
            {
                f"{slug}/{source}": len(lane.entries)
                for slug, world in self.tenants.items()
                for source, lane in world.lanes.items()
            }
        )


def _moved(draft: Draft, oldest: datetime, rng: Random) -> Draft:
    """The record, happening within the last week instead."""
    at = (oldest + timedelta(hours=166) * rng.random()).replace(microsecond=0)
    body = draft.body | {"CreationTime": at.strftime("%Y-%m-%dT%H:%M:%S")}
    return draft._replace(at=at, body=body, twin=None)
