"""Counting events over time, over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aoc_api.routes import histogram
from aoc_common.contracts import ids
from each import each


def counts(answer):
    return [bucket["count"] for bucket in answer.json()["buckets"]]


async def test_events_stand_in_the_bucket_of_their_time_and_empty_ones_are_there(gateway, store, event) -> None:
    await store(event("a"), event("b", hours=1), event("c", hours=1.5), event("d", hours=3), event("old", hours=24.5))
    answer = await gateway.get("/api/histogram", start="2026-11-23T04:30:00Z", bucket="1h")

    assert counts(answer) == [0, 1, 1, 1, 1]
    buckets = answer.json()["buckets"]
    assert (buckets[0]["start"], buckets[-1]["end"]) == ("2026-11-23T04:00:00Z", "2026-11-23T09:00:00Z")
    assert [one["end"] for one in buckets[:-1]] == [one["start"] for one in buckets[1:]]
    assert (answer.json()["events"], answer.json()["complete"], answer.json()["counted_back_to"]) == (4, True, None)
    assert all(bucket["exact"] for bucket in buckets)


async def test_an_event_at_the_limit_of_two_buckets_is_in_the_later_one(gateway, store, event) -> None:
    await store(event("a", hours=1), event("b", hours=1 + 1 / 3_600_000))
    answer = await gateway.get("/api/histogram", start="2026-11-23T06:00:00Z", end="2026-11-23T08:00:00Z", bucket="1h")

    assert counts(answer) == [1, 1]


async def test_without_a_start_it_is_the_last_day_up_to_now(gateway, store, event) -> None:
    await store(event("a"), event("b", hours=23.9), event("c", hours=24.1))
    answer = (await gateway.get("/api/histogram")).json()

    assert (answer["start"], answer["end"]) == ("2026-11-22T08:00:00Z", "2026-11-23T08:00:00.001000Z")
    assert answer["events"] == 2
    assert answer["bucket"] == "30m"


async def test_the_most_frequent_values_are_told_apart_and_the_rest_is_counted_beside(gateway, store, event) -> None:
    actors = ["eve", "eve", "eve", "dana", "dana", "bob", "adam", None]
    await store(*(event(str(n), actor=actor) for n, actor in enumerate(actors)))
    answer = (await gateway.get("/api/histogram", by="actor", top=2)).json()

    [bucket] = [one for one in answer["buckets"] if one["count"]]
    assert answer["values"] == ["eve", "dana"]
    assert (bucket["values"], bucket["others"], bucket["without"]) == ({"eve": 3, "dana": 2}, 2, 1)
    assert bucket["count"] == 8


async def test_the_filters_of_a_search_hold(gateway, store, event) -> None:
    await store(event("a", result="failure"), event("b"), event("c", result="failure", terms=("eve",)))

    assert sum(counts(await gateway.get("/api/histogram", result="failure", q="dana"))) == 1
    assert sum(counts(await gateway.get("/api/histogram", q="-eve"))) == 2


async def test_a_tenant_counts_its_own_events_only(gateway, store, event) -> None:
    await store(event("ours"), event("theirs", tenant="fabrikam"), event("theirs too", tenant="fabrikam"))

    assert sum(counts(await gateway.get("/api/histogram"))) == 1
    assert sum(counts(await gateway.get("/api/histogram", tenant="fabrikam"))) == 2


async def test_days_begin_at_midnight_of_the_zone_that_is_asked_for(gateway, store, event) -> None:
    await store(event("a", hours=9), event("b", hours=9.5), event("c", hours=8))
    asked = {"start": "2026-11-22T12:00:00Z", "bucket": "1d"}

    assert counts(await gateway.get("/api/histogram", **asked)) == [2, 1]
    assert counts(await gateway.get("/api/histogram", **asked, zone="Europe/Amsterdam")) == [1, 2]
    assert (await gateway.get("/api/histogram", **asked, zone="Europe/Amsterdam")).json()["zone"] == "Europe/Amsterdam"


async def test_more_events_than_are_counted_say_from_when_on_counts_are_exact(
    gateway, store, event, monkeypatch
) -> None:
    monkeypatch.setattr(histogram, "COUNTED", 3)
    await store(*(event(str(n), hours=n) for n in range(3)))
    asked = {"start": "2026-11-23T03:00:00Z", "bucket": "1h"}
    whole = (await gateway.get("/api/histogram", **asked)).json()
    await store(event("3", hours=3))
    part = (await gateway.get("/api/histogram", **asked)).json()

    assert (whole["complete"], whole["counted_back_to"]) == (True, None)
    assert (part["complete"], part["events"]) == (False, 3)
    assert part["counted_back_to"] == "2026-11-23T06:00:00.001000Z"
    assert [(one["count"], one["exact"]) for one in part["buckets"]] == [
        (0, False), (0, False), (0, False), (1, False), (1, True), (1, True),
    ]  # fmt: skip


async def test_events_are_counted_past_those_that_are_read_together(gateway, store, event, monkeypatch) -> None:
    monkeypatch.setattr("aoc_common.store.mongo.field_values._TOGETHER", 2)
    made = [event(str(n), hours=n / 10) for n in range(7)]
    await store(*made)

    assert (await gateway.get("/api/histogram")).json()["events"] == 7
    monkeypatch.setattr(histogram, "COUNTED", 4)
    part = (await gateway.get("/api/histogram")).json()
    assert part["events"] == 4
    assert part["counted_back_to"] == f"{ids.time_of(made[3].id) + timedelta(milliseconds=1):%Y-%m-%dT%H:%M:%S.%fZ}"


@each(
    ("name", "value", "detail"),
    [
        ("by", "raw", "source"),
        ("by", "$where", "source"),
        ("top", 0, "greater"),
        ("top", 21, "less"),
        ("bucket", "2h", "1h"),
        ("zone", "Mars/Olympus", "IANA"),
        ("zone", "../../../etc/passwd", "IANA"),
        ("zone", "/etc/localtime", "IANA"),
        ("zone", "Europe", "IANA"),
        ("zone", "\0", "IANA"),
        ("cursor", "x", "no such parameter"),
    ],
)
async def test_what_cannot_be_counted_is_refused_by_name(gateway, name, value, detail) -> None:
    answer = await gateway.get("/api/histogram", **{name: value})

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["name"].startswith(name)
    assert detail in error["detail"]


async def test_too_many_buckets_are_refused_with_a_size_that_will_do(gateway) -> None:
    asked = {"start": "2026-01-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
    answer = await gateway.get("/api/histogram", **asked, bucket="1h")

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    advised = error["detail"].partition("ask for ")[2].partition(",")[0]
    assert len((await gateway.get("/api/histogram", **asked, bucket=advised)).json()["buckets"]) <= 500


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00+23:59", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999-23:59"],
)
async def test_no_moment_is_too_far_away_to_be_asked_for(gateway, moment) -> None:
    for name in ("start", "end"):
        assert (await gateway.get("/api/histogram", **{name: moment})).status_code == 200


async def test_it_is_noted_with_the_events_that_it_counted(gateway, store, event) -> None:
    await store(event("a"), event("b"))
    await gateway.get("/api/histogram")

    [entry] = await gateway.noted("events.histogram")
    assert entry.event["unmapped"]["rows"] == 2
