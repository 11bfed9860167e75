"""What time it is at the database, which all replicas of all services share."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from aoc_common.store.mongo.client import Database, translated

if TYPE_CHECKING:
    from datetime import datetime


async def server_time(database: Database) -> datetime | None:
    """The primary's time, in UTC (`localTime` of MongoDB's `hello`); None where a server does not say it.

    Raises `Transient`.
    """
    with translated("hello"):
        answer = await database.command("hello")
    at: datetime | None = answer.get("localTime")
    return at and at.replace(tzinfo=UTC)
