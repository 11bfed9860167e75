"""The way back for what was given up or put aside: the commands, on real servers, with a real normalizer."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog

from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import DeadLetter
from aoc_common.contracts.ids import to_ms
from aoc_common.contracts.raw import RawPage
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo import dead_letters
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.audit_trail import MongoAuditTrail
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.store.review_queues import ItemState, Selection
from aoc_common.store.slices import SliceFetched
from aoc_normalizer import flow
from aoc_normalizer.settings import NormalizerSettings
from aoc_normalizer.write.writer import Writer

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC).replace(microsecond=0)
AOC = Path(sys.executable).with_name("aoc")
HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "dead-letters.md"
SOURCE = "o365-exchange"
SLICE = f"contoso/{SOURCE}/1"
SUBJECT = subjects.raw("contoso", SOURCE)


def record(name: str) -> bytes:
    return json.dumps(
        {
            "Id": name,
            "CreationTime": f"{NOW:%Y-%m-%dT%H:%M:%S}",
            "Operation": "New-InboxRule",
            "Workload": "Exchange",
            "UserId": "dana@contoso.example",
        }
    ).encode()


def page(*names: str, slice_id: str = SLICE) -> RawPage:
    return RawPage("contoso", SOURCE, slice_id, NOW, b"[" + b",".join(map(record, names)) + b"]")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("aoc_common.bus.policy.backoff", lambda *_: 0.02)
    original = NormalizerSettings.__init__
    monkeypatch.setattr(
        NormalizerSettings,
        "__init__",
        lambda self, **given: original(self, **{"quarantine_s": 0.1, "settle_s": 0.1, **given}),
    )
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def environment(nats_as, mongo_settings, tmp_path):
    bus = nats_as("operator")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    return kept | {
        "AOC_ROOT": str(tmp_path),
        "AOC_NATS__URL": bus.url,
        "AOC_NATS__USER": "operator",
        "AOC_NATS__PASSWORD": bus.password,
        "AOC_MONGO__URI": mongo_settings.uri,
        "AOC_MONGO__DATABASE": mongo_settings.database,
        "COLUMNS": "200",
        "PATH": f"{AOC.parent}:{os.environ['PATH']}",
    }


@pytest.fixture
def aoc(environment):
    """`await aoc("deadletters", "list")`: its status and what it said."""

    async def run(*arguments: str):
        process = await asyncio.create_subprocess_exec(
            str(AOC),
            *arguments,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        lines = [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]
        return SimpleNamespace(status=process.returncode, out=out.decode(), err=err.decode(), lines=lines)

    return run


@pytest.fixture
async def books(database):
    await ensure_indexes(database)
    await MongoSources(database).advance("contoso", SOURCE, NOW, NOW)

    async def fetched(records: int, slice_id: str = SLICE) -> None:
        ledger = MongoLedger(database)
        await ledger.open_slice(slice_id, "contoso", SOURCE, NOW, NOW)
        await ledger.slice_fetched(SliceFetched(slice_id, 1, records, NOW))

    async def account():
        [found] = await MongoAccount(database).accounts("contoso", NOW)
        return found

    return SimpleNamespace(
        fetched=fetched, account=account, letters=MongoDeadLetters(database), quarantine=MongoQuarantine(database)
    )


async def events(bus) -> int:
    # The stream holds the marks of what was published too.
    return await bus.events()


@pytest.mark.slow
async def test_a_page_that_was_given_up_is_shown_retried_and_accounted_for(
    bus, normalizer, books, aoc, eventually, monkeypatch, database
) -> None:
    with monkeypatch.context() as patched:

        async def broken(*_):
            raise KeyError("UserId\x1b[31m")

        patched.setattr(flow, "pack_page", broken)
        async with normalizer():
            await bus.send(page("a", "b"))
            await books.fetched(2)
            await eventually(lambda: settled_with_letters(books, 1))

    listed = await aoc("deadletters", "list", "--json")
    incomplete = await aoc("completeness", "--tenant", "contoso")
    [item] = listed.lines
    shown = await aoc("deadletters", "show", item["key"])
    async with normalizer():
        retried = [await aoc("deadletters", "retry", item["key"]) for _ in range(2)]
        await eventually(lambda: letters_are(books, ItemState.RETRIED))
        await eventually(lambda: stored_are(books, 2))
        account, published = await books.account(), await events(bus)
    complete = await aoc("completeness", "--tenant", "contoso")
    noted = await MongoAuditTrail(database).search(AuditQuery("contoso", action="dead-letters.retry"))

    assert [one.event["unmapped"]["about"] for one in noted][-1] == f"1 items: {item['key']}"
    assert (item["records"], item["state"], item["source"]) == (2, "open", SOURCE)
    assert incomplete.status == 1
    assert "1 dead letters, not stored" in incomplete.out
    assert "\x1b" not in shown.out
    assert record("a").decode() in shown.out
    assert "1 of 1 published again" in retried[0].out
    assert (account.dead_letters, account.stored, account.records, account.unsettled) == (0, 2, 2, 0)
    assert (published, complete.status) == (2, 0)


async def settled_with_letters(books, count: int) -> bool:
    account = await books.account()
    return account.dead_letters == count and account.unsettled == 0


async def letters_are(books, state: ItemState) -> bool:
    return all(item.state is state for item in await books.letters.find(Selection(state=None)))


async def stored_are(books, count: int) -> bool:
    return (await books.account()).stored == count


async def test_what_a_page_had_stored_before_it_was_given_up_is_published_by_its_retry_and_nothing_is_doubled(
    bus, normalizer, books, aoc, eventually, monkeypatch
) -> None:
    with monkeypatch.context() as patched:

        async def broken(*_):
            raise KeyError("after the insert, before the publication")

        patched.setattr(Writer, "_send", broken)
        async with normalizer():
            await bus.send(page("a", "b"))
            await books.fetched(2)
            await eventually(lambda: settled_with_letters(books, 1))
    before = await events(bus)
    async with normalizer():
        await aoc("deadletters", "retry", "--all")
        await eventually(lambda: stored_are(books, 2))
        account, after = await books.account(), await events(bus)

    assert (before, after) == (0, 2)
    assert (account.stored, account.duplicate, account.records) == (2, 0, 2)


async def test_a_page_without_our_headers_is_given_up_with_a_way_back_too(
    bus, normalizer, books, aoc, eventually
) -> None:
    async with normalizer():
        subject = subjects.raw("contoso", SOURCE)
        await publish_all(bus.js, subjects.RAW_STREAM, [Outgoing(subject, b"[1]", {"Aoc-Tenant": "contoso"})])
        await eventually(lambda: one_letter(books))
        republish = await aoc("deadletters", "retry", "--all", "--json")
        await eventually(lambda: one_letter(books))
    [item] = await books.letters.find(Selection(state=None))

    assert republish.lines == [{"chosen": 1, "done": 1, "left": {}}]
    assert (item.source, item.tries, item.reason) == (SOURCE, 1, "Malformed: raw page without header Aoc-Source")


async def one_letter(books) -> bool:
    return await books.letters.count(Selection()) == 1


@pytest.mark.slow
async def test_a_record_in_the_quarantine_becomes_an_event_by_a_normalizer_that_reads_it(
    bus, normalizer, books, aoc, eventually, database
) -> None:
    # As a version before put it aside: this one reads it.
    long_ago = NOW - timedelta(days=3)
    entry = QuarantineEntry(f"{SLICE}#1", "contoso", SOURCE, SLICE, "p1", "not JSON", record("a").decode(), long_ago)
    hostile = QuarantineEntry("slice#2", "contoso", SOURCE, SLICE, "p1", "no\x1b[2Jt JSON\x9b", "{half\x9b31m", NOW)
    stumbled = QuarantineEntry("slice#3", "contoso", SOURCE, SLICE, "p1", "exchange: x", "{}", NOW, stored=True)
    await books.quarantine.put([entry, hostile, stumbled])
    listed = await aoc("quarantine", "list")
    as_json = await aoc("quarantine", "show", "slice#2", "--json")
    async with normalizer():
        retried = await aoc("quarantine", "retry", "--source", SOURCE)
        await eventually(lambda: waiting_are(books, 1))
        named = await aoc("quarantine", "retry", "slice#3")
        published = await events(bus)
    states = {item.key: item.state for item in await books.quarantine.find(Selection(state=None))}
    republish = [key for key, state in states.items() if state is ItemState.OPEN and key != "slice#3"]

    assert f"{SLICE}#1" in listed.out
    assert not re.search("[\x1b\x9b]", listed.out + as_json.out)
    assert "2 of 2 published again" in retried.out
    assert (named.status, "aoc remap" in named.err) == (1, True)
    assert published == 1
    assert (states[f"{SLICE}#1"], states["slice#2"]) == (ItemState.RETRIED, ItemState.RETRIED)
    # It was fetched when it was fetched, however long it lay aside.
    [event] = await database["events"].find({}).to_list(None)
    assert event["event"]["metadata"]["logged_time"] == to_ms(long_ago)
    # What still cannot be read is put aside anew.
    assert len(republish) == 1


async def waiting_are(books, count: int) -> bool:
    open_ones = {item.key for item in await books.quarantine.find(Selection())} - {"slice#3"}
    return len(open_ones) == count and not open_ones & {f"{SLICE}#1", "slice#2"}


async def test_a_letter_whose_slice_the_ledger_has_forgotten_is_retried_in_a_slice_of_its_own(
    bus, normalizer, books, aoc, eventually, database
) -> None:
    old = NOW - timedelta(days=200)
    body = b"[" + record("a") + b"]"
    headers = RawPage("contoso", SOURCE, "contoso/forgotten", old, body).headers()
    subject = subjects.raw("contoso", SOURCE)
    letter = DeadLetter(
        "normalizer-1",
        "normalizer",
        "contoso",
        SOURCE,
        "contoso/forgotten",
        "AOC_RAW",
        3,
        subject,
        "x",
        headers,
        body,
        old,
    )
    await books.letters.put(letter, 1, "contoso/forgotten#3")
    async with normalizer():
        await aoc("deadletters", "retry", "normalizer-1")
        await eventually(lambda: letters_are(books, ItemState.RETRIED))
        await eventually(lambda: stored_are(books, 1))
        account = await books.account()

    assert (account.stored, account.records, account.unsettled) == (1, 1, 0)


async def test_a_body_that_is_on_the_stream_alone_is_retried_from_there_and_expired_when_it_is_gone(
    bus, normalizer, books, aoc, eventually, database, monkeypatch
) -> None:
    monkeypatch.setattr(dead_letters, "LARGEST_STORED_BODY", 3)
    with monkeypatch.context() as patched:

        async def broken(*_):
            raise KeyError("x")

        patched.setattr(flow, "pack_page", broken)
        async with normalizer():
            await bus.send(page("a"), page("b"))
            await eventually(lambda: two_letters_with_copies(books))
    first, second = sorted(await books.letters.find(Selection()), key=lambda item: item.copy or 0)
    # As when the stream's age limit has passed it.
    await database["dead_letters"].update_one({"_id": first.key}, {"$set": {"copy": 10_000}})
    gone = await aoc("deadletters", "retry", first.key)
    there = await aoc("deadletters", "retry", second.key)
    states = {item.key: item.state for item in await books.letters.find(Selection(state=None))}

    assert (gone.status, there.status) == (1, 0)
    assert "AOC_DLQ has dropped it" in gone.err
    assert states[first.key] is ItemState.EXPIRED


async def two_letters_with_copies(books) -> bool:
    found = await books.letters.find(Selection())
    return len(found) == 2 and all(item.copy for item in found)


async def test_the_doctor_and_the_gateway_s_probe_tell_of_dead_letters(books, database) -> None:
    letter = DeadLetter("k", "normalizer", "contoso", SOURCE, "s", "AOC_RAW", 3, SUBJECT, "x", {}, b"[]", NOW)
    before = await dead_letters.waiting(database)
    await books.letters.put(letter, 1, "")

    assert (before, await dead_letters.waiting(database)) == (None, "1 wait for a decision")


async def test_a_decision_without_a_choice_or_a_reason_is_refused(bus, books, aoc) -> None:
    nothing = await aoc("deadletters", "retry")
    blank = await aoc("quarantine", "discard", "--all", "--why", " ")
    unknown = await aoc("deadletters", "retry", "no-such-id")
    state = await aoc("deadletters", "list", "--state", "sad")

    assert [one.status for one in (nothing, blank, unknown, state)] == [2, 2, 1, 2]
    assert "no such open item" in unknown.err


async def test_the_commands_of_the_how_to_page_work_as_they_stand_there(bus, books, environment) -> None:
    headers = RawPage("contoso", SOURCE, SLICE, NOW, b"[]").headers()
    for key in ("one", "two"):
        letter = DeadLetter(
            key, "normalizer", "contoso", SOURCE, SLICE, "AOC_RAW", 1, SUBJECT, "r", headers, b"[]", NOW
        )
        await books.letters.put(letter, 1, f"{SLICE}#1")
    await books.quarantine.put(
        [QuarantineEntry(key, "contoso", SOURCE, SLICE, "p1", "not JSON", "{", NOW) for key in ("first", "second")]
    )
    # Those of the gateway's API ask a gateway.
    blocks = [one for one in re.findall(r"```sh\n(.*?)```", HOWTO.read_text(), re.DOTALL) if "curl " not in one]
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-ec",
        "\n".join(blocks),
        env=environment | {"LETTER": "one", "OTHER": "two", "RECORD": "first"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 110)

    assert process.returncode == 0, out.decode()
    assert len(blocks) == 5


async def test_a_retry_while_the_bus_is_away_leaves_the_letter_open(books, aoc, environment) -> None:
    environment["AOC_NATS__URL"] = "nats://127.0.0.1:1"
    headers = RawPage("contoso", SOURCE, SLICE, NOW, b"[]").headers()
    letter = DeadLetter("k", "normalizer", "contoso", SOURCE, SLICE, "AOC_RAW", 1, SUBJECT, "r", headers, b"[]", NOW)
    await books.letters.put(letter, 1, f"{SLICE}#1")
    failed = await aoc("deadletters", "retry", "k")
    [item] = await books.letters.find(Selection())

    assert failed.status == 1
    assert "Traceback" not in failed.err
    assert (item.state, item.asked_at) == (ItemState.OPEN, None)


async def test_a_job_that_was_given_up_is_put_back_unless_one_of_its_kind_is_there(bus, books, aoc, nats_as) -> None:
    subject = subjects.collect_job("contoso", SOURCE)
    for key in ("one", "two"):
        headers = {"Aoc-Tenant": "contoso", "Nats-Msg-Id": key}
        letter = DeadLetter(key, "collector", "contoso", SOURCE, "", "AOC_JOBS", 1, subject, "r", headers, b"{}", NOW)
        await books.letters.put(letter, 1, "")
    first = await aoc("deadletters", "retry", "one")
    second = await aoc("deadletters", "retry", "two")
    states = {item.key: item.state for item in await books.letters.find(Selection(state=None))}

    assert (first.status, second.status) == (0, 1)
    assert "a job of this kind is on the stream already" in second.err
    assert states == {"one": ItemState.RETRIED, "two": ItemState.OPEN}
