"""How many records came, how late, and where there are usually some."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.errors import Malformed
from aoc_common.store.arrivals import Arrivals, lateness_step, percentile
from aoc_common.store.mongo.arrivals import MongoArrivals
from each import each

#: A Monday. What is complete until now is judged until an hour before: the hour from 9 to 10.
NOW = datetime(2026, 11, 23, 11, 20, tzinfo=UTC)
NINE = NOW.replace(hour=9, minute=0)
WEEK = timedelta(weeks=1)


def came(at, count=5, *, source="graph-signins", tenant="contoso", late=(60,)):
    found = Arrivals(tenant, source, at.date(), at)
    found.hours[at.hour] += count
    found.late.update(lateness_step(seconds) for seconds in late)
    return found


@pytest.fixture
def store(database):
    return MongoArrivals(database)


async def recently(store, source="graph-signins"):
    return (await store.recently("contoso", {source: NOW}))[source]


async def test_the_newest_record_and_the_lateness_of_the_last_days_are_known(store):
    await store.add([came(NINE - timedelta(days=9), late=[86_400] * 500)])
    await store.add([came(NINE, late=[60] * 94 + [900] * 6), came(NINE - timedelta(days=1), late=[1])])
    await store.add([came(NINE - timedelta(hours=3), late=[])])

    found = await recently(store)
    assert found.last_record == NINE
    assert 900 <= found.lateness_p95_s < 900 * 1.42


async def test_an_hour_without_records_is_told_where_the_same_hour_of_the_weeks_before_had_some(store):
    await store.add([came(NINE - number * WEEK, 10 * number) for number in (1, 2, 3, 4)])
    await store.add([came(NINE - timedelta(hours=1))])

    found = await recently(store)
    assert (found.silent_hour, found.usual) == (NINE, 20)


@pytest.mark.parametrize(
    "weeks",
    [{}, {1: 50, 2: 50}, {1: 2, 2: 2, 3: 2, 4: 2}, {0: 1, 1: 50, 2: 50, 3: 50, 4: 50}],
    ids=["never any", "not for three weeks", "next to none", "some now"],
)
async def test_an_hour_that_is_often_quiet_or_has_records_is_not(store, weeks):
    await store.add([came(NINE - number * WEEK, count) for number, count in weeks.items()])
    # Nights and weekends: other hours and days have many.
    await store.add([came(NINE - number * WEEK + timedelta(hours=5), 500) for number in (1, 2, 3, 4)])
    await store.add([came(NINE - number * timedelta(days=1), 500) for number in (1, 2, 3)])

    assert (await recently(store)).silent_hour is None


async def test_tenants_and_sources_are_kept_apart(store):
    await store.add([came(NINE, tenant="fabrikam"), came(NINE - WEEK, source="graph-intune")])

    assert list(await store.recently("contoso", {})) == ["graph-intune"]


async def test_nothing_is_added_without_arrivals_and_a_tenant_is_a_slug(store):
    await store.add([])

    with pytest.raises(Malformed):
        await store.recently("../x", {})


@each("seconds", [0, 0.2, 1, 1.5, 60, 86_400, 53 * 3600])
def test_a_step_is_at_most_half_as_long_again(seconds):
    top = percentile(Counter([lateness_step(seconds)]), 0.95)

    assert max(seconds, 1) <= top + 0.1
    assert top <= max(seconds, 1) * 1.42 + 0.1


def test_nobody_is_late_where_nobody_came():
    assert percentile(Counter(), 0.95) is None
