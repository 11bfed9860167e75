"""Evaluates a finished run: reads simulator, store, ledger and recorded messages, and compares."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
import stamina

from aoc_cli.verify.account_numbers import Bounds
from aoc_cli.verify.comparison import AvailableRecords, RunResult, compare
from aoc_cli.verify.proof import Proof
from aoc_cli.verify.signed_reports import reports
from aoc_cli.verify.stored import Lifetime
from aoc_cli.verify.twins import compare_twins
from aoc_cli.verify.unreported import missing_records, reported_elsewhere, unreported
from aoc_cli.verify.versions import VersionOutcome, changed_keys, check_current, compare_versions
from aoc_common.errors import Transient
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.census import MongoCensus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from aoc_cli.local.stack import DataDirectory
    from aoc_cli.verify.alerting import Alerting
    from aoc_cli.verify.completeness_claims import CompletenessClaims
    from aoc_cli.verify.ground_truth import RecordKey
    from aoc_cli.verify.links import Links
    from aoc_cli.verify.sinks import Sinks
    from aoc_cli.verify.stream_recorder import RecordedMessage
    from aoc_common.store.accounts import SourceAccount

_BATCH: Final = 1000
#: No clock is stepped by more (`chaos`).
_STEPPED: Final = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What happened in a run. `calm`: nothing was killed, paused or cut off, so every served state was read.

    `directory`: where it ran. `began`: when. `clocks_right`: whether no clock was stepped. `seed`: of the samples.
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
    exporter_killed: bool
    retention_s: float | None


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Compares everything with the ground truth."""

    links: Links

    @stamina.retry(on=Transient, attempts=5)
    async def result(self, run: RunSummary, claims: CompletenessClaims, sinks: Sinks, alerting: Alerting) -> RunResult:
        """The result; the recorders have read everything. Raises `Transient` when the store stays away."""
        simulator, database, recorder = self.links.simulator, self.links.database, self.links.recorder
        census, messages = MongoCensus(database), recorder.messages
        truth_report = await self._fetch("/_truth")
        available = AvailableRecords.of(truth_report["tenants"])
        proof = await Proof.start(simulator)
        await proof.of_store(census, _lifetime(run))
        stored = proof.records
        accounts = await self.accounts()
        expired = {
            (tenant, source): count
            for tenant, sources in truth_report["expired"].items()
            for source, count in sources.items()
        }
        outcome = compare(
            available,
            stored,
            messages,
            {key: account.stored for key, account in accounts.items()},
            {key: account.blobs_expired - expired.get(key, 0) for key, account in accounts.items()},
            unreported=await self._unreported(available, available.absent(stored), accounts, census),
            retention_s=run.retention_s,
        )
        pairs = _obtainable_pairs(
            (await self._fetch("/_truth/twins"))["tenants"], available.absent(stored) & available.excused.keys()
        )
        twins = compare_twins(pairs, stored, {message.event: message.twin_of for message in messages})
        proof.of_stream(recorder)
        await proof.of_links(database, recorder)
        await proof.of_search(database, run.seed)
        excused = Counter(key[:2] for key in available.excused)
        texts = Counter(key[:2] for key in available.excused for _ in proof.ground_truth.facts[key].texts)
        bounds = Bounds(datetime.now(UTC), run.calm, excused, texts, *await census.pages_by_source(), _off(run))
        written = await reports(database, run.directory, accounts, bounds.now)
        proof.of_account(accounts, written, claims.copy(), bounds, clocks_right=run.clocks_right)
        changes = (await self._fetch("/_truth/changes"))["tenants"]
        versions = await self._versions(changes, proof, census, messages, run)
        return RunResult(
            emitted=truth_report["total"],
            pages=await census.pages(),
            resent=truth_report["resent"],
            late=truth_report["late"],
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
            faults=truth_report["faults_injected"],
            kills=run.kills,
            pauses=run.strikes["pause"],
            expired=sum(expired.values()),
            excused=len(available.excused),
            changed=versions.changed,
            incarnations=len({message.incarnation for message in messages}),
            unseen=recorder.missed,
            drained=run.drained,
            plan=list(run.plan),
            strikes=dict(run.strikes),
            twins=twins,
            versions=versions,
            sinks=await sinks.outcome(self.links, proof, killed=run.exporter_killed),
            alerts=await alerting.outcome(self.links, proof, changes),
            false_statements=proof.tally.count,
            statements=proof.tally.as_dict(),
            examples=outcome.examples | twins.examples | versions.examples,
        )

    async def _fetch(self, path: str, **params: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.links.simulator.get(path, params=params)).raise_for_status().json()
        return answer

    async def accounts(self) -> dict[tuple[str, str], SourceAccount]:
        """(Tenant, source) -> the account, after everything that can be settled is settled."""
        now = datetime.now(UTC)
        while await MongoAccount(self.links.database).settle(now, _BATCH):
            pass
        return await self.current_accounts(now)

    async def current_accounts(self, now: datetime) -> dict[tuple[str, str], SourceAccount]:
        """(Tenant, source) -> the account as it is now."""
        tenants = (await self._fetch("/_truth", summary="1"))["tenants"]
        account = MongoAccount(self.links.database)
        return {(tenant, item.source): item for tenant in tenants for item in await account.accounts(tenant, now)}

    async def lacks_records(self) -> bool:
        """Whether a record is not stored that a collector can get."""
        available = AvailableRecords.of((await self._fetch("/_truth"))["tenants"])
        stored = [record async for record in MongoCensus(self.links.database).records()]
        return bool(available.absent(stored) - available.excused.keys())

    async def _unreported(
        self,
        available: AvailableRecords,
        absent: Collection[RecordKey],
        accounts: dict[tuple[str, str], SourceAccount],
        census: MongoCensus,
    ) -> set[RecordKey]:
        lines = {source: await self._envelopes(*source) for source in sorted({key[:2] for key in absent})}
        named = await reported_elsewhere(absent, census, self.links.operator)
        return unreported(missing_records(lines, available.excused, absent), accounts, named)

    async def _envelopes(self, tenant: str, source: str) -> list[dict[str, Any]]:
        answer = await self.links.simulator.get(f"/_truth/{tenant}/{source}", params={"envelope": "1"})
        return [orjson.loads(line) for line in answer.raise_for_status().content.splitlines()]

    @staticmethod
    async def _versions(
        changes: Mapping[str, Any],
        proof: Proof,
        census: MongoCensus,
        messages: Sequence[RecordedMessage],
        run: RunSummary,
    ) -> VersionOutcome:
        changing_keys = changed_keys(changes)
        changing = [
            record
            for record in proof.records
            if (record.tenant, record.source, record.record_id.lower()) in changing_keys
        ]
        texts: dict[UUID, dict[int, str]] = {}
        async for event, number, text in census.texts([record.id for record in changing]):
            texts.setdefault(event, {})[number] = text
        check_current(changes, changing, proof.current, proof.tally)
        return compare_versions(changes, changing, texts, {record.message_id for record in messages}, every=run.calm)


def _lifetime(run: RunSummary) -> Lifetime:
    """When events can have been stored, by the services' clocks."""
    return Lifetime(run.began - _off(run), datetime.now(UTC) + _off(run))


def _off(run: RunSummary) -> timedelta:
    """By how much a clock was wrong, at most."""
    return timedelta() if run.clocks_right else _STEPPED


def _obtainable_pairs(pairs: Mapping[str, Any], absent: Collection[RecordKey]) -> dict[str, Any]:
    """The twins of which both records could be fetched."""
    return {
        tenant: [
            pair
            for pair in of_tenant
            if not any((tenant, item["source"], item["id"].lower()) in absent for item in pair)
        ]
        for tenant, of_tenant in pairs.items()
    }
