from __future__ import annotations

import asyncio

import pytest

from aoc_collector.directory.sync import DirectorySync, Stores, Target
from aoc_common.contracts.jobs import DirectoryJob
from directory_answers import GRAPH
from memory import MemoryDirectory


@pytest.fixture
def store():
    return MemoryDirectory()


@pytest.fixture
def stopping():
    return asyncio.Event()


@pytest.fixture
def sync(context, store, clock, stopping):
    """`sync("user", "group")`: keeps these kinds of one tenant's directory."""

    def make(*kinds, tenant="contoso"):
        targets = {tenant: Target(tenant, context(GRAPH).api, kinds or ("user",))}
        return DirectorySync(targets.get, Stores(store, store, store), clock, stopping)

    return make


@pytest.fixture
def keep(sync):
    """`await keep("user")`: one job."""

    async def run(*kinds, tenant="contoso"):
        await sync(*kinds, tenant=tenant).run(DirectoryJob(tenant=tenant))

    return run
