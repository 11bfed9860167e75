"""`aoc search` where the index finds nothing: the records themselves are looked through, and that is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest
import typer

from aoc_cli import stats, timeline
from aoc_cli.record_search import how_far, in_records
from aoc_cli.search import search
from aoc_common.contracts.access import Scope
from aoc_common.store.imports import ImportAccount, ImportState
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.import_accounts import MongoImports
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.store.searches import EventPage, EventQuery
from making import NOW, an_event

LONG_AGO = datetime(2025, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
async def stored(database, mongo_settings, monkeypatch):
    await ensure_indexes(database, ("events", "vocabulary"))
    await MongoTermEdition(database).begin()
    raw = r'{"Id":"a","Tag":"wombat-9","Way":"C:\\burrow"}'
    ocsf = {"metadata": {"uid": "a"}, "class_uid": 6003, "message": "dana changed mailbox", "time": 1}
    made = [an_event("a", raw=raw, ocsf=ocsf), an_event("b", NOW - timedelta(days=1))]
    await MongoEvents(database, lambda _tenant, _source: timedelta(days=9999)).insert(made, ["p"] * 2)
    monkeypatch.setattr("aoc_cli.attach.find", lambda *_: SimpleNamespace(mongo=mongo_settings))


async def searched(capsys, query: str, **options) -> tuple[int, str, str]:
    """(status, what is printed, what is said beside it)."""
    status = 0
    try:
        await asyncio.to_thread(partial(search, query, tenant="contoso", as_json=True, **options))
    except typer.Exit as ended:
        status = ended.exit_code
    printed = capsys.readouterr()
    return status, printed.out, " ".join(printed.err.split())


@pytest.mark.parametrize("query", ["wombat", "dana womb*", '"wombat 9"', "dana burrow"])
async def test_what_only_a_record_has_is_found_and_said_to_be(stored, capsys, query) -> None:
    status, out, err = await searched(capsys, query)

    assert status == 0
    assert len(out.splitlines()) == 1
    assert "1 found in the records themselves" in err


async def test_what_no_record_has_either_is_not_found(stored, capsys) -> None:
    for query in ("quokka", "wombat -dana", "10.9.0.0/16"):
        status, out, err = await searched(capsys, query)

        assert (status, out) == (1, "")
        assert "nothing found" in err


async def test_who_searches_for_the_id_of_an_event_is_told_how_it_is_shown(stored, capsys) -> None:
    identity = an_event("b", NOW - timedelta(days=1)).id
    status, _, err = await searched(capsys, f" {str(identity).upper()} ")
    absent = await searched(capsys, str(an_event("c", NOW).id))

    assert (status, f"aoc show {identity} --tenant contoso" in err) == (1, True)
    assert (absent[0], "aoc show" in absent[2]) == (1, False)


async def test_other_filters_and_times_hold_in_the_records(stored, capsys) -> None:
    assert (await searched(capsys, "wombat", actor="eve@contoso.example"))[0] == 1
    assert (await searched(capsys, "wombat", until="2026-11-23T07:00"))[0] == 1
    assert (await searched(capsys, "wombat", operation="Set-Mailbox"))[0] == 0
    assert (await searched(capsys, "wombat", not_understood=True))[0] == 1


async def test_a_deep_search_finds_what_the_index_and_what_the_records_have(stored, database, capsys) -> None:
    event = an_event("c", NOW - timedelta(days=2), terms=("wombat",))
    await MongoEvents(database, lambda _tenant, _source: timedelta(days=9999)).insert([event], ["p"])

    assert len((await searched(capsys, "wombat"))[1].splitlines()) == 1
    status, out, err = await searched(capsys, "wombat", deep=True)
    assert (status, len(out.splitlines()), err) == (0, 2, "")
    assert len((await searched(capsys, "wombat -burrow", deep=True))[1].splitlines()) == 1
    assert len((await searched(capsys, "wombat burrow", deep=True))[1].splitlines()) == 1
    status, out, err = await searched(capsys, "wombat", deep=True, limit=1)
    assert (len(out.splitlines()), err) == (1, "1 shown; there are more")
    assert (await searched(capsys, "quokka", deep=True))[::2] == (1, "nothing found; no event has quokka")
    assert (await searched(capsys, "", deep=True, actor="dana"))[0] == 0


async def test_a_look_that_has_no_time_left_says_how_far_it_came(database, stored) -> None:
    store = make_event_search(database)
    query = EventQuery(Scope("contoso"))
    page = await in_records(store, query, [("TEXT", "text", "wombat")], ())

    assert how_far(page) == ""
    assert [event.ocsf["metadata"]["uid"] for event in page.events] == ["a"]
    broken_off = EventPage((), more=False, searched_to=page.events[0].id)
    assert how_far(broken_off) == ", back to 2026-11-23 08:00 UTC; --deep looks through all of them"


async def case(database, **imported) -> None:
    """Two events of long ago, a week apart, as a case: with an account of its import, or without."""
    await ensure_indexes(database, ("events", "vocabulary"))
    made = [an_event("old", LONG_AGO - timedelta(days=7)), an_event("new", LONG_AGO)]
    await MongoEvents(database, lambda _tenant, _source: timedelta(days=9999)).insert(made, ["p"] * 2)
    if imported:
        account = ImportAccount("contoso/import/1", "contoso", NOW, "dana", "bench", "0.1.0", "/case", ("a.zip",), 1)
        imports = MongoImports(database)
        await imports.begin(account)
        await imports.end(replace(account, state=ImportState.ENDED, **imported), ())


@pytest.mark.parametrize("account", [{"first": LONG_AGO - timedelta(days=7), "last": LONG_AGO}, {}])
async def test_spans_over_an_old_case_count_from_its_newest_event(
    database, mongo_settings, monkeypatch, capsys, account
) -> None:
    monkeypatch.setattr("aoc_cli.attach.find", lambda *_: SimpleNamespace(mongo=mongo_settings))
    await case(database, **account)

    status, out, err = await searched(capsys, "", since="3d")
    assert (status, len(out.splitlines())) == (0, 1)
    assert "the newest event of this case is of 2025-03-01 10:00 UTC: --since counts from there" in err
    assert len((await searched(capsys, "", since="9d"))[1].splitlines()) == 2
    assert (await searched(capsys, "", since="9d", until="1d"))[1].count("old") == 1
    status, _, err = await searched(capsys, "", since="2026-01-01")
    assert (status, "counts from there" in err) == (1, False)
    status, _, err = await searched(capsys, "", since="999w")
    assert (status, "counts from there" in err) == (0, False)


async def test_spans_count_from_now_where_there_is_more_than_an_old_case(
    database, mongo_settings, monkeypatch, capsys
) -> None:
    monkeypatch.setattr("aoc_cli.attach.find", lambda *_: SimpleNamespace(mongo=mongo_settings))
    await case(database, first=LONG_AGO, last=LONG_AGO)
    await MongoSources(database).advance("contoso", "graph-signins", NOW, NOW)

    status, _, err = await searched(capsys, "", since="3d")

    assert (status, "counts from there" in err) == (1, False)


@pytest.mark.parametrize("command", [stats.stats, partial(timeline.timeline, limit=10)])
async def test_stats_and_timelines_of_an_old_case_count_from_there_too(
    database, mongo_settings, monkeypatch, capsys, command
) -> None:
    monkeypatch.setattr("aoc_cli.attach.find", lambda *_: SimpleNamespace(mongo=mongo_settings))
    await case(database, first=LONG_AGO, last=LONG_AGO)
    await asyncio.to_thread(partial(command, tenant="contoso", since="3d", as_json=True))

    assert "--since counts from there" in " ".join(capsys.readouterr().err.split())


def test_what_comes_has_no_tags_so_a_tail_of_them_is_refused(command_line) -> None:
    ran = command_line("tail", "dana", "-tag:benign")

    assert (ran.status, "has no tags yet; aoc search finds what is tagged" in ran.err) == (2, True)
