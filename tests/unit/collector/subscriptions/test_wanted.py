from __future__ import annotations

from types import SimpleNamespace

import pytest

from aoc_collector.parts.subscriptions import target
from aoc_collector.settings import CollectorSettings, DirectorySettings, SubscriptionSettings
from aoc_common.contracts.webhooks import Seals

SEALS = Seals(["s" * 32])


@pytest.mark.parametrize(
    ("sources", "directory", "expected"),
    [
        (None, {}, ["users", "groups", "alerts"]),
        (("graph-signins",), {}, ["users", "groups"]),
        (("graph-alerts",), {"enabled": False}, ["alerts"]),
        (("graph-signins",), {"enabled": False}, []),
        (("graph-alerts",), {"kinds": ("group", "device")}, ["groups", "alerts"]),
    ],
)
def test_only_what_is_collected_of_a_tenant_is_subscribed_to(tenant, sources, directory, expected):
    settings = CollectorSettings(
        directory=DirectorySettings(**directory), webhooks=SubscriptionSettings(public_url="https://aoc.example")
    )
    shared = SimpleNamespace(settings=settings, apis=SimpleNamespace(api=lambda *_: None))
    found = target(shared, SEALS, tenant.model_copy(update={"sources": sources}))

    assert [subscription.kind for subscription in found.desired] == expected
    assert found.url == f"https://aoc.example/api/webhooks/graph?key={SEALS.key_id}"
