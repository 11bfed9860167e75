"""Takes the account of a run that is over: asks the simulator, the store, the ledger and the watcher, and compares."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
import stamina

from aoc_cli.verify.account import Account, Truth, compare
from aoc_cli.verify.hidden import missing_records, named_elsewhere, untold
from aoc_cli.verify.numbers import Bounds
from aoc_cli.verify.proof import Proof
from aoc_cli.verify.signed import reports
from aoc_cli.verify.stored import Lifetime
from aoc_cli.verify.twins import compare_twins
from aoc_cli.verify.versions import VersionOutcome, check_current, compare_versions
from aoc_common.errors import Transient
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.census import MongoCensus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    import httpx
    from faststream.nats import NatsBroker

    from aoc_cli.local.stack import DataDirectory
    from aoc_cli.verify.account import Key
    from aoc_cli.verify.claims import Claims
    from aoc_cli.verify.watcher import Seen, Watcher
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.mongo.client import Database

_TOGETHER: Final = 1000
#: No clock is stepped by more (`chaos`).
_STEPPED: Final = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Run:
    """What happened in a run. `calm`: nothing was killed, paused or cut off, so nothing was over before it was read.

    `directory`: where it ran. `began`: when. `clocks_right`: whether no clock was stepped. `seed`: what is chosen
    depends on it.
    """

    directory: DataDirectory
    began: datetime
    clocks_right: bool
    seed: int
    seconds: float
    drained: bool
    calm: bool
    plan: Sequence[str]
    strikes: Counter[str]
    kills: int
    kept_s: float | None


@dataclass(frozen=True, slots=True)
class Judge:
    """Whom to ask. `broker`: a user who may read every stream."""

    simulator: httpx.AsyncClient
    database: Database
    broker: NatsBroker

    @stamina.retry(on=Transient, attempts=5)
    async def account(self, run: Run, watcher: Watcher, claims: Claims) -> Account:
        """The account; the watcher has read all. Raises `Transient` when the store stays away."""
        census, seen = MongoCensus(self.database), watcher.seen
        told = await self._told("/_truth")
        truth = Truth.of(told["tenants"])
        proof = await Proof.begun(self.simulator)
        await proof.of_store(census, _lifetime(run))
        stored = proof.records
        accounts = await self.accounts()
        gone = {(tenant, one): count for tenant, found in told["expired"].items() for one, count in found.items()}
        outcome = compare(
            truth,
            stored,
            seen,
            {key: account.stored for key, account in accounts.items()},
            {key: account.blobs_expired - gone.get(key, 0) for key, account in accounts.items()},
            untold=await self._untold(truth, truth.absent(stored), accounts, census),
            kept_s=run.kept_s,
        )
        pairs = _whole_pairs(
            (await self._told("/_truth/twins"))["tenants"], truth.absent(stored) & truth.excused.keys()
        )
        twins = compare_twins(pairs, stored, {one.event: one.twin_of for one in seen})
        proof.of_stream(watcher)
        await proof.of_links(self.database, watcher)
        await proof.of_search(self.database, run.seed)
        excused = Counter(key[:2] for key in truth.excused)
        texts = Counter(key[:2] for key in truth.excused for _ in proof.books.facts[key].texts)
        bounds = Bounds(datetime.now(UTC), run.calm, excused, texts, *await census.pages_by_source(), _off(run))
        written = await reports(self.database, run.directory, accounts, bounds.now)
        proof.of_account(accounts, written, claims.copy(), bounds, clocks_right=run.clocks_right)
        versions = await self._versions(proof, census, seen, run)
        return Account(
            emitted=told["total"],
            pages=await census.pages(),
            resent=told["resent"],
            late=told["late"],
            stored=outcome.stored,
            published=outcome.published,
            quarantined=await census.quarantined(),
            lost=outcome.lost + versions.lost,
            doubled=outcome.doubled,
            hidden=outcome.hidden,
            unknown=outcome.unknown + versions.made_up,
            misaccounted=outcome.misaccounted,
            seconds=round(run.seconds, 2),
            events_per_s=round(outcome.stored / run.seconds, 1),
            faults=told["faults_injected"],
            kills=run.kills,
            pauses=run.strikes["pause"],
            expired=sum(gone.values()),
            excused=len(truth.excused),
            changed=versions.changed,
            incarnations=len({one.incarnation for one in seen}),
            unseen=watcher.missed,
            drained=run.drained,
            plan=list(run.plan),
            strikes=dict(run.strikes),
            twins=twins,
            versions=versions,
            false_statements=proof.tally.count,
            statements=proof.tally.as_dict(),
            examples=outcome.examples | twins.examples | versions.examples,
        )

    async def _told(self, path: str, **params: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.simulator.get(path, params=params)).raise_for_status().json()
        return answer

    async def accounts(self) -> dict[tuple[str, str], SourceAccount]:
        """(Tenant, source) -> the account that the ledger gives a person, all of it settled."""
        now = datetime.now(UTC)
        while await MongoAccount(self.database).settle(now, _TOGETHER):
            pass
        return await self.said(now)

    async def said(self, now: datetime) -> dict[tuple[str, str], SourceAccount]:
        """(Tenant, source) -> the account as it is."""
        tenants = (await self._told("/_truth", summary="1"))["tenants"]
        account = MongoAccount(self.database)
        return {(tenant, one.source): one for tenant in tenants for one in await account.accounts(tenant, now)}

    async def _untold(
        self,
        truth: Truth,
        absent: Collection[Key],
        accounts: dict[tuple[str, str], SourceAccount],
        census: MongoCensus,
    ) -> set[Key]:
        lines = {place: await self._envelopes(*place) for place in sorted({key[:2] for key in absent})}
        named = await named_elsewhere(absent, census, self.broker)
        return untold(missing_records(lines, truth.excused, absent), accounts, named)

    async def _envelopes(self, tenant: str, source: str) -> list[dict[str, Any]]:
        answer = await self.simulator.get(f"/_truth/{tenant}/{source}", params={"envelope": "1"})
        return [orjson.loads(line) for line in answer.raise_for_status().content.splitlines()]

    async def _versions(self, proof: Proof, census: MongoCensus, seen: Sequence[Seen], run: Run) -> VersionOutcome:
        truth = (await self._told("/_truth/changes"))["tenants"]
        moving = {
            (tenant, source, key.lower())
            for tenant, sources in truth.items()
            for source, records in sources.items()
            for key in records
        }
        those = [one for one in proof.records if (one.tenant, one.source, one.record_id.lower()) in moving]
        texts: dict[UUID, dict[int, str]] = {}
        async for event, number, text in census.texts([one.id for one in those]):
            texts.setdefault(event, {})[number] = text
        check_current(truth, those, proof.current, proof.tally)
        return compare_versions(truth, those, texts, {one.message_id for one in seen}, every=run.calm)


def _lifetime(run: Run) -> Lifetime:
    """When events can have been stored, as the services' clocks had it."""
    return Lifetime(run.began - _off(run), datetime.now(UTC) + _off(run))


def _off(run: Run) -> timedelta:
    """By how much a clock was wrong, at most."""
    return timedelta() if run.clocks_right else _STEPPED


def _whole_pairs(pairs: Mapping[str, Any], absent: Collection[Key]) -> dict[str, Any]:
    """The twins of which neither is a record that could not be had."""
    return {
        tenant: [
            pair for pair in of_tenant if not any((tenant, one["source"], one["id"].lower()) in absent for one in pair)
        ]
        for tenant, of_tenant in pairs.items()
    }
