"""`aoc maintenance` as an operator uses it, over records that older versions stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.contracts import ids
from aoc_common.contracts.event import Event, text_digest
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.audit_trail import MongoAuditTrail
from aoc_common.store.mongo.client import INDEXES, ensure_indexes, missing_indexes
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.record_ranges import MongoPosition
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def raw(number: int, **changes: Any) -> str:
    at = NOW - timedelta(minutes=number)
    record = {
        "Id": f"0a0b0c0d-0000-0000-0000-{number:012}",
        "CreationTime": f"{at:%Y-%m-%dT%H:%M:%S}",
        "Operation": "New-InboxRule",
        "Workload": "Exchange",
        "RecordType": 1,
        "UserId": "dana@contoso.example",
    }
    return json.dumps(record | changes)


def of(text: str, tenant: str = "contoso") -> Event:
    made = normalise(text.encode(), RecordContext(tenant, "o365-exchange", NOW))
    assert isinstance(made, Event)
    made.text = text_digest(text)
    return made


def of_before(text: str, **changes: Any) -> Event:
    """The same under an id that an older version gave."""
    made = of(text)
    made.id = ids.event_id("contoso", "before", text, made.time_ms)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def aoc(command_line):
    """`aoc("dedupe")`: status, stdout and stderr of `aoc maintenance dedupe`."""
    return partial(command_line, "maintenance")


@pytest.fixture
def stored(on_store):
    """`stored(event, ...)`."""

    def store(*events: Event) -> None:
        async def insert(database: Database) -> None:
            await ensure_indexes(database, ("events", "event_versions"))
            await MongoEvents(database, lambda *_: timedelta(days=3650)).insert(events, ["p"] * len(events))

        on_store(insert)

    return store


@pytest.fixture
def there(on_store):
    """`there()`: id -> document of all events."""

    async def read(database: Database) -> dict[Any, Any]:
        return {document["_id"]: document async for document in database["events"].find({})}

    return lambda: on_store(read)


@pytest.fixture
def noted(on_store):
    """`noted("maintenance.dedupe")`: how often that is in the audit trail about a tenant, or about the installation."""

    def count(action: str, tenant: str = "contoso") -> int:
        return len(on_store(lambda database: MongoAuditTrail(database).search(AuditQuery(tenant, action=action))))

    return count


def test_a_record_under_two_ids_becomes_one_and_what_says_something_else_stays(aoc, stored, there, noted) -> None:
    same, spelt, other = raw(1), raw(2), raw(3)
    spelt_before = json.dumps(dict(reversed(json.loads(spelt).items())))
    once, of_another = of_before(raw(4)), of(raw(1), "fabrikam")
    twice = [of_before(same), of_before(spelt_before), of_before(other.replace("dana@", "eve@"))]
    stored(*map(of, (same, spelt, other)), *twice, once, of_another)

    looked = aoc("dedupe", "--tenant", "contoso", "--json")
    assert len(there()) == 8
    assert noted("maintenance.dedupe") == 0
    found = json.loads(looked.out)
    assert (looked.status, found["read"], found["duplicates"], found["undecided"], found["merged"]) == (0, 7, 2, 1, 0)
    assert found["under_former_ids"] == 1
    assert {one["id"] for one in found["examples"]} == {str(twice[0].id), str(twice[1].id)}
    [left] = found["examples_undecided"]
    assert (left["id"], left["other"]) == (str(twice[2].id), str(of(other).id))

    applied = aoc("dedupe", "--tenant", "contoso", "--apply")
    assert "2 merged" in applied.out
    assert set(there()) == {of(text).id for text in (same, spelt, other)} | {twice[2].id, once.id, of_another.id}
    again = json.loads(aoc("dedupe", "--tenant", "contoso", "--apply", "--json").out)
    assert (again["duplicates"], again["merged"], again["undecided"]) == (0, 0, 1)
    assert noted("maintenance.dedupe") == 2


def test_the_twin_of_a_duplicate_leads_to_the_event_that_stays(aoc, stored, on_store, there) -> None:
    before, stays, twin = of_before(raw(1)), of(raw(1)), of(raw(2))
    stored(before, stays, twin)

    async def link(database: Database) -> None:
        await database["events"].update_one({"_id": before.id}, {"$set": {"twin": twin.id}})
        await database["events"].update_one({"_id": twin.id}, {"$set": {"twin_of": before.id}})
        claim = {"_id": before.id, "first": before.id, "unified": twin.id, "tenant": "contoso"}
        await database["twins"].insert_one(claim)

    on_store(link)
    done = json.loads(aoc("dedupe", "--tenant", "contoso", "--apply", "--json").out)
    events = there()

    assert (done["merged"], set(events)) == (1, {stays.id, twin.id})
    assert (events[stays.id]["twin"], events[twin.id]["twin_of"]) == (twin.id, stays.id)


def test_a_duplicate_with_versions_of_its_own_is_not_decided_about(aoc, stored, on_store, there) -> None:
    before = of_before(raw(1))
    stored(of(raw(1)), before)
    on_store(
        lambda database: database["events"].update_one({"_id": before.id}, {"$set": {"version": 2, "versions": 2}})
    )

    found = json.loads(aoc("dedupe", "--tenant", "contoso", "--apply", "--json").out)
    assert (found["merged"], found["undecided"]) == (0, 1)
    assert "versions" in found["examples_undecided"][0]["why"]
    assert before.id in there()


def old(number: int, **changes: Any) -> Event:
    """As an older mapper made it: under the same id, and saying less."""
    made = of(raw(number))
    made.mapper_version, made.terms = 0, ("old",)
    made.ocsf["message"] = "of an older mapper"
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_a_replay_maps_what_was_chosen_again_and_counts_what_changed(aoc, stored, there, noted) -> None:
    stored(*(old(number) for number in range(3)), of(raw(3)), of_another := of(raw(1), "fabrikam"))
    until = f"{NOW - timedelta(minutes=1):%Y-%m-%dT%H:%M}"  # without the newest two

    before = there()

    planned = json.loads(aoc("replay", "--tenant", "contoso", "--until", until, "--dry-run", "--json").out)
    assert all(document["mapper_version"] == 0 for id_, document in there().items() if id_ in {old(0).id, old(2).id})
    assert noted("maintenance.replay") == 0
    done = json.loads(aoc("replay", "--tenant", "contoso", "--until", until, "--json").out)
    documents = there()

    assert planned | {"dry_run": False} == done
    assert (done["read"], done["changed"], done["unchanged"], done["moved"]) == (2, 1, 1, 0)
    assert [documents[old(number).id]["mapper_version"] for number in range(3)][:2] == [0, 0]
    renewed, fresh = documents[old(2).id], of(raw(2))
    assert (renewed["mapper_version"], renewed["event"]["message"]) == (fresh.mapper_version, fresh.ocsf["message"])
    stored_at = before[old(2).id]["event"]["metadata"]["processed_time"]
    assert renewed["event"]["metadata"]["processed_time"] == stored_at
    assert "old" not in renewed["terms"]
    assert of_another.id in documents
    assert noted("maintenance.replay") == 1


def test_a_replay_of_one_source_leaves_the_others(aoc, stored, there) -> None:
    stored(old(1), old(2, source="o365-dlp"))
    aoc("replay", "--tenant", "contoso", "--source", "o365-dlp")

    assert [there()[old(number).id]["mapper_version"] == 0 for number in (1, 2)] == [True, False]


def test_a_replay_that_was_broken_off_goes_on_and_begins_anew_when_it_is_told_to(aoc, stored, on_store, there) -> None:
    stored(*(old(number) for number in range(3)))
    middle = old(1).id
    what = "all sources from None to None"

    def broken_off() -> None:
        on_store(lambda database: MongoPosition(database, "replay", "contoso", what).note(middle))

    broken_off()
    went_on = json.loads(aoc("replay", "--tenant", "contoso", "--json").out)
    broken_off()
    other = json.loads(aoc("replay", "--tenant", "contoso", "--source", "o365-exchange", "--json").out)
    broken_off()
    anew = json.loads(aoc("replay", "--tenant", "contoso", "--afresh", "--json").out)

    # Older events have lower ids: minutes 2 and 1 were done.
    assert (went_on["read"], went_on["changed"]) == (1, 1)
    assert (other["read"], other["changed"]) == (3, 2)
    assert (anew["read"], anew["changed"]) == (3, 0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("replay", "--source", "o365-nothing"), "there are"),
        (("replay", "--since", "2026-11-23", "--until", "2026-11-22"), "--until must be after"),
        (("dedupe", "--since", "yesterday"), "--since"),
        (("replay", "--tenant", "A B"), "tenant"),
    ],
)
def test_a_wrong_option_is_named(aoc, arguments, says: str) -> None:
    answer = aoc(*arguments)

    assert answer.status != 0
    assert says in answer.err


@pytest.mark.slow
def test_indexes_are_built_and_foreign_ones_dropped_only_when_told_to(aoc, on_store, noted) -> None:
    on_store(ensure_indexes)
    on_store(lambda database: database["events"].create_index("actor", name="somebodys"))
    on_store(lambda database: database["dead_letters"].drop_index("newest"))
    checked = aoc("reindex", "--check")
    assert (checked.status, "dead_letters.newest: missing" in checked.out) == (3, True)
    assert on_store(missing_indexes) == ["dead_letters.newest"]

    built = aoc("reindex")
    assert (built.status, "dead_letters.newest: built" in built.out, "events.somebodys" in built.out) == (0, True, True)
    assert "somebodys" in on_store(lambda database: database["events"].index_information())
    dropped = json.loads(aoc("reindex", "--drop-foreign", "--json").out)

    assert dropped == {"missing": [], "built": True, "foreign": ["events.somebodys"], "dropped": True}
    assert "somebodys" not in on_store(lambda database: database["events"].index_information())
    assert on_store(missing_indexes) == []
    assert aoc("reindex", "--check").out.strip() == "every index is as declared"
    assert noted("maintenance.reindex", "_installation") == 2
    assert {index.document["name"] for index in INDEXES["events"]} <= set(
        on_store(lambda database: database["events"].index_information())
    )


@pytest.fixture
def whole_store(on_store, stored):
    """A store of which nothing is wrong: three events, the second with two versions, the third the first one's twin."""
    events = [of(raw(number)) for number in range(3)]
    on_store(ensure_indexes)
    on_store(lambda database: MongoTermEdition(database).begin())
    stored(*events)

    async def link(database: Database) -> None:
        one, two, three = (event.id for event in events)
        await database["events"].update_one({"_id": one}, {"$set": {"twin": three}})
        await database["events"].update_one({"_id": three}, {"$set": {"twin_of": one}})
        changed = {"version": 2, "versions": 2}
        await database["events"].update_one({"_id": two}, {"$set": changed})
        for number in (1, 2):
            version = {"_id": f"{two}:{number}", "event_id": two, "number": number, "text": events[1].text}
            await database["event_versions"].insert_one({**version, "tenant": "contoso"})
        book = {"_id": "contoso/x", "tenant": "contoso", "source": "x", "slices": 5, "stored": 9}
        await database["ledger_sums"].insert_one(book)
        page = {"_id": "s#p", "page": "p", "tenant": "contoso", "source": "x", "settled": True, "stored": 3}
        await database["ledger_pages"].insert_one({**page, "at": datetime.now(UTC)})
        blob = {"_id": "contoso/x/b", "tenant": "contoso", "source": "x", "state": "fetched"}
        await database["ledger_blobs"].insert_one({**blob, "expires": NOW - timedelta(days=9)})
        slice_ = {"_id": "s", "tenant": "contoso", "source": "x", "summed": {"slices": 1, "stored": 9}}
        await database["ledger_slices"].insert_one(slice_)

    on_store(link)
    return [event.id for event in events]


