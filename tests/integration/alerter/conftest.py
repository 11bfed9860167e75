"""What tests of notifications are made with."""

from __future__ import annotations

import pytest

from aoc_common.store.mongo.client import Database, ensure_indexes


@pytest.fixture
async def store(database: Database) -> Database:
    await ensure_indexes(database, ("notifications",))
    return database
