"""The audit trail: what the store promises, and what the check finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aoc_api.access.principal import Principal
from aoc_api.audit.acts import Act, Action, ocsf_of
from aoc_api.audit.sign_in_failures import SignInFailures
from aoc_api.audit.spool import Spool
from aoc_api.audit.trail import AuditPublishing, AuditStoring, AuditTrail
from aoc_cli.trail_check import OnBus, TrailCheck, Verdict
from aoc_common.contracts.audit import INSTALLATION, LONGEST, AuditEntry, Chain, Head
from aoc_common.errors import Unreachable
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.audit_trail import MongoAuditHeads, MongoAuditTrail
from aoc_common.store.mongo.client import Database, ensure_indexes
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
KIM = Principal("person", "directory/kim", "Kim Vale", ())
SEARCH = Act(
    action=Action("events.search", "read"),
    at=NOW,
    status=200,
    request_id="r1",
    tenant="contoso",
    principal=KIM,
    address="203.0.113.9",
    asked="GET /api/events?q=dana",
    rows=50,
)


@pytest.fixture
async def trails(database: Database) -> tuple[MongoAuditTrail, MongoAuditHeads]:
    await ensure_indexes(database, ("audit_trail", "audit_heads"))
    return MongoAuditTrail(database), MongoAuditHeads(database)


class Writer:
    """A gateway's trail, with its spool."""

    def __init__(self, directory: Path, name: str, trails: tuple[MongoAuditTrail, MongoAuditHeads]) -> None:
        self.spool = Spool(directory, 1 << 22, LONGEST + 1, 1 << 18)
        self.trail = AuditTrail(self.spool, name, SignInFailures(ManualClock(NOW)))
        self.storing = AuditStoring(self.spool, *trails)


@pytest.fixture
def writer(tmp_path: Path, trails: tuple[MongoAuditTrail, MongoAuditHeads]) -> Writer:
    return Writer(tmp_path / "one", "w1", trails)


async def verdict(
    trails: tuple[MongoAuditTrail, MongoAuditHeads],
    tenant: str = "contoso",
    anchors: Sequence[Head] = (),
    on_bus: OnBus | None = None,
    after: timedelta = timedelta(0),
) -> Verdict:
    return await TrailCheck(*trails, tenant, now=NOW + after).run(anchors, on_bus or OnBus())


async def stored(writer: Writer, number: int = 5, act: Act = SEARCH) -> list[AuditEntry]:
    entries = [writer.trail.note(replace(act, at=NOW + timedelta(seconds=index))) for index in range(number)]
    await writer.storing.run()
    return entries


def without_fault(found: Verdict) -> bool:
    return found.faults == []


async def test_what_is_noted_is_found_newest_first_and_page_by_page(trails, writer) -> None:
    entries = await stored(writer, 7)
    await stored(writer, 1, replace(SEARCH, tenant="fabrikam"))

    assert await trails[0].search(AuditQuery("contoso")) == entries[::-1]
    first = await trails[0].search(AuditQuery("contoso", limit=4))
    rest = await trails[0].search(AuditQuery("contoso", limit=4, before=first[-1].id))
    assert first + rest == entries[::-1]
    assert await trails[0].search(AuditQuery("contoso", before="fabrikam/w1/000000000001")) == []


async def test_entries_are_found_by_what_was_done_by_whom_when_and_how_it_ended(trails, writer) -> None:
    await stored(writer, 2)
    [refused] = await stored(writer, 1, replace(SEARCH, status=403, action=Action("events.read", "read")))

    for query in ({"outcome": "failure"}, {"action": "events.read"}, {"outcome": "failure", "actor": KIM.id}):
        assert await trails[0].search(AuditQuery("contoso", **query)) == [refused]
    assert await trails[0].search(AuditQuery("contoso", actor="somebody else")) == []
    assert len(await trails[0].search(AuditQuery("contoso", start=NOW, end=NOW + timedelta(seconds=1)))) == 2


