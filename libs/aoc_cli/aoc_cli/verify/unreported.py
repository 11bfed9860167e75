"""Records that are not stored and that nothing reports: no gap, no quarantine item, no dead letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_common.bus.broker import jetstream
from aoc_common.bus.consume import reading
from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

    from faststream.nats import NatsBroker

    from aoc_cli.verify.ground_truth import RecordKey
    from aoc_common.store.accounts import Gap, SourceAccount
    from aoc_common.store.mongo.census import MongoCensus

_BATCH: Final = 100
_IDLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that is not stored. `at`: when it happened, or its blob was created; `blob`: the id of that blob."""

    key: RecordKey
    at: datetime
    blob: str | None = None


def unreported(
    missing: Iterable[Missing], accounts: Mapping[tuple[str, str], SourceAccount], named: Collection[RecordKey]
) -> set[RecordKey]:
    """Those that are in no gap of their source and not in `named` (quarantine and dead letters)."""
    return {
        record.key
        for record in missing
        if record.key not in named
        and not (
            (account := accounts.get(record.key[:2])) is not None and any(_in_gap(record, gap) for gap in account.gaps)
        )
    }


def _in_gap(record: Missing, gap: Gap) -> bool:
    if record.blob is not None and record.blob in (gap.detail or ""):
        return True
    return gap.start <= record.at <= gap.end


async def reported_elsewhere(keys: Collection[RecordKey], census: MongoCensus, broker: NatsBroker) -> set[RecordKey]:
    """Those records whose id is in the quarantine or in a dead letter of their tenant."""
    if not keys:
        return set()
    reported: set[RecordKey] = set()
    async for tenant, text in _texts(census, broker):
        lower = text.lower()
        reported |= {key for key in keys if key[0] == tenant and key[2].partition("|")[0] in lower}
    return reported


async def _texts(census: MongoCensus, broker: NatsBroker) -> AsyncIterator[tuple[str, str]]:
    async for tenant, text in census.put_aside():
        yield tenant, text
    state = (await jetstream(broker).stream_info(subjects.DLQ_STREAM)).state
    if not state.messages:
        return
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    async with reading(broker, subjects.DLQ_STREAM, config) as pull:
        while messages := await pull.batch(_BATCH, _IDLE_S):
            for message in messages:
                yield message.subject.rsplit(".", 1)[-1], message.data.decode("utf-8", "replace")


def missing_records(
    lines: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    excused: Mapping[RecordKey, Mapping[str, Any]],
    keys: Collection[RecordKey],
) -> list[Missing]:
    """The records that are not stored, with their times. `lines`: the simulator's envelopes of their sources.

    Gaps of the Management API cover creation times of blobs, gaps of Graph cover times of records.
    """
    records = []
    for (tenant, source), envelopes in lines.items():
        for envelope in envelopes:
            key = (tenant, source, str(envelope["id"]).lower())
            if key in keys:
                exception = excused.get(key, {})
                at = exception.get("at") or envelope["available" if source.startswith("o365-") else "time"]
                records.append(Missing(key, datetime.fromisoformat(at), exception.get("blob")))
    return records
