"""A registry of tenants, and a gateway, for the commands."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.clock import SystemClock
from aoc_common.store.mongo.client import connect
from aoc_common.tenants.administration import Change
from gateway_process import gateway_process
from tenant_registry import SIMULATED, Registry, settings_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from aoc_common.store.mongo.client import Database


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


@pytest.fixture
def on_store(mongo_settings) -> Callable[[Callable[[Database], Awaitable[Any]]], Any]:
    """`on_store(work)`: what `work` returns of the test's database, which has only the indexes that a test makes."""

    def run(work: Callable[[Database], Awaitable[Any]]) -> Any:
        async def connected() -> Any:
            async with connect(mongo_settings) as database:
                return await work(database)

        return asyncio.run(connected())

    return run


@pytest.fixture
def asking_as(mongo_settings, tmp_path, monkeypatch):
    """`with asking_as(key)`: commands ask a gateway process over the test's database, and show that key."""

    @contextmanager
    def start(key: str) -> Iterator[None]:
        with gateway_process(mongo_settings, tmp_path / "spool", AOC_TELEMETRY__LOG_LEVEL="error") as (base, _):
            monkeypatch.setenv("AOC_GATEWAY__URL", base)
            monkeypatch.setenv("AOC_GATEWAY__API_KEY", "env:AOC_TEST_KEY")
            monkeypatch.setenv("AOC_TEST_KEY", key)
            yield

    return start
