"""What is read of a directory, and how."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from aoc_collector.directory.delta_queries import DELTA_QUERIES
from aoc_common.store.directory_states import SyncState
from directory_answers import DELTA, NEXT, USERS, answers, page, user


async def test_links_are_followed_to_the_letter_and_the_delta_link_comes_next(keep, microsoft):
    microsoft.respond = answers((NEXT, page(delta=DELTA)), (DELTA, page(delta=DELTA)), (USERS, page(following=NEXT)))
    await keep()
    await keep()

    assert microsoft.urls[1:] == [NEXT, DELTA]


async def test_a_delta_link_of_another_query_or_cloud_is_not_used(keep, microsoft, store):
    elsewhere = SyncState("contoso", "user", 3, query=f"{USERS}?$select=displayName", delta_link=DELTA)
    store.states["contoso", "user"] = elsewhere
    microsoft.respond = answers((USERS, page(user("a"), delta=DELTA)))
    await keep()

    assert "deltatoken" not in microsoft.urls[0]
    assert (await store.state("contoso", "user")).generation == 4


async def test_removed_objects_go_and_one_that_is_there_twice_is_what_it_was_last(keep, microsoft, store):
    microsoft.respond = answers((USERS, page(user("a"), user("b"), user("c"), delta=DELTA)))
    await keep()
    gone = {"@removed": {"reason": "changed"}}
    news = [user("a", department="IT"), {"id": "a", "accountEnabled": False}, {"id": "b"} | gone]
    news += [{"id": "c"} | gone, user("c", department="Back")]
    microsoft.respond = answers((DELTA, page(*news, delta=DELTA)))
    await keep()

    assert store.ids() == {"a", "c"}
    assert store.facts("a") == {"name": "A", "department": "IT", "enabled": False}
    assert store.facts("c")["department"] == "Back"


@pytest.mark.parametrize(
    ("kind", "told", "facts"),
    [
        (
            "user",
            {
                "displayName": "Dana",
                "userPrincipalName": "dana@contoso.example",
                "userType": "Guest",
                "accountEnabled": False,
                "department": None,
                "assignedLicenses": [{"skuId": "x"}],
                "jobTitle": "not asked for",
            },
            {
                "name": "Dana",
                "upn": "dana@contoso.example",
                "guest": True,
                "enabled": False,
                "department": None,
                "licensed": True,
            },
        ),
        ("user", {"userType": "Member", "assignedLicenses": []}, {"guest": False, "licensed": False}),
        ("user", {"userType": None, "displayName": None}, {"guest": None, "name": None}),
        ("user", {}, {}),
        ("group", {"displayName": "Finance"}, {"name": "Finance"}),
        (
            "service principal",
            {"displayName": "Bridge", "appId": "APP", "accountEnabled": True},
            {"name": "Bridge", "app_id": "APP", "enabled": True},
        ),
        ("device", {"displayName": "NB1", "deviceId": "DEV"}, {"name": "NB1", "aliases": ("DEV",)}),
        ("device", {"deviceId": None}, {"aliases": ()}),
    ],
)
async def test_each_kind_says_what_its_properties_mean(keep, microsoft, store, kind, told, facts):
    microsoft.respond = lambda _: page({"id": "x", **told}, delta=DELTA)
    await keep(kind)

    assert store.facts("x") == facts


@pytest.mark.parametrize("kind", list(DELTA_QUERIES))
async def test_only_what_is_used_is_asked_for_and_nothing_that_delta_queries_do_not_know(keep, microsoft, kind):
    microsoft.respond = lambda _: page(delta=DELTA)
    await keep(kind)
    asked = urlsplit(microsoft.urls[0])

    assert asked.path == DELTA_QUERIES[kind].path
    assert set(parse_qs(asked.query)) == {"$select"}


async def test_a_change_adds_to_what_is_known_also_after_a_reading_from_the_beginning_that_never_ended(
    keep, microsoft, store
):
    microsoft.respond = answers((USERS, page(user("a", department="IT"), delta=DELTA)))
    await keep()
    await store.begin("contoso", "user")
    microsoft.respond = answers((DELTA, page({"id": "a", "accountEnabled": False}, delta=DELTA)))
    await keep()

    assert store.facts("a") == {"name": "A", "department": "IT", "enabled": False}


async def test_nobody_hides_from_the_directory_or_hides_others_by_a_letter(keep, microsoft, store):
    raw = rb'[{"id":"a","displayName":"A"},{"id":"b","displayName":"B\ud800","department":"IT"}]'
    microsoft.respond = answers((USERS, page(raw=raw, delta=DELTA)), (DELTA, page(delta=DELTA)))
    await keep()
    await keep()

    assert (store.ids(), store.facts("b")) == ({"a", "b"}, {"name": "B?", "department": "IT"})
    assert microsoft.urls[1] == DELTA