async def test_the_trail_of_two_gateways_about_two_tenants_is_whole(tmp_path, trails, writer) -> None:
    other = Writer(tmp_path / "two", "w2", trails)
    for tenant in ("contoso", None, "contoso", "fabrikam"):
        await stored(writer, 600, replace(SEARCH, tenant=tenant))
        await stored(other, 3, replace(SEARCH, tenant=tenant))

    assert [
        (found.chains, found.entries) for found in (await verdict(trails), await verdict(trails, INSTALLATION))
    ] == [
        (2, 1206),
        (2, 603),
    ]
    assert all(map(without_fault, [await verdict(trails, name) for name in ("contoso", "fabrikam", INSTALLATION)]))


async def test_what_is_stored_twice_is_there_once(trails, writer) -> None:
    entries = await stored(writer, 5)
    await trails[0].append(entries)
    await trails[1].note([entries[-1].head])

    assert await trails[0].search(AuditQuery("contoso")) == entries[::-1]
    assert without_fault(await verdict(trails))


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"text": "nothing"}},
        {"$set": {"actor": "somebody/else"}},
        {"$set": {"at": NOW - timedelta(days=1)}},
        {"$set": {"outcome": "failure"}},
        {"$set": {"hash": "0" * 64}},
        {"$set": {"sequence": 99}},
        {"$set": {"tenant": "fabrikam"}},
        {"$unset": {"text": ""}},
    ],
    ids=lambda change: str(next(iter(change.values()))),
)
async def test_an_entry_that_was_changed_is_named(database, trails, writer, change: dict[str, Any]) -> None:
    entries = await stored(writer)
    await database["audit_trail"].update_one({"_id": entries[2].id}, change)

    [fault, *_] = (await verdict(trails)).faults
    assert "000000000003" in fault or "3 of contoso/w1 missing" in fault


async def test_an_entry_that_was_rewritten_with_all_that_repeats_it_is_named(database, trails, writer) -> None:
    entries = await stored(writer)
    forged = AuditEntry.following(entries[1].head, ocsf_of(replace(SEARCH, rows=1)))
    await database["audit_trail"].update_one(
        {"_id": entries[2].id}, {"$set": {"text": forged.text, "hash": forged.hash, "at": forged.at}}
    )

    assert (await verdict(trails)).faults == [
        "contoso/w1/000000000004 does not follow from the entry before it: one of the two was changed or replaced"
    ]


@pytest.mark.parametrize("gone", [0, 2, 4])
async def test_an_entry_that_was_removed_is_named(database, trails, writer, gone: int) -> None:
    entries = await stored(writer)
    await database["audit_trail"].delete_one({"_id": entries[gone].id})

    [fault] = (await verdict(trails)).faults
    assert f"{gone + 1}" in fault
    assert "missing" in fault


async def test_entries_that_have_changed_places_are_named(database, trails, writer) -> None:
    entries = await stored(writer)
    collection = database["audit_trail"]
    for at, instead in ((1, 2), (2, 1)):
        await collection.update_one({"_id": entries[at].id}, {"$set": {"text": entries[instead].text}})

    [fault] = (await verdict(trails)).faults
    assert entries[1].id in fault


async def test_an_end_that_was_cut_off_with_its_head_is_named_by_what_stands_elsewhere(
    database, trails, writer
) -> None:
    entries = await stored(writer)
    for entry in entries[3:]:
        await database["audit_trail"].delete_one({"_id": entry.id})
    await database["audit_heads"].update_one({"_id": "contoso/w1"}, {"$set": {"sequence": 3, "hash": entries[2].hash}})

    assert without_fault(await verdict(trails))
    [fault] = (await verdict(trails, anchors=[entries[4].head])).faults
    assert fault == "contoso/w1/000000000005 is missing: the chain ends at 3"


async def test_a_whole_chain_that_was_made_anew_is_named_by_what_stands_elsewhere(database, trails, writer) -> None:
    entries = await stored(writer)
    await database["audit_trail"].delete_many({})
    await database["audit_heads"].delete_many({})
    head, forged = Head.none(Chain("contoso", "w1")), []
    for _ in entries:
        forged.append(AuditEntry.following(head, ocsf_of(replace(SEARCH, rows=0))))
        head = forged[-1].head
    await trails[0].append(forged)
    await trails[1].note([head])

    assert without_fault(await verdict(trails))
    [fault] = (await verdict(trails, anchors=[entry.head for entry in entries])).faults
    assert "000000000001 is not what stands elsewhere" in fault


