"""What the register of the keys of reports promises, on a real MongoDB-protocol server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aoc_common.contracts.report_keys import PublishedKey, thumbprint
from aoc_common.errors import Unreachable
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.report_keys import MongoKeyRegister

T0 = datetime(2026, 11, 23, 8, tzinfo=UTC)
LATER = T0 + timedelta(hours=1)
FIRST, SECOND = b"\x01" * 32, b"\x02" * 32


@pytest.fixture
def register(database) -> MongoKeyRegister:
    return MongoKeyRegister(database)


async def test_a_key_is_published_once_and_its_first_times_stay(register) -> None:
    for at in (T0, LATER):
        await register.publish(FIRST, at)
    retired = [await register.retire(thumbprint(FIRST), at) for at in (LATER, LATER + timedelta(days=1))]
    await register.publish(FIRST, LATER)

    assert retired == [True, True]
    assert await register.published() == [PublishedKey(thumbprint(FIRST), FIRST, T0, LATER)]


async def test_two_that_publish_a_key_at_once_publish_it(register) -> None:
    await asyncio.gather(*(register.publish(FIRST, T0) for _ in range(10)))

    assert await register.published() == [PublishedKey(thumbprint(FIRST), FIRST, T0)]


async def test_retired_keys_stay_published_and_the_newest_comes_first(register) -> None:
    await register.publish(FIRST, T0)
    await register.retire(thumbprint(FIRST), LATER)
    await register.publish(SECOND, LATER)

    assert [(one.kid, one.retired_at) for one in await register.published()] == [
        (thumbprint(SECOND), None),
        (thumbprint(FIRST), LATER),
    ]


async def test_a_key_that_nobody_published_cannot_be_retired(register) -> None:
    assert await register.retire(thumbprint(FIRST), T0) is False
    assert await register.published() == []


async def test_an_installation_has_a_single_id(register) -> None:
    found = await asyncio.gather(*(register.installation() for _ in range(10)))

    assert len(set(found)) == 1
    assert UUID(found[0]).version == 4


async def test_a_register_that_is_away_is_transient() -> None:
    async with connect(MongoSettings(uri="mongodb://127.0.0.1:1", timeout_s=0.1)) as away:
        for ask in (MongoKeyRegister(away).published(), MongoKeyRegister(away).installation()):
            with pytest.raises(Unreachable):
                await ask
