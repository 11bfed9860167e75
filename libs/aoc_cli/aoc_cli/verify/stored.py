"""What is stored of each record, against what the record tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_cli.verify.books import about, plain, plain_address
from aoc_common.contracts import ids
from aoc_common.contracts.event import text_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_cli.verify.books import Books, Fact, Key, Place
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.mongo.census import StoredStatement

STATUS: Final[Mapping[str, int]] = {"success": 1, "failure": 2, "partial": 99}
#: What a run keeps: days by tenant and by source, in which the rules of retention all occur. The others are the
#: product's own.
DAYS: Final = 365
DAYS_BY_TENANT: Final[Mapping[str, int]] = {"fabrikam": 400}
DAYS_BY_SOURCE: Final[Mapping[str, int]] = {"contoso/graph-signins": 10, "fabrikam/o365-exchange": 3}
#: How long Microsoft can give a record again, so that its id must be known: days, by the beginning of a source's name.
_REMEMBERED: Final = (("graph-intune", 366), ("graph-alerts", 181), ("graph-", 31), ("o365-", 14))


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a run's events can have been stored: from `first` until `last`; wider where clocks were stepped."""

    first: datetime
    last: datetime


@dataclass(slots=True)
class Counted:
    """What the pass over the store has counted, by source: events, later versions, the newest, when each was stored."""

    events: dict[Place, int] = field(default_factory=dict)
    versions: dict[Place, int] = field(default_factory=dict)
    newest_ms: dict[Place, int] = field(default_factory=dict)
    hours: dict[Place, set[int]] = field(default_factory=dict)
    stored_ms: dict[Key, int] = field(default_factory=dict)

    def take(self, one: StoredStatement) -> None:
        """Count an event."""
        place = (one.tenant, one.source)
        self.events[place] = self.events.get(place, 0) + 1
        self.versions[place] = self.versions.get(place, 0) + one.versions - 1
        self.newest_ms[place] = max(self.newest_ms.get(place, 0), one.time_ms)
        self.hours.setdefault(place, set()).add(one.time_ms // 3_600_000)


def check_stored(one: StoredStatement, books: Books, lifetime: Lifetime, tally: Statements) -> Key | None:
    """Compare an event; the record that it is of, if there is one."""
    owner = books.owners.get(text_digest(one.raw))
    key = books.key(one.tenant, one.source, one.record_id, one.operation)
    name = about(owner or key or (one.tenant, one.source, one.record_id))
    tally.holds("stored: raw text", name, one.raw, "one of the texts that were shown", good=owner is not None)
    if owner is not None:
        tally.hold("stored: whose it is", name, f"{one.tenant}/{one.source}", "/".join(owner[:2]))
        tally.hold("stored: record", name, key and key[2], owner[2])
    key = owner or key
    if key is None:
        return None
    _check_facts(one, books.facts[key], name, tally)
    _check_expiry(one, name, lifetime, tally)
    return key


def _check_facts(one: StoredStatement, fact: Fact, name: str, tally: Statements) -> None:
    times = {one.time_ms, one.ocsf_ms, one.id.int >> 80}
    tally.hold("stored: time", name, _times(times), _times({fact.time_ms}))
    result = fact.result if one.result == fact.result and one.status_id == STATUS[fact.result] else None
    tally.holds("stored: result", name, f"{one.result} ({one.status_id})", fact.result, good=result is not None)
    classes = {one.class_uid, one.ocsf_class}
    tally.hold("stored: class", name, sorted(classes), [fact.class_uid])
    spelt = {plain(one.operation), plain(one.event_code)}
    tally.hold("stored: operation", name, sorted(spelt), [plain(fact.operation)])
    if (address := plain_address(fact.ip)) is not None:
        tally.hold("stored: address", name, one.ip, address)
    tally.holds("stored: actor", name, one.actor, fact.says, good=(one.actor or "") in fact.actor)


def _check_expiry(one: StoredStatement, name: str, lifetime: Lifetime, tally: Statements) -> None:
    """Content goes after the days that were set; the id stays for as long as the record can come again."""
    days = _days(one.tenant, one.source)
    if one.twin is not None and one.source.startswith("graph-"):
        # What stands for both stays as long as the other one.
        days = max(days, _days(one.tenant, "o365-azuread"))
    remembered = next((known for start, known in _REMEMBERED if one.source.startswith(start)), 0)
    for kind, until, kept in (
        ("stored: kept until", one.forget_at or one.expire_at, days),
        ("stored: known until", one.expire_at, max(days, remembered)),
    ):
        span = timedelta(days=kept)
        good = until is not None and lifetime.first <= until - span <= lifetime.last
        tally.holds(kind, name, until, f"{kept} days after it was stored", good=good)


def _days(tenant: str, source: str) -> int:
    return DAYS_BY_SOURCE.get(f"{tenant}/{source}", DAYS_BY_TENANT.get(tenant, DAYS))


def _times(found: set[int]) -> str:
    return ", ".join(f"{ids.from_ms(one):%Y-%m-%dT%H:%M:%S.%f}"[:23] for one in sorted(found))
