"""Checks the audit trail about one tenant: each chain by itself, and against what stands elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy

from aoc_common.bus.broker import jetstream
from aoc_common.bus.consume import reading
from aoc_common.contracts import subjects
from aoc_common.contracts.audit import INSTALLATION, AuditEntry, Chain, ChainCheck, Head
from aoc_common.errors import Malformed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faststream.nats import NatsBroker

    from aoc_common.store.audit_heads import AuditHeads
    from aoc_common.store.audit_trail import AuditTrailStore

_PAGE: Final = 500
#: Faults that are named; after so many, the rest says nothing new.
_NAMED: Final = 20
_IDLE_S: Final = 1.0
#: An entry is on the bus within so long, unless that is away.
_UNDER_WAY: Final = timedelta(minutes=10)


@dataclass(slots=True)
class Verdict:
    """What a check found. `anchors`: entries and ends that stand elsewhere, which were compared. `faults`: in words."""

    tenant: str
    chains: int = 0
    entries: int = 0
    anchors: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, fault: str) -> None:
        """Name a fault, unless enough are named."""
        if len(self.faults) < _NAMED:
            self.faults.append(fault)


@dataclass(frozen=True, slots=True)
class OnBus:
    """What AOC_AUDIT holds about a tenant: its entries, and since when it holds all of them; None: it holds none."""

    heads: Sequence[Head] = ()
    since: datetime | None = None


class TrailCheck:
    """Reads every chain about one tenant, some entries at a time."""

    def __init__(self, entries: AuditTrailStore, heads: AuditHeads, tenant: str, now: datetime) -> None:
        self._entries = entries
        self._heads = heads
        self._verdict = Verdict(tenant)
        self._published_before = now - _UNDER_WAY
        self._on_bus_since: datetime | None = None
        self._on_bus: dict[Chain, set[int]] = {}

    async def run(self, anchors: Sequence[Head], on_bus: OnBus = OnBus()) -> Verdict:
        """Check all. `anchors`: entries of these chains as signed reports state them."""
        self._on_bus_since = on_bus.since
        for head in on_bus.heads:
            self._on_bus.setdefault(head.chain, set()).add(head.sequence)
        elsewhere: dict[Chain, dict[int, str]] = {}
        for anchor in (*anchors, *on_bus.heads):
            known = elsewhere.setdefault(anchor.chain, {})
            if known.setdefault(anchor.sequence, anchor.hash) != anchor.hash:
                self._verdict.add(f"{anchor.chain.entry_id(anchor.sequence)} stands elsewhere with two texts")
        self._verdict.anchors = sum(map(len, elsewhere.values()))
        after = ""
        while ends := await self._heads.of_tenant(self._verdict.tenant, after, _PAGE):
            for end in ends:
                chain = end.head.chain
                await self._chain(chain, elsewhere.pop(chain, {}) | {end.head.sequence: end.head.hash})
            after = ends[-1].head.chain.writer
        for chain, rest in elsewhere.items():  # its end is not on record: it was removed, or never noted
            await self._chain(chain, rest)
        return self._verdict

    async def _chain(self, chain: Chain, expected: dict[int, str]) -> None:
        check, self._verdict.chains = ChainCheck(chain), self._verdict.chains + 1
        while stored := await self._entries.chain(chain, check.head.sequence, _PAGE):
            for item in stored:
                fault = item.fault if item.entry is None else check.fault(item.entry)
                if fault is not None or item.entry is None:
                    self._verdict.add(fault or f"{item.id} cannot be read")
                    return  # what follows hangs on what is broken
                self._verdict.entries += 1
                other = expected.pop(item.entry.sequence, None)
                if self._is_not_on_bus(item.entry):
                    self._verdict.add(f"{item.id} is not on the bus: it was added, or no gateway has published since")
                if other not in {None, item.entry.hash}:
                    self._verdict.add(f"{item.id} is not what stands elsewhere: it was replaced ({other[:12]}...)")
                    return
        if expected:
            missing = chain.entry_id(min(expected))
            self._verdict.add(f"{missing} is missing: the chain ends at {check.head.sequence}")

    def _is_not_on_bus(self, entry: AuditEntry) -> bool:
        """Whether an entry is missing there: not one that AOC_AUDIT may have forgotten, or that is on its way."""
        should_be = self._on_bus_since is not None and self._on_bus_since <= entry.at < self._published_before
        return should_be and entry.sequence not in self._on_bus.get(entry.chain, ())


class AuditBus:
    """AOC_AUDIT, read for one tenant at a time: memory is that of the largest tenant. Raises `Unreachable`."""

    def __init__(self, broker: NatsBroker) -> None:
        self._broker = broker

    async def tenants(self) -> list[str]:
        """About whom it holds anything; `INSTALLATION` for what is about none."""
        try:
            info = await jetstream(self._broker).stream_info(subjects.AUDIT_STREAM, subjects_filter=subjects.ALL_AUDIT)
        except (NatsError, TimeoutError) as error:
            raise Unreachable(f"{subjects.AUDIT_STREAM}: {error or type(error).__name__}") from error
        return [subject.rpartition(".")[2] for subject in info.state.subjects or {}]

    async def of(self, tenant: str) -> OnBus:
        """What it holds about a tenant."""
        subject = subjects.audit(None if tenant == INSTALLATION else tenant)
        config = ConsumerConfig(filter_subject=subject, deliver_policy=DeliverPolicy.ALL)
        heads: list[Head] = []
        since: datetime | None = None
        read = 0
        async with reading(self._broker, subjects.AUDIT_STREAM, config) as pull:
            while read < pull.waiting and (messages := await pull.batch(_PAGE, _IDLE_S)):
                since = since or messages[0].metadata.timestamp
                read += len(messages)
                for message in messages:
                    try:
                        heads.append(AuditEntry.read(message.data.decode()).head)
                    except (Malformed, UnicodeDecodeError):
                        continue  # anybody who may publish there can put nonsense; it proves nothing
        return OnBus(heads, since)
