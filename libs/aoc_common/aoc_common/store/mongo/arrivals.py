"""Arrivals of records, summed up by source and day."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from statistics import median_low
from typing import TYPE_CHECKING, Final

from pymongo import UpdateOne

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.arrivals import RecentArrivals, percentile
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.store.arrivals import Arrivals

_WEEKS: Final = 4
_RETENTION: Final = timedelta(weeks=_WEEKS + 1)
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
#: How many days of lateness tell when to look again.
_LATELY: Final = timedelta(days=3)
#: An hour is judged this long after it is complete: records come late.
_PATIENCE: Final = timedelta(hours=1)
#: Weeks of which the same hour must have had so many records, to say that it usually has some.
_SEEN: Final = 3
_FEW: Final = 3


class MongoArrivals:
    """`ArrivalStore` over `arrivals`, a document a source and day."""

    def __init__(self, database: Database) -> None:
        self._arrivals = database["arrivals"]

    async def add(self, arrivals: Sequence[Arrivals]) -> None:
        """Add these, in one write."""
        if arrivals:
            with translated("arrivals"):
                await self._arrivals.bulk_write([_update(arrival) for arrival in arrivals], ordered=False)

    async def recently(self, tenant: str, complete: Mapping[str, datetime | None]) -> Mapping[str, RecentArrivals]:
        """Source -> what is known of it."""
        with translated("arrivals"):
            documents = await self._arrivals.find({"tenant": check_tenant(tenant)}).to_list(None)
        days: dict[str, dict[datetime, Document]] = defaultdict(dict)
        for document in documents:
            days[document["source"]][document["day"]] = document
        return {source: _recently(by_day, complete.get(source)) for source, by_day in days.items()}

    async def lateness(self, tenant: str, now: datetime) -> Mapping[str, Mapping[int, int]]:
        """Source -> step of `lateness_step` -> how many records of the last days came so late."""
        since = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - _LATELY
        query = {"tenant": check_tenant(tenant), "day": {"$gte": since}}
        late: dict[str, Counter[int]] = defaultdict(Counter)
        with translated("arrivals"):
            async for document in self._arrivals.find(query, {"source": 1, "late": 1}):
                late[document["source"]].update({int(step): count for step, count in document.get("late", {}).items()})
        return late


def _update(arrivals: Arrivals) -> UpdateOne:
    day = datetime(arrivals.day.year, arrivals.day.month, arrivals.day.day, tzinfo=UTC)
    counts = {f"hours.{hour}": count for hour, count in arrivals.hours.items()}
    counts |= {f"late.{step}": count for step, count in arrivals.late.items()}
    return UpdateOne(
        {"_id": f"{arrivals.tenant}/{arrivals.source}/{day:%Y-%m-%d}"},
        {
            "$inc": counts,
            "$max": {"newest": arrivals.newest},
            "$setOnInsert": {
                "tenant": arrivals.tenant,
                "source": arrivals.source,
                "day": day,
                "expire_at": day + _RETENTION,
            },
        },
        upsert=True,
    )


def _recently(by_day: Mapping[datetime, Document], complete: datetime | None) -> RecentArrivals:
    late: Counter[int] = Counter()
    for day in sorted(by_day)[-2:]:
        late.update({int(step): count for step, count in by_day[day].get("late", {}).items()})
    last = max((day["newest"] for day in by_day.values() if "newest" in day), default=None)
    hour, usual = _silence(by_day, complete) if complete else (None, None)
    return RecentArrivals(last, percentile(late, 0.95), usual, hour)


def _silence(by_day: Mapping[datetime, Document], complete: datetime) -> tuple[datetime | None, int | None]:
    """The last complete hour when it has no records although the same hour of the weeks before had."""
    hour = (complete.astimezone(UTC) - _PATIENCE).replace(minute=0, second=0, microsecond=0) - _HOUR
    if _count(by_day, hour):
        return None, None
    before = [_count(by_day, hour - week * 7 * _DAY) for week in range(1, _WEEKS + 1)]
    if sum(count >= _FEW for count in before) < _SEEN:
        return None, None
    return hour, median_low(before)


def _count(by_day: Mapping[datetime, Document], hour: datetime) -> int:
    document = by_day.get(hour.replace(hour=0))
    return int(document.get("hours", {}).get(str(hour.hour), 0)) if document else 0
