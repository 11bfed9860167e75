"""What the system itself says of records that are not stored: gaps, quarantine, dead letters."""

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

    from aoc_common.store.accounts import Gap, SourceAccount
    from aoc_common.store.mongo.census import MongoCensus

type Key = tuple[str, str, str]
"""Tenant, source, record id (in lower case)."""

_TOGETHER: Final = 100
_IDLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that is not stored. `at`: when it happened, or when its blob was made; `blob`: which that is."""

    key: Key
    at: datetime
    blob: str | None = None


def untold(
    missing: Iterable[Missing], accounts: Mapping[tuple[str, str], SourceAccount], named: Collection[Key]
) -> set[Key]:
    """Those that nobody was told of: in no gap of their source, and not among what is `named` elsewhere."""
    return {
        one.key
        for one in missing
        if one.key not in named
        and not ((account := accounts.get(one.key[:2])) is not None and any(_in_gap(one, gap) for gap in account.gaps))
    }


def _in_gap(one: Missing, gap: Gap) -> bool:
    if one.blob is not None and one.blob in (gap.detail or ""):
        return True
    return gap.start <= one.at <= gap.end


async def named_elsewhere(keys: Collection[Key], census: MongoCensus, broker: NatsBroker) -> set[Key]:
    """Those records whose id stands in the quarantine or in a dead letter of their tenant."""
    if not keys:
        return set()
    found: set[Key] = set()
    async for tenant, text in _texts(census, broker):
        lower = text.lower()
        found |= {key for key in keys if key[0] == tenant and key[2].partition("|")[0] in lower}
    return found


async def _texts(census: MongoCensus, broker: NatsBroker) -> AsyncIterator[tuple[str, str]]:
    async for tenant, text in census.put_aside():
        yield tenant, text
    state = (await jetstream(broker).stream_info(subjects.DLQ_STREAM)).state
    if not state.messages:
        return
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    async with reading(broker, subjects.DLQ_STREAM, config) as pull:
        while messages := await pull.batch(_TOGETHER, _IDLE_S):
            for message in messages:
                yield message.subject.rsplit(".", 1)[-1], message.data.decode("utf-8", "replace")


def missing_records(
    lines: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    excused: Mapping[Key, Mapping[str, Any]],
    keys: Collection[Key],
) -> list[Missing]:
    """What is known of records that are not stored. `lines`: the truth's envelopes of their sources.

    A record of the Management API is found in a gap by when its blob was made, one of Graph by when it happened.
    """
    found = []
    for (tenant, source), envelopes in lines.items():
        for one in envelopes:
            key = (tenant, source, str(one["id"]).lower())
            if key in keys:
                told = excused.get(key, {})
                at = told.get("at") or one["available" if source.startswith("o365-") else "time"]
                found.append(Missing(key, datetime.fromisoformat(at), told.get("blob")))
    return found
