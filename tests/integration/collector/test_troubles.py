"""What Microsoft takes away is named, source by source, while the others go on."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from aoc_collector.app import worker
from aoc_collector.settings import CollectorSettings, DirectorySettings
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.source_health import Bounds, State, judge

BOUNDS = Bounds(timedelta(minutes=15), timedelta(hours=24))
SOURCES = ("graph-signins", "graph-intune", "o365-exchange")


@pytest.fixture
def collecting_troubled(nats_as, mongo_settings, microsoft):
    """A collector of three sources of contoso that looks often."""

    @asynccontextmanager
    async def start():
        settings = CollectorSettings(
            nats=nats_as("collector"),
            mongo=mongo_settings,
            poll_interval_s=0.2,
            settle_delay_s=0,
            lookback_s=0,
            max_backoff_s=1,
            http_attempts=1,
            directory=DirectorySettings(enabled=False),
        )
        tenants = [tenant.model_copy(update={"sources": SOURCES}) for tenant in microsoft.tenants]
        async with worker(settings, tenants).running():
            yield

    return start


@pytest.fixture
def health(database):
    """`await health()`: source -> its account and what is judged of it."""

    async def look():
        now = datetime.now(UTC)
        return {
            account.source: (account, judge(account, BOUNDS, now))
            for account in await MongoAccount(database).accounts("contoso", now)
        }

    return look


slow = partial(pytest.param, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("switches", "hit", "trouble", "words"),
    [
        ({"revoked": ["AuditLog.Read.All"]}, {"graph-signins"}, "no-permission", "AuditLog.Read.All"),
        slow({"revoked": ["ActivityFeed.Read"]}, {"o365-exchange"}, "no-permission", "ActivityFeed.Read"),
        slow({"premium": False}, {"graph-signins"}, "not-licensed", "Entra ID P1 or P2"),
        slow({"disabled": ["Audit.Exchange"]}, {"o365-exchange"}, "subscription-disabled", "Turn on auditing"),
        slow({"credentials": "expired"}, set(SOURCES), "credentials-expired", "create a new one"),
        slow({"credentials": "consent revoked"}, set(SOURCES), "credentials-expired", "admin consent"),
    ],
    ids=lambda one: ",".join(one) if isinstance(one, dict) else "",
)
async def test_the_trouble_is_named_and_the_others_go_on(
    microsoft, collecting_troubled, health, eventually, switches, hit, trouble, words
) -> None:
    answer = await microsoft.client.put("/_switches", json={"tenant": "contoso", **switches})
    assert answer.status_code == 200

    async def told():
        found = await health()
        return len(found) == len(SOURCES) and all(
            one.trouble == trouble if source in hit else one.last_success is not None
            for source, (one, _) in found.items()
        )

    async with collecting_troubled():
        await eventually(told, 30)
        found = await health()

    assert {source for source, (_, judged) in found.items() if judged.state is State.RED} == hit
    assert all(words in found[source][1].next_action for source in hit)


@pytest.mark.slow
async def test_what_is_given_back_is_collected_again(microsoft, collecting_troubled, health, eventually) -> None:
    await microsoft.client.put("/_switches", json={"tenant": "contoso", "revoked": ["AuditLog.Read.All"]})

    async def state(wanted):
        found = await health()
        return "graph-signins" in found and found["graph-signins"][1].state is wanted

    async with collecting_troubled():
        await eventually(lambda: state(State.RED), 30)
        await microsoft.client.put("/_switches", json={"tenant": "contoso"})
        await eventually(lambda: state(State.GREEN), 30)
