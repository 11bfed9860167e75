"""The stored events against the facts of their records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_cli.verify.ground_truth import about, plain, plain_address
from aoc_common.contracts import ids
from aoc_common.contracts.event import text_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_cli.verify.ground_truth import GroundTruth, RecordFacts, RecordKey, SourceKey
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.mongo.census import StoredStatement

STATUS: Final[Mapping[str, int]] = {"success": 1, "failure": 2, "partial": 99}
#: Retention of a run in days, by tenant and by source, so that every rule of retention occurs; others have the default.
DAYS: Final = 365
DAYS_BY_TENANT: Final[Mapping[str, int]] = {"fabrikam": 400}
DAYS_BY_SOURCE: Final[Mapping[str, int]] = {"contoso/graph-signins": 10, "fabrikam/o365-exchange": 3}
#: How long Microsoft can deliver a record again, so that its id must be known: days, by prefix of the source.
_REMEMBERED: Final = (
    ("graph-intune", 366),
    ("graph-alerts", 181),
    ("graph-risk-", 91),
    ("graph-risky-", 366),
    ("graph-pim-", 366),
    ("graph-", 31),
    ("o365-", 14),
)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a run's events can have been stored, from `first` to `last`; wider where clocks were stepped."""

    first: datetime
    last: datetime


@dataclass(slots=True)
class Counted:
    """Counters of the pass over the store, by source: events, later versions, newest record, storing times."""

    events: dict[SourceKey, int] = field(default_factory=dict)
    versions: dict[SourceKey, int] = field(default_factory=dict)
    newest_ms: dict[SourceKey, int] = field(default_factory=dict)
    hours: dict[SourceKey, set[int]] = field(default_factory=dict)
    stored_ms: dict[RecordKey, int] = field(default_factory=dict)

    def add(self, record: StoredStatement) -> None:
        """Count an event."""
        source_key = (record.tenant, record.source)
        self.events[source_key] = self.events.get(source_key, 0) + 1
        self.versions[source_key] = self.versions.get(source_key, 0) + record.versions - 1
        self.newest_ms[source_key] = max(self.newest_ms.get(source_key, 0), record.time_ms)
        self.hours.setdefault(source_key, set()).add(record.time_ms // 3_600_000)


def check_stored(
    record: StoredStatement, ground_truth: GroundTruth, lifetime: Lifetime, tally: Statements
) -> RecordKey | None:
    """Compare an event; the key of its record, if there is one."""
    owner = ground_truth.owners.get(text_digest(record.raw))
    key = ground_truth.key(record.tenant, record.source, record.record_id, record.operation, record.time_ms)
    name = about(owner or key or (record.tenant, record.source, record.record_id))
    tally.judge("stored: raw text", name, record.raw, "one of the texts that were shown", good=owner is not None)
    if owner is not None:
        tally.compare("stored: whose it is", name, f"{record.tenant}/{record.source}", "/".join(owner[:2]))
        tally.compare("stored: record", name, key and key[2], owner[2])
    key = owner or key
    if key is None:
        return None
    _check_facts(record, ground_truth.facts[key], name, tally)
    _check_expiry(record, name, lifetime, tally)
    return key


def _check_facts(record: StoredStatement, fact: RecordFacts, name: str, tally: Statements) -> None:
    times = {record.time_ms, record.ocsf_ms, record.id.int >> 80}
    tally.compare("stored: time", name, _times(times), _times({fact.time_ms}))
    result = fact.result if record.result == fact.result and record.status_id == STATUS[fact.result] else None
    tally.judge("stored: result", name, f"{record.result} ({record.status_id})", fact.result, good=result is not None)
    classes = {record.class_uid, record.ocsf_class}
    tally.compare("stored: class", name, sorted(classes), [fact.class_uid])
    spelt = {plain(record.operation), plain(record.event_code)}
    tally.compare("stored: operation", name, sorted(spelt), [plain(fact.operation)])
    if (address := plain_address(fact.ip)) is not None:
        tally.compare("stored: address", name, record.ip, address)
    tally.judge("stored: actor", name, record.actor, fact.actor_as_written, good=(record.actor or "") in fact.actor)


def _check_expiry(record: StoredStatement, name: str, lifetime: Lifetime, tally: Statements) -> None:
    """Content expires after its retention; the id stays for as long as the record can be delivered again."""
    days = _days(record.tenant, record.source)
    if record.twin is not None and record.source.startswith("graph-"):
        # The first of two twins stays at least as long as the second.
        days = max(days, _days(record.tenant, "o365-azuread"))
    remembered = next((known for start, known in _REMEMBERED if record.source.startswith(start)), 0)
    for kind, until, retention_days in (
        ("stored: kept until", record.forget_at or record.expire_at, days),
        ("stored: known until", record.expire_at, max(days, remembered)),
    ):
        span = timedelta(days=retention_days)
        good = until is not None and lifetime.first <= until - span <= lifetime.last
        tally.judge(kind, name, until, f"{retention_days} days after it was stored", good=good)


def _days(tenant: str, source: str) -> int:
    return DAYS_BY_SOURCE.get(f"{tenant}/{source}", DAYS_BY_TENANT.get(tenant, DAYS))


def _times(times_ms: set[int]) -> str:
    return ", ".join(f"{ids.from_ms(time_ms):%Y-%m-%dT%H:%M:%S.%f}"[:23] for time_ms in sorted(times_ms))
