"""Overviews, and what a gateway tells of itself, under the paths of the field's earlier tool."""

from __future__ import annotations

from dataclasses import replace

import pytest

import aoc_api
from aoc_common.store.mongo import event_search


@pytest.fixture
async def some(store, event) -> None:
    """Four events of contoso, one of which is older than a day, and one of fabrikam."""
    await store(
        event("a", hours=1, actor="eve", result="failure"),
        event("b", hours=2, operation="Set-Mailbox"),
        event("c", hours=3),
        event("old", hours=30, actor="zoe", service="sharepoint", source="o365-sharepoint"),
        event("theirs", tenant="fabrikam", actor="zanzibar"),
    )


async def test_filter_options_are_the_values_that_events_have(gateway, some) -> None:
    answer = (await gateway.get("/api/filter-options", start="2026-11-01T00:00:00Z")).json()

    assert answer == {
        "tenant": "contoso",
        "start": "2026-11-01T00:00:00Z",
        "end": None,
        "complete": True,
        "sources": ["o365-exchange", "o365-sharepoint"],
        "services": ["exchange", "sharepoint"],
        "operations": ["New-InboxRule", "Set-Mailbox"],
        "results": ["success", "failure"],
        "actors": ["dana@contoso.example", "eve", "zoe"],
    }


async def test_other_filters_leave_fewer_options_and_top_bounds_them(gateway, some) -> None:
    failed = (await gateway.get("/api/filter-options", result="failure")).json()
    first = (await gateway.get("/api/filter-options", top=1)).json()

    assert (failed["actors"], failed["operations"]) == (["eve"], ["New-InboxRule"])
    assert first["actors"] == ["dana@contoso.example"]
    assert (await gateway.get("/api/filter-options", top=501)).status_code == 422
    assert (await gateway.get("/api/filter-options", nonsense=1)).status_code == 422


async def test_a_summary_counts_a_day_and_tells_what_it_is_made_of(gateway, some) -> None:
    answer = (await gateway.get("/api/summary")).json()

    assert answer == {
        "tenant": "contoso",
        "start": "2026-11-22T08:00:00Z",
        "end": None,
        "events": 3,
        "exact": True,
        "newest": "2026-11-23T07:00:00Z",
        "complete": True,
        "sources": {"o365-exchange": 3},
        "services": {"exchange": 3},
        "operations": {"New-InboxRule": 2, "Set-Mailbox": 1},
        "results": {"success": 2, "failure": 1},
        "actors": {"dana@contoso.example": 2, "eve": 1},
    }


async def test_a_summary_of_nothing_and_one_of_more_than_is_counted(gateway, some, monkeypatch) -> None:
    nothing = (await gateway.get("/api/summary", actor="nobody")).json()
    monkeypatch.setattr("aoc_api.routes.overview._COUNTED", 2)
    monkeypatch.setattr(event_search, "FACET_EVENTS", 2)
    many = (await gateway.get("/api/summary")).json()

    assert (nothing["events"], nothing["exact"], nothing["newest"], nothing["actors"]) == (0, True, None, {})
    assert (many["events"], many["exact"], many["complete"]) == (2, False, False)


async def test_overviews_are_noted_with_how_many_they_were_made_of(gateway, some) -> None:
    await gateway.get("/api/summary")
    [entry] = await gateway.noted("events.summary")

    assert entry.event["unmapped"]["rows"] == 3


async def test_a_gateway_tells_what_it_is_to_who_is_signed_in_only(gateway) -> None:
    version = (await gateway.get("/api/version")).json()
    features = (await gateway.get("/api/config/features")).json()
    gateway.client.headers.pop("Authorization")

    assert version == {"name": "AOC gateway", "version": aoc_api.__version__}
    assert features == {
        "sign_in": False, "webhooks": False, "export_formats": ["csv", "jsonl", "ocsf", "parquet"],
    }  # fmt: skip
    for path in ("/api/version", "/api/config/features"):
        assert (await gateway.get(path)).status_code == 401


async def test_features_tell_whether_notifications_are_taken(gateway) -> None:
    services = gateway.app.state.services
    gateway.app.state.services = replace(services, verifier=object())
    features = (await gateway.get("/api/config/features")).json()

    assert features["webhooks"] is True
