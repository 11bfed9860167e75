"""`aoc migrate`: the earlier tool's collection becomes files that `aoc import` takes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId

from aoc_cli.migrate import record_of
from aoc_common.clock import SystemClock
from aoc_common.contracts.event import Event
from aoc_common.errors import Malformed, Unreachable
from aoc_common.store.audit_trail import AuditQuery
from aoc_common.store.mongo.audit_trail import MongoAuditTrail
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.event_notes import MongoEventNotes
from aoc_common.store.mongo.events import MongoEvents
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

AUDIT = {
    "id": "Directory_7f1c2d9a-0b3e-4c5d-8e6f-1a2b3c4d5e6f_6LPVG_1",
    "category": "GroupManagement",
    "correlationId": "0b0c5d3e-1f2a-4b6c-9d8e-7f6a5b4c3d2e",
    "result": "success",
    "activityDisplayName": "Add member to group",
    "activityDateTime": "2026-03-02T09:14:07.1234567Z",
    "loggedByService": "Core Directory",
    "operationType": "Assign",
    "initiatedBy": {"user": {"id": "5b3d", "userPrincipalName": "mara@contoso.example", "ipAddress": "203.0.113.4"}},
    "targetResources": [],
    "additionalDetails": [],
}


def document(**changes):
    """As the earlier tool stores an event."""
    made = {
        "_id": ObjectId(),
        "id": AUDIT["id"],
        "timestamp": "2026-03-02T09:14:07.1234567Z",
        "service": "Directory",
        "operation": "Add member to group",
        "result": "success",
        "actor_upn": "mara@contoso.example",
        "actor_display": "Mara",
        "target_displays": [],
        "display_summary": "Mara added a member",
        "dedupe_key": "k1",
        "raw": AUDIT,
        "raw_text": json.dumps(AUDIT),
        "tags": [],
        "comments": [],
    } | changes
    return {name: value for name, value in made.items() if value is not ...}


@pytest.fixture
def earlier(mongo_settings):
    """`earlier(document, ...)`: stores them in the collection `events_of_old`."""

    def store(*made):
        async def insert():
            async with connect(mongo_settings) as database:
                await database["events_of_old"].insert_many(list(made))

        asyncio.run(insert())

    return store


@pytest.fixture
def migrate(command_line, mongo_settings, tmp_path):
    def run(*options):
        collection = () if "--collection" in options else ("--collection", "events_of_old")
        of = ("--database", mongo_settings.database, *collection)
        return command_line("migrate", mongo_settings.uri, "--to", tmp_path / "out", *of, *options)

    return run


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_come_out_as_they_were_sent_and_the_rest_is_accounted_for(earlier, migrate, tmp_path) -> None:
    at = datetime(2026, 3, 3, tzinfo=UTC)
    second = AUDIT | {"id": "second"}
    comment = {"text": "seen", "author": "kim", "timestamp": at}
    earlier(
        document(),
        document(
            raw=..., id="second", raw_text=json.dumps(AUDIT | {"id": "second"}), tags=["case-7"], comments=[comment]
        ),
        document(raw=..., raw_text="Mara added a member", id="no record"),
        document(raw=..., raw_text=...),
    )
    ran = migrate()
    out = tmp_path / "out"
    account = json.loads((out / "account.json").read_text())

    assert ran.status == 3
    assert "2 records of 4 documents" in ran.out
    assert lines(out / "records" / "records.jsonl") == [AUDIT, second]
    [noted] = lines(out / "notes.jsonl")
    assert (noted["record"], noted["id"], noted["tags"]) == (2, "second", ["case-7"])
    assert noted["comments"][0]["timestamp"] == {"$date": "2026-03-03T00:00:00Z"}
    assert [one["why"] for one in lines(out / "left.jsonl")] == [
        "its `raw` and `raw_text` hold no record",
        "it has neither `raw` nor `raw_text`",
    ]
    assert lines(out / "left.jsonl")[0]["document"]["id"] == "no record"
    assert (account["documents"], account["records"], account["notes"]) == (4, 2, 1)
    assert sum(account["left"].values()) == 2
    for name, digest in account["sha256"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


def test_what_was_not_read_to_its_end_leaves_nothing_that_could_be_taken_for_all(
    migrate, command_line, tmp_path, monkeypatch, earlier
) -> None:
    absent = migrate("--collection", "none_of_these")
    earlier(*[document(id=str(number)) for number in range(3)])
    with monkeypatch.context() as patched:
        patched.setattr("aoc_cli.migrate._document", broken)
        killed = migrate()
    left = list(tmp_path.iterdir())
    again = migrate()
    (tmp_path / "out" / "account.json").unlink()
    half = command_line("migrate-notes", tmp_path / "out", "--tenant", "contoso")

    assert (absent.status, "there is no collection" in absent.err) == (1, True)
    assert (killed.status, left, again.status) == (1, [], 0)
    assert (half.status, "has no account.json; aoc migrate makes it, at its end" in half.err) == (2, True)


def test_advice_about_the_earlier_tools_server_names_no_setting_of_ours(migrate, monkeypatch) -> None:
    async def refused(*_: object) -> None:
        raise Unreachable("MongoDB: not authorized on old (AOC_MONGO__URI: the user and its roles)")

    monkeypatch.setattr("aoc_cli.migrate._read", refused)

    assert migrate().err == "aoc: MongoDB: not authorized on old (URI: the user and its roles)\n"


def broken(*_: object) -> bytes:
    raise Unreachable("the connection broke")


def test_tags_and_comments_are_put_on_the_events_of_their_records_once(
    earlier, migrate, command_line, on_store, tmp_path
) -> None:
    at = datetime(2026, 3, 3, tzinfo=UTC)
    comments = [{"text": "seen", "author": "kim", "timestamp": at}, "no author", {"text": " "}]
    earlier(
        document(tags=["Case 7", "bad", "§"], comments=comments),
        document(raw=AUDIT | {"id": "absent"}, raw_text=..., id="absent", tags=["x"]),
    )
    migrate()
    context = RecordContext("contoso", "graph-directory-audits", datetime(2026, 3, 2, 10, tzinfo=UTC))
    event = normalise(json.dumps(AUDIT).encode(), context)
    assert isinstance(event, Event)

    async def store(database):
        await ensure_indexes(database)
        await MongoEvents(database, lambda *_: timedelta(days=9_999)).insert([event], ["p"])

    on_store(store)
    of = ("migrate-notes", tmp_path / "out", "--tenant", "contoso", "--json")
    counted, done, again = command_line(*of), command_line(*of, "--apply"), command_line(*of, "--apply")
    notes = on_store(lambda database: MongoEventNotes(database, SystemClock()).get("contoso", event.id))

    assert (counted.status, done.status) == (3, 3)
    assert json.loads(counted.out) | {"applied": True} == json.loads(done.out)
    told = json.loads(done.out)
    assert (told["events"], told["tags"], told["comments"]) == (1, 2, 2)
    assert sum(told["left"].values()) == 3
    assert (json.loads(again.out)["tags"], json.loads(again.out)["comments"]) == (0, 0)
    assert notes.tags == ("bad", "case-7")
    assert [(one.name, one.text, one.at.year) for one in notes.comments] == [
        ("kim", "seen", 2026), ("unknown", "no author", 1970),
    ]  # fmt: skip
    query = AuditQuery("contoso", action="notes.migrate")
    assert len(on_store(lambda database: MongoAuditTrail(database).search(query))) == 2
    assert command_line("migrate-notes", tmp_path, "--tenant", "contoso").status == 2


def test_a_record_that_was_taken_over_is_the_event_that_is_collected(earlier, migrate, tmp_path) -> None:
    earlier(document())
    assert migrate().status == 0
    context = RecordContext("contoso", "graph-directory-audits", datetime(2026, 3, 2, 10, tzinfo=UTC))
    taken = normalise((tmp_path / "out" / "records" / "records.jsonl").read_bytes().strip(), context)
    collected = normalise(json.dumps(AUDIT).encode(), context)

    assert isinstance(taken, Event)
    assert isinstance(collected, Event)
    assert taken.id == collected.id


def test_what_is_not_there_or_would_be_overwritten_is_refused(earlier, migrate, command_line, tmp_path) -> None:
    earlier(document())
    absent = migrate("--collection", "no_such")
    migrate()
    full = migrate()
    wrong = command_line("migrate", "http://user:hunter2@x", "--to", tmp_path / "other", "--database", "d")

    assert (absent.status, "there is no collection" in absent.err, "events_of_old" in absent.err) == (1, True, True)
    assert (full.status, "is not an empty directory" in full.err) == (2, True)
    assert (wrong.status, "URI: must be a connection string" in wrong.err, "hunter2" in wrong.err) == (2, True, False)
    assert not (tmp_path / "other").exists()


def test_neither_the_current_directory_nor_the_root_is_written_to(earlier, migrate, monkeypatch, tmp_path) -> None:
    earlier(document())
    (here := tmp_path / "here").mkdir()
    monkeypatch.chdir(here)
    inside, root = migrate("--to", "."), migrate("--to", "/")

    assert (inside.status, inside.err.count("\n"), "is the current directory" in inside.err) == (2, 1, True)
    assert (root.status, root.err.count("\n"), "--to /: is not an empty directory" in root.err) == (2, 1, True)
    assert (here.samefile("."), list(here.iterdir())) == (True, [])


@each(
    ("changes", "expected"),
    [
        ({"raw": {"a": datetime(2026, 3, 2, 9, tzinfo=UTC)}}, b'{"a":"2026-03-02T09:00:00Z"}'),
        ({"raw": '{"a": 1}'}, b'{"a":1}'),
        ({"raw": {}, "raw_text": '{"a": 1}'}, b'{"a":1}'),
        ({"raw": {"a": ObjectId()}}, None),
        ({"raw": [], "raw_text": "[1]"}, None),
        ({"raw": None, "raw_text": None}, None),
    ],
)
def test_a_record_is_found_where_it_may_be(changes, expected) -> None:
    if expected is None:
        with pytest.raises(Malformed):
            record_of(document(**changes))
    else:
        assert record_of(document(**changes)) == expected
