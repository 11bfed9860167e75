"""`aoc stats`, `timeline` and `show` over a real store."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from uuid import uuid4

import pytest
import typer

from aoc_cli import show, stats, timeline
from aoc_cli.asking import selection
from aoc_cli.terminal import json_line
from aoc_common.contracts.access import Scope
from aoc_common.contracts.event import StoredEvent
from aoc_common.contracts.ids import EPOCH, LAST
from aoc_common.contracts.rows import Row
from aoc_common.errors import NotFound
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.searches import EventQuery
from each import each
from making import an_event

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def told(record, at, message="", *, country=None, failed=False, **changes):
    """An event at that time, with what is shown of it."""
    location = {"location": {"country": country}} if country else {}
    address = changes.get("ip", "203.0.113.9")
    ocsf = {
        "metadata": {"uid": record},
        "class_uid": 6003,
        "time": int(at.timestamp() * 1000),
        "message": message or record,
        "status_id": 2 if failed else 1,
        "src_endpoint": {"ip": address, **location},
    }
    return an_event(
        record, at, ocsf=ocsf | changes.pop("more", {}), result="failure" if failed else "success", **changes
    )


@pytest.fixture
async def store(database):
    await ensure_indexes(database, ("events",))
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=9999))

    async def insert(*made):
        await events.insert(made, ["p1"] * len(made))

    return insert


def system(mongo_settings):
    return SimpleNamespace(mongo=mongo_settings)


async def test_stats_count_every_field_and_every_span_of_time(database, store) -> None:
    hours = [0, 0, 1, 5, 30, 24 * 20]
    await store(
        *(told(f"r{n}", NOW - timedelta(hours=back), country="NL" if n % 2 else "US") for n, back in enumerate(hours)),
        told("failed", NOW, failed=True, operation="Add-X", actor="eve@contoso.example", ip="198.51.100.7"),
        told("undated", EPOCH),
    )
    counted = await stats.count(make_event_search(database), EventQuery(Scope("contoso")))

    assert (counted.total, counted.undated, counted.complete) == (8, 1, True)
    assert sum(span.count for span in counted.spans) == 7
    assert counted.spans[-1].start <= NOW < counted.spans[-1].end
    assert counted.fields["operation"] == {"Set-Mailbox": 7, "Add-X": 1}
    assert counted.fields["country"] == {"NL": 3, "US": 3}
    assert counted.fields["result"] == {"success": 7, "failure": 1}
    assert counted.fields["ip"] == {"203.0.113.9": 7, "198.51.100.7": 1}


async def test_stats_are_of_what_the_filters_leave(database, store) -> None:
    await store(*(told(f"r{n}", NOW - timedelta(days=n), actor=f"a{n}@contoso.example") for n in range(10)))
    query = replace(
        selection("", "contoso", None, None, NOW, actor="a3@contoso.example").query, start=NOW - timedelta(days=5)
    )
    counted = await stats.count(make_event_search(database), query)

    assert counted.fields["actor"] == {"a3@contoso.example": 1}
    assert counted.spans[0].start <= NOW - timedelta(days=5)


async def test_stats_of_nothing_are_nothing(database, store) -> None:
    assert (await stats.count(make_event_search(database), EventQuery(Scope("contoso")))).total == 0


@each("days", [0, 0.02, 1, 9, 400, 9000])
async def test_spans_are_few_round_equal_and_hold_the_whole_time(days) -> None:
    start, end = NOW - timedelta(days=days), NOW + timedelta(milliseconds=1)
    spans = list(stats.spans(start, end))

    assert 1 <= len(spans) <= 41
    assert spans[0][0] <= start
    assert spans[-1][1] >= end
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    assert len({after - before for before, after in spans}) == 1


@pytest.mark.parametrize("end", [LAST, LAST - timedelta(milliseconds=1), LAST - timedelta(days=50)])
async def test_a_record_of_the_last_year_that_there_is_makes_no_more_spans(end) -> None:
    spans = list(stats.spans(NOW - timedelta(days=20_000), end))

    assert len(spans) <= 41
    assert spans[-1][1] >= end


async def test_an_event_of_the_last_moment_is_counted(database, store) -> None:
    await store(told("last", LAST.replace(microsecond=999_000), "did it"), told("now", NOW, "did it"))
    counted = await stats.count(make_event_search(database), EventQuery(Scope("contoso")))

    assert (counted.total, counted.undated) == (2, 0)


async def test_a_count_that_is_not_complete_shows_that_there_are_more(capsys) -> None:
    counted = stats.Stats(spans=[stats.Span(NOW, NOW + timedelta(hours=1), 5000, complete=False)])
    counted.fields["operation"]["=x\x1b[31m"] = 5000
    stats.print_stats(counted, 10)
    shown = capsys.readouterr().out

    assert "at least 5,000 events" in shown
    assert "5,000+" in shown
    assert "\x1b" not in shown


async def test_a_timeline_is_in_order_and_what_repeats_itself_is_one_line(database, store, capsys) -> None:
    moments = [timedelta(), timedelta(minutes=1), timedelta(minutes=2), timedelta(hours=5), timedelta(days=3)]
    await store(
        *(told(f"r{n}", NOW + at, f"did {n}") for n, at in enumerate(moments)),
        told("other", NOW + timedelta(days=3, minutes=1), "elsewhere", ip="198.51.100.7"),
        told("nobody", NOW, actor="eve@contoso.example"),
    )
    chosen = selection("", "contoso", None, None, NOW, actor="dana@contoso.example")
    events, more = await timeline.read(database, chosen, 1000)
    timeline.print_timeline(events, each=False)
    shown = capsys.readouterr().out.splitlines()

    assert more is False
    assert [line.split()[0] for line in shown] == ["Mon", "08:00:00", "4", "13:00:00", "Thu", "08:00:00", "08:01:00"]
    assert "did 0 (and 2 more until 08:02:00)" in shown[1]
    assert "4 h 58 min later" in shown[2]
    assert shown[4] == "Thu 2026-11-26 (UTC)  (2 days later)"
    assert "elsewhere (new address)" in shown[6]
    timeline.print_timeline(events, each=True)
    assert len(capsys.readouterr().out.splitlines()) == 9


async def test_a_timeline_has_the_newest_and_says_what_is_earlier(database, store) -> None:
    await store(*(told(f"r{n}", NOW + timedelta(minutes=n)) for n in range(10)))
    events, more = await timeline.read(database, selection("", "contoso", None, None, NOW), 3)

    assert [event.message for event in events] == ["r7", "r8", "r9"]
    assert more is True


def test_what_differs_is_no_repetition() -> None:
    def row(minute, **changes):
        ocsf = {"time": int((NOW + timedelta(minutes=minute)).timestamp() * 1000), "status_id": 1}
        return Row(
            uuid4(), "contoso", "x", "Op", ocsf | changes.pop("ocsf", {}), ip="203.0.113.9", actor="a", **changes
        )

    different = [
        row(0),
        replace(row(1), ip="198.51.100.7"),
        row(2, ocsf={"status_id": 2}),
        row(13, ocsf={"status_id": 2}),
    ]

    assert [run.count for run in timeline.runs_of(different)] == [1, 1, 1, 1]
    assert [run.count for run in timeline.runs_of([row(0), row(9), row(18)])] == [3]


async def test_an_event_is_shown_in_full(mongo_settings, store, capsys) -> None:
    event = told(
        "full", NOW, "dana changed mailbox X", country="NL", tags=("no-id",),
        unmapped={"UserKey": "17", "Deep": {"a": [1]}},
        raw='{"Id": "full", "evil": "\\u001b[31m\\u009b"}',
        more={
            "actor": {"user": {"name": "Dana", "email_addr": "dana@contoso.example", "type": "Admin"}},
            "entity": {"name": "X", "type": "mailbox"},
            "api": {"request": {"data": {"changes": [{"name": "Forward", "old": None, "new": "eve@evil.example"},
                                                     {"name": "Quota", "old": 5, "new": None}],
                                         "parameters": [{"name": "Identity", "value": "X"}]}}},
            "enrichments": [{"type": "directory", "value": "dana@contoso.example", "data": {"privileged": True}}],
        },
    )  # fmt: skip
    await store(event)
    shown = await show.read(system(mongo_settings), event.id, "contoso")
    show.print_event(shown, raw=True, now=NOW + timedelta(hours=3))
    text = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in text.splitlines()]

    assert lines[0] == "dana changed mailbox X"
    for line in (
        "time 2026-11-23 08:00:00 UTC, 3 h ago", f"id {event.id}", "actor Dana, dana@contoso.example, Admin",
        "address 203.0.113.9, NL", "type mailbox", "Forward \N{RIGHTWARDS ARROW} eve@evil.example",
        "Quota 5 \N{RIGHTWARDS ARROW} nothing", "Identity X", "directory: dana@contoso.example privileged true",
        "UserKey 17", "Deep.a[0] 1", "tags no-id", '"evil": "\\u001b[31m\\u009b"',
    ):  # fmt: skip
        assert line in lines
    assert not {"\x1b", "\x9b"} & set(text)


async def test_what_is_related_to_an_event_is_shown_by_what_they_share(mongo_settings, store, capsys) -> None:
    event = told("x", NOW, "dana did it")
    same = [told(f"same {number}", NOW - timedelta(hours=number)) for number in range(1, 24)]
    await store(event, *same, told("old", NOW - timedelta(days=3)), told("of eve", NOW, ip="198.51.100.7", actor="eve"))
    shown = await show.read(system(mongo_settings), event.id, "contoso", with_related=True)
    show.print_event(shown, raw=False, now=NOW)
    text = capsys.readouterr().out
    groups = {group.reason: group for group in shown.related or ()}

    assert groups["actor"].values == (event.actor,)
    assert (len(groups["actor"].events), groups["actor"].more) == (20, True)
    assert event.id not in {other.id for other in groups["actor"].events}
    assert f"same actor: {event.actor}" in text
    assert "and more: aoc search has all" in text
    assert "same address: 203.0.113.9" in text
    assert "of eve" not in text
    assert groups["address"].json()["events"][0]["id"]
    assert (await show.read(system(mongo_settings), event.id, "contoso")).related is None


async def test_the_tenant_of_an_event_need_not_be_known_and_a_wrong_id_is_told(mongo_settings, database, store) -> None:
    event = told("x", NOW)
    await store(event)
    await database["sources"].insert_one({"_id": "contoso/x", "tenant": "contoso", "source": "x"})

    assert (await show.read(system(mongo_settings), event.id, None)).event.id == event.id
    with pytest.raises(NotFound, match=r"no event .* of tenant fabrikam"):
        await show.read(system(mongo_settings), event.id, "fabrikam")


async def test_a_twin_and_the_versions_are_shown_beside_the_event(capsys) -> None:
    def stored(record, **changes):
        made = told(record, NOW, record)
        names = (
            "id", "tenant", "source", "service", "operation", "result", "actor", "ip", "correlation_id", "tags", "ocsf",
            "unmapped", "raw",
        )  # fmt: skip
        return StoredEvent(**{name: getattr(made, name) for name in names} | {"time": NOW, "page": "p"} | changes)

    second = stored("second")
    event = stored("first", twin=second.id, version=2, versions=2)
    show.print_event(show.Shown(event, [stored("before"), event], second), raw=False, now=NOW)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    assert "source o365-exchange, came after" in lines
    assert "tells second" in lines
    assert "1 success: before" in lines
    assert "2* success: first" in lines


@each(
    ("raw", "lines"),
    [
        ('{"a":1,"a":2,"big":123456789012345678901234567890}',
         ["{", '  "a": 1,', '  "a": 2,', '  "big": 123456789012345678901234567890', "}"]),
        ('[{"x":[],"y":{}},"a{,\\"b"]', ["[", "  {", '    "x": [],', '    "y": {}', "  },", '  "a{,\\"b"', "]"]),
        ('{"a":"\x9b\u2028","half', ["{", '  "a": "\\u009b\\u2028",', '  "half']),
        ("no\x1b JSON\nat all", ["no\N{REPLACEMENT CHARACTER} JSON", "at all"]),
        ("", []),
    ],
)  # fmt: skip
def test_a_record_is_laid_out_and_no_token_of_it_is_another(raw, lines) -> None:
    assert show.laid_out(raw) == lines


@pytest.mark.parametrize(
    ("command", "options"),
    [(stats.stats, {"as_json": True}), (timeline.timeline, {"as_json": True, "limit": 10})],
)
def test_nothing_found_is_status_1(monkeypatch, mongo_settings, command, options, capsys) -> None:
    monkeypatch.setattr("aoc_cli.attach.find", lambda *_: system(mongo_settings))
    with pytest.raises(typer.Exit) as ended:
        command(tenant="contoso", **options)

    assert ended.value.exit_code == 1
    assert "nothing" in capsys.readouterr().err


def test_stats_as_json_and_csv(monkeypatch, capsys) -> None:
    counted = stats.Stats(spans=[stats.Span(NOW, NOW + timedelta(hours=1), 2, complete=True)])
    counted.fields["operation"].update({"=Add": 1, "Set": 1})
    stats._print_csv(counted, 5)
    rows = capsys.readouterr().out.splitlines()
    document = json.loads(json_line(stats._document(counted, 1)))

    assert rows == ["field,value,count", "operation,'=Add,1", "operation,Set,1", "time,2026-11-23T08:00:00Z,2"]
    assert document["fields"]["operation"] == [{"value": "=Add", "count": 1}]
    assert document["over_time"][0]["count"] == 2
