"""One tenant's flood does not fill the stream for others."""

from __future__ import annotations

import pytest

from aoc_collector.quota import Quota
from aoc_common.bus.backlog import Waiting
from aoc_common.bus.publish import Outgoing
from aoc_common.errors import Backpressure, Unreachable

LITTLE, FULL = Waiting(9, 900), Waiting(30, 3000)


@pytest.fixture
def stream():
    return {"contoso": LITTLE, "fabrikam": LITTLE}


@pytest.fixture
def asked():
    return []


@pytest.fixture
def quota(stream, asked, clock):
    async def look(tenant):
        asked.append(tenant)
        if isinstance(stream[tenant], Exception):
            raise stream[tenant]
        return stream[tenant]

    return Quota(look, 10, 2000, clock)


async def test_a_tenant_of_which_too_much_waits_is_held_back_for_a_bounded_time_and_others_are_not(quota, stream):
    stream["contoso"] = FULL
    with pytest.raises(Backpressure) as held:
        await quota.check("contoso")

    await quota.check("fabrikam")
    assert 0 < held.value.retry_after <= 60


@pytest.mark.parametrize("waits", [Waiting(10, 1), Waiting(1, 2000)])
async def test_pages_and_bytes_are_bounded_each(quota, stream, waits):
    stream["contoso"] = waits

    with pytest.raises(Backpressure):
        await quota.check("contoso")


async def test_the_stream_is_asked_once_in_a_few_seconds_and_goes_on_when_it_is_emptier(quota, stream, asked, clock):
    stream["contoso"] = FULL
    for _ in range(3):
        with pytest.raises(Backpressure):
            await quota.check("contoso")
    stream["contoso"] = LITTLE
    await clock.sleep(3)
    await quota.check("contoso")

    assert asked == ["contoso", "contoso"]


async def test_a_stream_that_does_not_answer_is_asked_again(quota, stream):
    stream["contoso"] = Unreachable("away")
    with pytest.raises(Unreachable):
        await quota.check("contoso")
    stream["contoso"] = LITTLE

    await quota.check("contoso")


async def test_a_tenant_of_large_pages_is_held_back_although_all_others_are_small(quota, stream):
    stream["contoso"] = stream["fabrikam"] = Waiting(9, 900)
    quota.note([Outgoing("aoc.raw", b"x" * 300, {"Aoc-Tenant": "contoso"})] * 5000)
    quota.note([Outgoing("aoc.raw", b"x", {"Aoc-Tenant": "fabrikam"})])

    with pytest.raises(Backpressure):
        await quota.check("contoso")
    await quota.check("fabrikam")