async def test_a_chain_that_was_removed_with_its_head_is_named_by_what_stands_elsewhere(
    database, trails, writer
) -> None:
    entries = await stored(writer)
    await database["audit_trail"].delete_many({})
    await database["audit_heads"].delete_many({})

    [fault] = (await verdict(trails, anchors=[entries[0].head])).faults
    assert fault == "contoso/w1/000000000001 is missing: the chain ends at 0"


async def test_an_entry_whose_place_somebody_has_taken_is_stored_beside_it_and_both_are_named(trails, writer) -> None:
    entries = await stored(writer, 2)
    forged = AuditEntry.following(entries[1].head, ocsf_of(replace(SEARCH, rows=0)))
    await trails[0].append([forged])
    [true] = await stored(writer, 1)

    places = await trails[0].chain(Chain("contoso", "w1"), 2, 10)
    assert [place.id for place in places] == [forged.id, f"{true.id}/{true.hash}"]
    assert not without_fault(await verdict(trails))


@pytest.mark.parametrize("batch", [1, 2, 3])
async def test_no_place_is_passed_over_between_two_batches(trails, writer, batch: int) -> None:
    entries = await stored(writer, 2)
    for rows in range(2):
        await trails[0].append([AuditEntry.following(entries[0].head, ocsf_of(replace(SEARCH, rows=rows)))])

    seen, after = [], 0
    while places := await trails[0].chain(Chain("contoso", "w1"), after, batch):
        seen += [place.id for place in places]
        after = int(places[-1].id.split("/")[2])
    assert len(seen) == len(set(seen)) == 4


async def test_what_the_store_does_not_take_stays_and_is_stored_later(trails, writer, monkeypatch) -> None:
    async def away(*_: object) -> None:
        raise Unreachable("away")

    with monkeypatch.context() as patched:
        patched.setattr(trails[0], "append", away)
        with pytest.raises(Unreachable):
            await stored(writer)
        assert writer.storing.pause_s() > 1
    await writer.storing.run()

    assert (await verdict(trails)).entries == 5
    assert writer.storing.pause_s() < 1


@pytest.mark.parametrize("at", ["entries", "heads", "forget"])
async def test_a_gateway_that_is_killed_at_any_step_of_storing_loses_no_entry_and_breaks_no_chain(
    tmp_path, trails, writer, monkeypatch, at: str
) -> None:
    def died(*_: object) -> None:
        raise KeyboardInterrupt

    owner, name = {"entries": (trails[0], "append"), "heads": (trails[1], "note"), "forget": (writer.spool, "forget")}[
        at
    ]
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, died)
        with pytest.raises(KeyboardInterrupt):
            await stored(writer)
    writer.spool.close()
    after = Writer(tmp_path / "one", "w2", trails)
    await stored(after, 2)

    found = await verdict(trails)
    assert (found.chains, found.entries, found.faults) == (2, 7, [])


async def test_all_that_is_stored_is_published_once_and_in_order_whoever_noted_it(tmp_path, trails, writer) -> None:
    published: list[AuditEntry] = []

    async def publish(entries: Sequence[AuditEntry]) -> None:
        published.extend(entries)

    entries = await stored(writer, 700)
    writer.spool.close()  # and its gateway is gone
    await AuditPublishing(trails[0], trails[1], publish).run()
    assert published == entries
    await AuditPublishing(trails[0], trails[1], publish).run()
    assert published == entries
    entries += await stored(Writer(tmp_path / "two", "w2", trails), 2)
    await AuditPublishing(trails[0], trails[1], publish).run()
    assert published == entries


