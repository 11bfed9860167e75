"""An API key for tests that talk with a gateway."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_api.access.principal import Principal
from aoc_common.contracts.access import Grant
from aoc_common.contracts.credentials import fingerprint, new_api_key
from aoc_common.store.api_keys import ApiKey
from aoc_common.store.mongo.api_keys import MongoApiKeys

if TYPE_CHECKING:
    from fastapi import Request

    from aoc_common.store.mongo.client import Database

EVERYTHING: Final = (Grant("superadmin", everything=True),)


async def make_key(
    database: Database, *grants: Grant, name: str = "tests", by: str = "local/operator", days: float = 1
) -> str:
    """A key with these grants, or every right there is."""
    secret, now = new_api_key(), datetime.now(UTC)
    of = fingerprint(secret)
    key = ApiKey(of.id, name, grants or EVERYTHING, by, now, now + timedelta(days=days))
    await MongoApiKeys(database).put(key, of)
    return secret


def bearer(secret: str) -> dict[str, str]:
    """The headers of a request with this key."""
    return {"Authorization": f"Bearer {secret}"}


MONITORING_TOKEN: Final = "for-the-monitoring-of-a-test-alone"
#: Settings of a gateway process that the token opens.
MONITORED: Final = {
    "AOC_API__MONITORING_TOKEN": "env:AOC_TEST_MONITORING_TOKEN",
    "AOC_TEST_MONITORING_TOKEN": MONITORING_TOKEN,
}


async def known(_: Request) -> Principal:
    """`Services.authenticate` of a gateway whose store is away, and who asks may do all."""
    return Principal("person", "directory/person", "dana", EVERYTHING, "directory")
