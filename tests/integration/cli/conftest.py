"""A registry of tenants for the commands."""

from __future__ import annotations

import asyncio

import pytest

from aoc_common.clock import SystemClock
from aoc_common.store.mongo.client import connect
from aoc_common.tenants.administration import Change
from tenant_registry import SIMULATED, Registry, settings_of


@pytest.fixture
def registered(mongo_settings):
    """`registered("contoso")`: adds a tenant to the registry."""

    def register(name: str) -> None:
        async def add() -> None:
            async with connect(mongo_settings) as database:
                registry = Registry(database, SystemClock())
                await registry.administration.add(settings_of(name, **SIMULATED), Change("d/kim"))

        asyncio.run(add())

    return register