async def test_an_entry_that_was_changed_is_not_published_and_the_others_are(database, trails, writer) -> None:
    published: list[AuditEntry] = []

    async def publish(entries: Sequence[AuditEntry]) -> None:
        published.extend(entries)

    entries = await stored(writer, 3)
    await database["audit_trail"].update_one({"_id": entries[1].id}, {"$set": {"text": "{}"}})
    await AuditPublishing(trails[0], trails[1], publish).run()

    assert published == [entries[0], entries[2]]


def test_the_longest_that_a_caller_can_write_fits_into_an_entry() -> None:
    act = replace(
        SEARCH,
        asked="\x00" * 100_000,
        about="\U0001f600" * 100_000,
        address="x" * 45,
        principal=replace(KIM, name="\x01" * 9_999, id="\x02" * 9_999),
    )
    for kind in ("read", "change", "sign-in", "sign-out", "delete", "create"):
        entry = AuditEntry.following(
            Head.none(Chain("x" * 40, "w" * 32)), ocsf_of(replace(act, action=Action("a.b", kind)))
        )
        assert len(entry.text.encode()) < LONGEST
        assert AuditEntry.read(entry.text) == entry


async def test_what_a_spool_gives_again_after_a_restart_moves_no_end_back(trails, writer) -> None:
    entries = await stored(writer, 5)
    await trails[1].note([entries[1].head])

    [known] = await trails[1].of_tenant("contoso", "", 10)
    assert known.head == entries[-1].head
    assert without_fault(await verdict(trails))


async def test_an_entry_is_printable_whatever_its_caller_wrote(trails, writer) -> None:
    hostile = replace(
        SEARCH, asked="GET /api/events?q=\x1b[2J\x7f\x9b31m\u202ex", principal=replace(KIM, name="Zo\xeb")
    )
    [entry] = await stored(writer, 1, hostile)

    assert entry.text.isascii()
    assert entry.text.isprintable()
    assert entry.event["query_info"]["query_string"] == hostile.asked
    assert entry.event["actor"]["user"]["name"] == "Zo\xeb"
    assert without_fault(await verdict(trails))


async def test_the_longest_act_there_can_be_is_an_entry(trails, writer) -> None:
    most = "\U0001f600" * 5_000
    kim = Principal("person", most, most, (), KIM.id)
    for kind in ("sign-in", "read", "change"):
        act = replace(SEARCH, action=Action("x", kind), asked=most, about=most, principal=kim, digest="0" * 64)
        await stored(writer, 1, act)

    assert (await verdict(trails)).entries == 3


async def test_a_chain_with_a_damaged_end_holds_up_no_other(database, trails, writer, monkeypatch) -> None:
    monkeypatch.setattr("aoc_api.audit.trail._CHAINS", 1)
    published: list[AuditEntry] = []

    async def publish(entries: Sequence[AuditEntry]) -> None:
        published.extend(entries)

    [damaged] = await stored(writer, 1)
    [other] = await stored(writer, 1, replace(SEARCH, tenant="fabrikam"))
    await database["audit_trail"].update_one({"_id": damaged.id}, {"$set": {"text": "{}"}})
    for _ in range(2):
        await AuditPublishing(trails[0], trails[1], publish).run()

    assert published == [other]
    assert await trails[1].unpublished(10) == []


async def test_a_chain_that_somebody_adds_with_an_end_of_its_own_is_not_on_the_bus_and_named(trails, writer) -> None:
    entries = await stored(writer, 3)
    forged = AuditEntry.following(Head.none(Chain("contoso", "added")), ocsf_of(SEARCH))
    await trails[0].append([forged])
    await trails[1].note([forged.head])
    on_bus = OnBus([entry.head for entry in entries], since=NOW)

    assert without_fault(await verdict(trails))
    assert (await verdict(trails, on_bus=on_bus, after=timedelta(hours=1))).faults == [
        f"{forged.id} is not on the bus: it was added, or no gateway has published since"
    ]
    assert without_fault(await verdict(trails, on_bus=on_bus, after=timedelta(seconds=30)))
    later = OnBus(on_bus.heads, since=NOW + timedelta(days=1))  # what it has forgotten proves nothing
    assert without_fault(await verdict(trails, on_bus=later, after=timedelta(days=2)))
