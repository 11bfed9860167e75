"""The time of a case: a tenant of which nothing is collected, and everything was imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.store.mongo.import_accounts import MongoImports
from aoc_common.store.mongo.sources import MongoSources

if TYPE_CHECKING:
    from aoc_common.store.imports import TimeSpan
    from aoc_common.store.mongo.client import Database


async def case_span(database: Database, tenant: str) -> TimeSpan | None:
    """The times of all that was imported for a tenant; None when it is collected from too, or nothing has a time.

    Raises `Transient`.
    """
    cases = await MongoImports(database).cases(tenant)
    if not cases or await MongoSources(database).all_states(tenant):
        return None
    return cases[0].span
