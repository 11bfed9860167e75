"""Tags and comments: who writes them, who sees them, what is found by them, and that they stay on their event."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aoc_api.access.principal import Principal
from aoc_api.export.formats import OcsfRows
from aoc_common.contracts.access import Grant, Hidden
from aoc_common.contracts.event import StoredEvent
from aoc_common.contracts.notes import LONGEST_COMMENT, MOST_COMMENTS, MOST_TAGS, Notes
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.event_notes import NotesSweep, move_notes
from each import each
from made_events import event_of
from manual_clock import ManualClock


def as_(gateway, role, name="kim", hidden=None):
    """Who asks from now on."""

    async def authenticate(_):
        return Principal("person", f"d/{name}", name.title(), (Grant(role, tenants=frozenset({"contoso"})),))

    services = gateway.app.state.services
    changed = {"authenticate": authenticate}
    if hidden is not None:

        async def hidden_from(*_):
            return hidden

        changed["policy"] = type(services.policy)(services.policy.groups_of, hidden_from)
    gateway.app.state.services = replace(services, **changed)


@pytest.fixture
async def noted(gateway, store, event, database):
    """A gateway with three events, whose caller is an analyst."""
    await ensure_indexes(database, ("event_notes",))
    made = [
        event("a", hours=1),
        event("b", hours=2),
        event("c", hours=3, service="sharepoint", operation="FileAccessed"),
    ]
    await store(*made)
    as_(gateway, "analyst")
    return gateway, [str(one.id) for one in made]


async def found(gateway, **asked):
    answer = await gateway.client.get("/api/events", params=asked)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def test_tags_are_added_replaced_and_removed_and_shown_in_lists(noted) -> None:
    gateway, (a, b, _) = noted
    url = f"/api/events/{a}/tags"
    added = await gateway.client.post(url, json={"tags": ["Phishing", "case-4711"]})
    again = await gateway.client.post(url, json={"tags": ["phishing"]})
    listed = {one["id"]: one["note_tags"] for one in (await gateway.client.get("/api/events")).json()["items"]}
    detail = (await gateway.client.get(f"/api/events/{a}")).json()
    removed = await gateway.client.delete(url, params={"tag": ["phishing", "none"]})
    replaced = await gateway.client.put(url, json={"tags": ["x"]})

    assert added.json() == again.json() == {"tags": ["case-4711", "phishing"]}
    assert (listed[a], listed[b], detail["note_tags"]) == (["case-4711", "phishing"], [], ["case-4711", "phishing"])
    assert (removed.json(), replaced.json()) == ({"tags": ["case-4711"]}, {"tags": ["x"]})
    assert (await gateway.client.get(url)).json() == {"tags": ["x"]}


@each("tag", ["", " ", "two words", "a,b", "-x", "é", "x" * 51, "$where", "a\x00"])
async def test_what_is_no_tag_is_refused(noted, tag) -> None:
    gateway, (a, *_) = noted

    assert (await gateway.client.post(f"/api/events/{a}/tags", json={"tags": [tag]})).status_code == 422


async def test_an_event_has_so_many_tags_and_no_more(noted) -> None:
    gateway, (a, *_) = noted
    url = f"/api/events/{a}/tags"
    first = await gateway.client.post(url, json={"tags": [f"t{number}" for number in range(MOST_TAGS)]})
    more = await gateway.client.post(url, json={"tags": ["one-more"]})
    known = await gateway.client.post(url, json={"tags": ["t1"]})

    assert (first.status_code, more.status_code, known.status_code) == (200, 409, 200)
    assert more.json()["type"].endswith("notes-full")
    assert len(known.json()["tags"]) == MOST_TAGS


async def test_events_are_found_by_their_tags(noted) -> None:
    gateway, (a, b, c) = noted
    for one, tags in ((a, ["case-1", "bad"]), (b, ["case-2"]), (c, ["case-1"])):
        await gateway.client.put(f"/api/events/{one}/tags", json={"tags": tags})

    assert await found(gateway, tag="case-1") == [a, c]
    assert await found(gateway, q="tag:CASE-1 -tag:bad") == [c]
    assert await found(gateway, q="-tag:bad") == [b, c]
    assert await found(gateway, q="tag:case-1 OR tag:case-2") == [a, b, c]
    assert await found(gateway, tag="case-*", service="exchange") == [a, b]
    assert await found(gateway, tag="case-1,case-2", q="-service:sharepoint") == [a, b]
    assert await found(gateway, tag="none") == []
    assert await found(gateway, q="tag:case-1", end="2026-11-23T06:00:00Z") == [c]
    assert await found(gateway, tag="case-1", tenant="contoso", page_size=1) == [a]


async def test_an_ocsf_export_has_tags_as_labels(noted) -> None:
    gateway, (a, *_) = noted
    await gateway.client.put(f"/api/events/{a}/tags", json={"tags": ["case-1", "bad"]})
    lines = (await gateway.get("/api/events/export", format="ocsf", trailer="false")).text.splitlines()
    first, second, _ = map(json.loads, lines)

    assert (first["metadata"]["uid"], first["metadata"]["labels"]) == ("a", ["bad", "case-1"])
    assert (second["metadata"]["uid"], "labels" in second["metadata"]) == ("b", False)


def test_a_tagged_event_is_ocsf(schema_faults) -> None:
    event = event_of({"Id": "1", "CreationTime": "2026-11-23T08:00:00", "RecordType": 1, "Operation": "New-InboxRule",
                      "Workload": "Exchange", "UserId": "dana@contoso.example", "OrganizationId": "x"})  # fmt: skip
    names = {
        "id",
        "tenant",
        "source",
        "service",
        "operation",
        "result",
        "actor",
        "ip",
        "correlation_id",
        "tags",
        "ocsf",
    }
    told = {name: getattr(event, name) for name in (*names, "unmapped", "raw")}
    stored = StoredEvent(**told, time=datetime(2026, 11, 23, 8, tzinfo=UTC), page="p", note_tags=("case-1", "bad"))
    [line] = OcsfRows().events([stored]).splitlines()

    assert json.loads(line)["metadata"]["labels"] == ["case-1", "bad"]
    assert schema_faults(json.loads(line)) == []


@pytest.mark.slow
async def test_pages_of_a_tag_have_each_event_once(noted, store, event) -> None:
    gateway, _ = noted
    many = [event(f"m{number}", hours=5 + number / 100) for number in range(130)]
    await store(*many)
    body = {"add": ["many"]}
    counted = (await gateway.client.post("/api/events/bulk-tags?end=2026-11-23T04:00:00Z", json=body)).json()
    await gateway.client.post("/api/events/bulk-tags?end=2026-11-23T04:00:00Z", json=body | {"token": counted["token"]})
    seen, cursor = [], None
    for tags in ("many", None):
        seen, cursor = [], None
        while True:
            asked = {"tag": tags} if tags else {"q": "-tag:none", "end": "2026-11-23T04:00:00Z"}
            page = (
                await gateway.client.get("/api/events", params=asked | ({"cursor": cursor} if cursor else {}))
            ).json()
            seen += [one["id"] for one in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert (len(seen), len(set(seen))) == (counted["count"], counted["count"])


async def test_many_are_tagged_after_they_were_counted(noted) -> None:
    gateway, (a, b, c) = noted
    url, body = "/api/events/bulk-tags?service=exchange", {"add": ["bulk"], "remove": ["old"]}
    counted = await gateway.client.post(url, json=body)
    before = await found(gateway, tag="bulk")
    token = {"token": counted.json()["token"]}
    done = await gateway.client.post(url, json=body | token)
    other_tags = await gateway.client.post(url, json={"add": ["else"]} | token)
    other_events = await gateway.client.post("/api/events/bulk-tags", json=body | token)
    made_up = await gateway.client.post(url, json=body | {"token": "x"})

    assert (counted.json()["count"], counted.json()["changed"], before) == (2, None, [])
    assert (done.json()["count"], done.json()["changed"]) == (2, 2)
    assert await found(gateway, tag="bulk") == [a, b]
    assert [one.status_code for one in (other_tags, other_events, made_up)] == [409, 409, 409]
    assert c not in await found(gateway, tag="bulk")


async def test_many_are_not_tagged_when_others_match_than_were_counted(noted, store, event) -> None:
    gateway, _ = noted
    url, body = "/api/events/bulk-tags", {"add": ["bulk"]}
    token = (await gateway.client.post(url, json=body)).json()["token"]
    await store(*[event(f"n{number}", hours=4) for number in range(10)])
    some_more = await gateway.client.post(url, json=body | {"token": token})
    await store(event("n11", hours=4))
    too_many = await gateway.client.post(url, json=body | {"token": token})

    assert (some_more.status_code, too_many.status_code) == (200, 409)


@pytest.mark.slow
async def test_a_comment_is_its_authors_and_an_administrator_may_remove_it(noted) -> None:
    gateway, (a, *_) = noted
    url = f"/api/events/{a}/comments"
    made = (await gateway.client.post(url, json={"text": "  asked her\r\nby phone "})).json()
    edited = await gateway.client.put(f"{url}/{made['id']}", json={"text": "asked him"})
    as_(gateway, "analyst", "lee")
    refused = [
        (await gateway.client.put(f"{url}/{made['id']}", json={"text": "x"})).status_code,
        (await gateway.client.delete(f"{url}/{made['id']}")).status_code,
    ]
    listed = (await gateway.client.get(url)).json()["items"]
    count = (await gateway.client.get(f"/api/events/{a}")).json()["comments"]
    as_(gateway, "admin", "ada")
    not_even_an_admin = await gateway.client.put(f"{url}/{made['id']}", json={"text": "x"})
    gone = await gateway.client.delete(f"{url}/{made['id']}")
    twice = await gateway.client.delete(f"{url}/{made['id']}")

    assert (made["text"], made["author"], made["name"], made["edited_at"]) == (
        "asked her\nby phone",
        "d/kim",
        "Kim",
        None,
    )
    assert (edited.json()["text"], edited.json()["at"]) == ("asked him", made["at"])
    assert edited.json()["edited_at"] is not None
    assert refused == [403, 403]
    assert ([one["text"] for one in listed], count) == (["asked him"], 1)
    assert (not_even_an_admin.status_code, gone.status_code, twice.status_code) == (403, 204, 404)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "  ", "x" * (LONGEST_COMMENT + 1), "a\u202eb", "\x1b[2J"])
async def test_what_is_no_plain_text_is_refused(noted, text) -> None:
    gateway, (a, *_) = noted

    assert (await gateway.client.post(f"/api/events/{a}/comments", json={"text": text})).status_code == 422


@pytest.mark.slow
async def test_an_event_has_so_many_comments_and_no_more(noted) -> None:
    gateway, (a, *_) = noted
    url = f"/api/events/{a}/comments"
    for number in range(MOST_COMMENTS):
        assert (await gateway.client.post(url, json={"text": str(number)})).status_code == 201

    assert (await gateway.client.post(url, json={"text": "one more"})).status_code == 409


async def test_readers_read_and_do_not_write(noted) -> None:
    gateway, (a, *_) = noted
    await gateway.client.post(f"/api/events/{a}/tags", json={"tags": ["x"]})
    made = (await gateway.client.post(f"/api/events/{a}/comments", json={"text": "hello"})).json()
    as_(gateway, "reader")
    read = [await gateway.client.get(f"/api/events/{a}/{what}") for what in ("tags", "comments")]
    ways = [
        ("PUT", "tags", {"json": {"tags": []}}),
        ("POST", "tags", {"json": {"tags": ["y"]}}),
        ("DELETE", "tags", {"params": {"tag": "x"}}),
        ("POST", "comments", {"json": {"text": "x"}}),
        ("PUT", f"comments/{made['id']}", {"json": {"text": "x"}}),
        ("DELETE", f"comments/{made['id']}", {}),
    ]
    refused = [
        (await gateway.client.request(way, f"/api/events/{a}/{what}", **how)).status_code for way, what, how in ways
    ]
    bulk = await gateway.client.post("/api/events/bulk-tags", json={"add": ["y"]})

    assert [one.status_code for one in read] == [200, 200]
    assert refused == [403] * len(ways)
    assert bulk.status_code == 403


async def test_notes_of_a_hidden_event_do_not_exist_and_hidden_values_are_not_in_comments(noted, store, event) -> None:
    gateway, (_, _, c) = noted
    mail = event("mail", raw='{"Id":"mail","Subject":"walrus budget"}')
    await store(mail)
    for one in (c, str(mail.id)):
        await gateway.client.post(f"/api/events/{one}/tags", json={"tags": ["case-1"]})
        await gateway.client.post(f"/api/events/{one}/comments", json={"text": "it says walrus budget, I think"})
    hidden = Hidden(services=frozenset({"sharepoint"}), fields=frozenset({"subject"}))
    as_(gateway, "analyst", "lee", hidden)
    of_hidden = [
        (await gateway.client.get(f"/api/events/{c}/tags")).status_code,
        (await gateway.client.get(f"/api/events/{c}/comments")).status_code,
        (await gateway.client.post(f"/api/events/{c}/tags", json={"tags": ["x"]})).status_code,
        (await gateway.client.post(f"/api/events/{c}/comments", json={"text": "x"})).status_code,
    ]
    counted = (await gateway.client.post("/api/events/bulk-tags", json={"add": ["x"]})).json()["count"]
    (comment,) = (await gateway.client.get(f"/api/events/{mail.id}/comments")).json()["items"]

    assert of_hidden == [404] * 4
    assert await found(gateway, tag="case-1") == [str(mail.id)]
    assert await found(gateway, q="-tag:none -tag:case-1") == [one for one in noted[1] if one != c]
    assert counted == 3
    assert "walrus" not in comment["text"]
    assert "I think" in comment["text"]


async def test_what_is_written_is_in_the_audit_trail(noted) -> None:
    gateway, (a, *_) = noted
    await gateway.client.post(f"/api/events/{a}/tags", json={"tags": ["case-1"]})
    made = (await gateway.client.post(f"/api/events/{a}/comments", json={"text": "secret words"})).json()
    (tags,), (comment,) = await gateway.noted("tags.add"), await gateway.noted("comments.add")

    assert tags.event["unmapped"]["about"] == "add case-1"
    assert comment.event["unmapped"]["about"] == f"comment {made['id']}"
    assert "secret" not in str(comment.event)


async def test_another_tenants_events_have_no_notes_of_ours(noted, store, event) -> None:
    gateway, (a, *_) = noted
    await gateway.client.post(f"/api/events/{a}/tags", json={"tags": ["case-1"]})

    assert (await gateway.client.get(f"/api/events/{a}/tags?tenant=fabrikam")).status_code == 403
    assert await gateway.app.state.services.notes.get("fabrikam", UUID(a)) == Notes()


async def test_notes_follow_an_event_to_its_new_id_and_go_when_it_is_gone(noted, database, event, store) -> None:
    gateway, (a, b, _) = noted
    moved = event("moved", hours=9)
    await store(moved)
    for one in (a, b):
        await gateway.client.post(f"/api/events/{one}/tags", json={"tags": ["case-1"]})
    for _ in range(2):  # it may be cut off, and is repeated
        await move_notes(database, {UUID(a): moved.id})
    assert await found(gateway, tag="case-1") == [b, str(moved.id)]

    clock = ManualClock(datetime.now(UTC) + timedelta(days=2))
    await database["events"].delete_one({"_id": UUID(b)})
    await NotesSweep(database, clock).run()

    assert [one["_id"] async for one in database["event_notes"].find({})] == [moved.id]
    assert await found(gateway, tag="case-1") == [str(moved.id)]


async def test_exports_carry_tags(noted) -> None:
    gateway, (a, *_) = noted
    await gateway.client.post(f"/api/events/{a}/tags", json={"tags": ["case-1", "x"]})
    asked = {"tag": "case-1", "format": "csv", "fields": "id,note_tags"}
    text = (await gateway.client.get("/api/events/export", params=asked)).text
    lines = (await gateway.client.get("/api/events/export", params={"tag": "x", "format": "jsonl"})).text

    assert a in text
    assert "case-1" in text
    assert '"note_tags":["case-1","x"]' in lines


async def test_two_who_tag_at_once_lose_nothing(noted) -> None:
    gateway, (a, *_) = noted
    url = f"/api/events/{a}/tags"
    answers = await asyncio.gather(*(gateway.client.post(url, json={"tags": [f"t{n}"]}) for n in range(5)))

    assert {one.status_code for one in answers} == {200}
    assert (await gateway.client.get(url)).json()["tags"] == [f"t{n}" for n in range(5)]