@pytest.mark.slow
def test_a_whole_store_has_no_fault_and_stays_as_it_is(aoc, whole_store, there) -> None:
    before = there()
    checked = aoc("verify-store")
    parts = [json.loads(aoc("verify-store", "--json", "--most", 2).out)]
    parts.append(json.loads(aoc("verify-store", "--json", "--after", parts[0]["next"]).out))

    assert (checked.status, "all is as it should be" in checked.out) == (0, True), checked.out
    assert [part["events"] for part in parts] == [2, 1]
    assert parts[1]["next"] == ""
    assert there() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("collection", "number", "change", "kind"),
    [
        ("events", 0, {"$set": {"text": "0" * 32}}, "text"),
        ("events", 0, {"$set": {"raw": raw(77)}}, "id"),
        ("events", 0, {"$unset": {"raw": ""}}, "record"),
        ("events", 0, {"$set": {"class_uid": 1}}, "facets"),
        ("events", 0, {"$set": {"time": NOW - timedelta(days=3)}}, "facets"),
        ("events", 0, {"$set": {"terms": []}}, "terms"),
        ("events", 0, {"$unset": {"twin": ""}}, "twins"),
        ("events", 2, {"$unset": {"twin_of": ""}}, "twins"),
        ("events", 1, {"$set": {"versions": 3}}, "versions"),
        ("events", 1, {"$set": {"version": 7}}, "versions"),
        ("event_versions", 1, {"$set": {"number": 5}}, "versions"),
        ("ledger_sums", None, {"$set": {"stored": 8}}, "totals"),
        ("ledger_sums", None, {"$set": {"source": "y"}}, "totals"),
        ("ledger_pages", None, {"$set": {"stored": 4}}, "pages"),
        ("ledger_blobs", None, {"$set": {"state": "listed"}}, "blobs"),
        ("upgrades", None, {"$set": {"edition": -1}}, "terms"),
    ],
)
def test_whatever_is_changed_in_a_store_is_found(aoc, whole_store, on_store, collection, number, change, kind) -> None:
    where: dict[str, Any] = {}
    if number is not None:
        where = {"event_id" if collection == "event_versions" else "_id": whole_store[number]}
    on_store(lambda database: database[collection].update_one(where, change))
    checked = aoc("verify-store", "--tenant", "contoso", "--json")

    assert checked.status == 3
    assert kind in json.loads(checked.out)["faults"]


def test_a_missing_index_and_a_removed_event_are_faults(aoc, whole_store, on_store) -> None:
    on_store(lambda database: database["events"].drop_index("terms"))
    on_store(lambda database: database["events"].delete_one({"_id": whole_store[0]}))
    checked = aoc("verify-store")

    assert checked.status == 3
    assert "events.terms" in checked.out
    assert "the event that stands for it is gone" in checked.out
    assert aoc("verify-store", "--after", "nothing").status == 2
