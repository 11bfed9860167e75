"""`aoc search` where the index finds nothing: the records themselves are looked through, and that is said."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
import typer

from aoc_cli.record_search import how_far, in_records
from aoc_cli.search import search
from aoc_common.contracts.access import Scope
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.store.searches import EventPage, EventQuery
from making import NOW, an_event


@pytest.fixture
async def stored(database, mongo_settings, monkeypatch):
    await ensure_indexes(database, ("events", "vocabulary"))
    await MongoTermEdition(database).begin()
    raw = r'{"Id":"a","Tag":"wombat-9","Way":"C:\\burrow"}'
    ocsf = {"metadata": {"uid": "a"}, "class_uid": 6003, "message": "dana changed mailbox", "time": 1}
    made = [an_event("a", raw=raw, ocsf=ocsf), an_event("b", NOW - timedelta(days=1))]
    await MongoEvents(database, lambda _tenant, _source: timedelta(days=9999)).insert(made, ["p"] * 2)
    monkeypatch.setattr("aoc_cli.attach.find", lambda _data: SimpleNamespace(mongo=mongo_settings))


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


async def test_other_filters_and_times_hold_in_the_records(stored, capsys) -> None:
    assert (await searched(capsys, "wombat", actor="eve@contoso.example"))[0] == 1
    assert (await searched(capsys, "wombat", until="2026-11-23T07:00"))[0] == 1
    assert (await searched(capsys, "wombat", operation="Set-Mailbox"))[0] == 0


async def test_a_look_that_has_no_time_left_says_how_far_it_came(database, stored) -> None:
    store = make_event_search(database)
    query = EventQuery(Scope("contoso"))
    page = await in_records(store, query, [("TEXT", "text", "wombat")], ())

    assert how_far(page) == ""
    assert [event.ocsf["metadata"]["uid"] for event in page.events] == ["a"]
    broken_off = EventPage((), more=False, searched_to=page.events[0].id)
    assert how_far(broken_off) == ", back to 2026-11-23 08:00 UTC; raw:WORD looks through all of them"
