"""One change that comes through two APIs: both records are kept, and the second says whose twin it is."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from aoc_common.bus.atomic import EventPublisher
from aoc_common.contracts.raw import RawPage
from aoc_common.contracts.twins import ADDS, HEADER, twin_of
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.twin_links import LinkFault, MongoTwinLinks
from aoc_normalizer.normalise import normalise_page
from aoc_normalizer.reading.records import RecordContext
from reading import events_on_the_bus

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ADMIN, USER, CORRELATION = (f"{number:08d}-5a11-4d0e-9b1c-0a0c51a00001" for number in (1, 2, 3))


def in_graph(number: int = 1, *, second: str = "10.25", department: str | None = "Projects") -> dict[str, object]:
    changed = [{"displayName": "Department", "oldValue": '["Sales"]', "newValue": f'["{department}"]'}]
    return {
        "id": f"Directory_{number}",
        "category": "UserManagement",
        "correlationId": f"{number:08d}-aaaa-4d0e-9b1c-0a0c51a00001",
        "result": "success",
        "activityDisplayName": "Update user",
        "activityDateTime": f"2026-11-23T07:30:{second}Z",
        "loggedByService": "Core Directory",
        "initiatedBy": {"user": {"id": ADMIN, "userPrincipalName": "dana@contoso.example"}, "app": None},
        "targetResources": [
            {"id": USER, "type": "User", "userPrincipalName": "bo@contoso.example", "modifiedProperties": changed}
        ],
    }


def in_unified(number: int = 1, *, second: str = "11", department: str = "Projects") -> dict[str, object]:
    return {
        "CreationTime": f"2026-11-23T07:30:{second}",
        "Id": f"unified-{number}",
        "Operation": "Update user.",
        "RecordType": 8,
        "ResultStatus": "Success",
        "Workload": "AzureActiveDirectory",
        "UserId": "Dana@contoso.example",
        "ObjectId": "bo@contoso.example",
        "AzureActiveDirectoryEventType": 1,
        "InterSystemsId": f"{number:08d}-aaaa-4d0e-9b1c-0a0c51a00001",
        "ModifiedProperties": [
            {"Name": "Department", "OldValue": '[\r\n  "Sales"\r\n]', "NewValue": f'[\r\n  "{department}"\r\n]'},
            {"Name": "Included Updated Properties", "OldValue": "", "NewValue": "Department"},
        ],
        "Actor": [{"ID": "dana@contoso.example", "Type": 5}, {"ID": f"User_{ADMIN}", "Type": 2}],
        "Target": [
            {"ID": f"User_{USER}", "Type": 2},
            {"ID": "User", "Type": 2},
            {"ID": "bo@contoso.example", "Type": 5},
        ],
    }


def graph_page(*records: object, slice_id: str = "contoso/g") -> RawPage:
    return RawPage("contoso", "graph-directory-audits", slice_id, NOW, json.dumps({"value": records}).encode())


def unified_page(*records: object, slice_id: str = "contoso/u") -> RawPage:
    return RawPage("contoso", "o365-azuread", slice_id, NOW, json.dumps(records).encode())


def id_of(page: RawPage) -> UUID:
    events, _ = normalise_page(page.body, RecordContext(page.tenant, page.source, NOW))
    return events[0].id


GRAPH, UNIFIED = id_of(graph_page(in_graph())), id_of(unified_page(in_unified()))


@pytest.fixture
def published(nats_as):
    """Event id -> the message on AOC_EVENTS."""

    async def read() -> dict[UUID, object]:
        messages = await events_on_the_bus(nats_as("reader"))
        return {UUID(message.headers["Nats-Msg-Id"]): message for message in messages}

    return read


@pytest.fixture
def settle(bus, database: Database, eventually):
    """Send pages and wait until the normalizer is done with them."""

    async def send(*pages: RawPage) -> None:
        last = max(await bus.send(*pages))

        async def done() -> bool:
            return await database["ledger_pages"].count_documents({}) == last and await bus.settled()

        await eventually(done, 60)

    return send


async def links(database: Database) -> dict[UUID, UUID]:
    """Second -> first, as both documents say."""
    documents = {found["_id"]: found async for found in database["events"].find({})}
    seconds = {one: found["twin_of"] for one, found in documents.items() if "twin_of" in found}
    firsts = {found["twin"]: one for one, found in documents.items() if "twin" in found}

    assert seconds == firsts
    return seconds


@pytest.mark.parametrize("graph_first", [True, False])
async def test_the_one_that_comes_first_stands_for_both(
    bus, settle, normalizer, eventually, database: Database, published, graph_first: bool
) -> None:
    first, second = (GRAPH, UNIFIED) if graph_first else (UNIFIED, GRAPH)
    pages = [graph_page(in_graph()), unified_page(in_unified())]
    async with normalizer():
        for page in pages if graph_first else reversed(pages):
            await settle(page)
    messages = await published()

    assert await links(database) == {second: first}
    assert {one: twin_of(message.headers) for one, message in messages.items()} == {first: None, second: first}
    told = json.loads(messages[second].data)["enrichments"][-1]
    assert (told["type"], told["data"]) == ("twin", {"twin_of": str(first)})


@pytest.mark.slow
async def test_of_two_that_come_together_the_preferred_one_is_first(
    bus, settle, normalizer, eventually, database: Database
) -> None:
    await bus.send(unified_page(in_unified()), graph_page(in_graph()))
    async with normalizer():
        await eventually(bus.settled)

    assert await links(database) == {UNIFIED: GRAPH}


@pytest.mark.slow
async def test_two_changes_of_one_second_are_paired_by_what_they_changed(
    bus, settle, normalizer, eventually, database: Database
) -> None:
    async with normalizer():
        await settle(graph_page(in_graph(1), in_graph(2, second="10.75", department="Treasury")))
        await settle(unified_page(in_unified(2, second="10", department="Treasury")))
        await settle(unified_page(in_unified(3, department="Facilities"), slice_id="contoso/u2"))

    second = id_of(unified_page(in_unified(2, second="10", department="Treasury")))
    first = id_of(graph_page(in_graph(2, second="10.75", department="Treasury")))
    assert await links(database) == {second: first}


@pytest.mark.slow
async def test_a_success_is_alerted_on_though_the_same_failed_just_before(
    bus, settle, normalizer, eventually, database: Database, published
) -> None:
    failed = graph_page(in_graph(1) | {"result": "failure"}), unified_page(in_unified(1) | {"ResultStatus": "Failure"})
    worked = graph_page(in_graph(2, second="13.5"), slice_id="contoso/g2"), unified_page(in_unified(2, second="14"))
    async with normalizer():
        for page in (failed[0], worked[1], failed[1], worked[0]):
            await settle(page)
    messages = await published()

    stand = {one for one, message in messages.items() if twin_of(message.headers) is None}
    assert stand == {id_of(failed[0]), id_of(worked[1])}
    assert await links(database) == {id_of(failed[1]): id_of(failed[0]), id_of(worked[0]): id_of(worked[1])}
    assert (await MongoTwinLinks(database).check(NOW, most=100, published=messages.keys())).broken == ()


@pytest.mark.slow
async def test_a_second_event_that_changes_says_that_it_adds_to_the_first(
    bus, settle, normalizer, nats_as, database: Database
) -> None:
    body = json.dumps({"value": [in_graph() | {"result": "failure"}]}).encode()
    later = RawPage("contoso", "graph-directory-audits", "contoso/g2", NOW + timedelta(minutes=5), body)
    async with normalizer():
        await settle(unified_page(in_unified()))
        await settle(graph_page(in_graph()))
        await settle(later)
    messages = [one for one in await events_on_the_bus(nats_as("reader")) if HEADER in one.headers]

    told = {one.headers["Aoc-Version"]: (one.headers.get(ADDS), twin_of(one.headers)) for one in messages}
    assert told == {"1": (None, UNIFIED), "2": ("version", None)}
    [broken] = (await MongoTwinLinks(database).check(NOW, most=100)).broken
    assert (broken.second, broken.fault) == (GRAPH, LinkFault.RESULT)


@pytest.mark.slow
async def test_a_page_that_comes_again_is_published_with_the_same_link(
    bus, settle, normalizer, eventually, database: Database, published, monkeypatch
) -> None:
    async with normalizer():
        await settle(graph_page(in_graph()))
    real = EventPublisher.publish
    tries = []

    async def fails_once(self, pages):
        tries.append(1)
        if len(tries) == 1:
            raise Unreachable("away")
        return await real(self, pages)

    monkeypatch.setattr(EventPublisher, "publish", fails_once)
    async with normalizer():
        await settle(unified_page(in_unified()))
    messages = await published()

    assert len(tries) > 1
    assert messages[UNIFIED].headers[HEADER] == str(GRAPH)
    assert await links(database) == {UNIFIED: GRAPH}


@pytest.mark.slow
async def test_what_was_published_alone_stays_first_when_its_page_comes_again(
    bus, settle, normalizer, eventually, database: Database, published
) -> None:
    async with normalizer():
        await settle(unified_page(in_unified()))
        await settle(graph_page(in_graph()))
    # both pages once more, as after a server that forgot its acknowledgements
    await bus.send(unified_page(in_unified()), graph_page(in_graph()))
    async with normalizer():
        await eventually(bus.settled)
    messages = await published()

    assert {one: twin_of(message.headers) for one, message in messages.items()} == {UNIFIED: None, GRAPH: UNIFIED}


@pytest.mark.slow
async def test_two_replicas_at_once_never_make_both_the_first(
    bus, settle, normalizer, eventually, database: Database, published
) -> None:
    changes = {number: {"second": f"{number:02d}", "department": f"D{number}"} for number in range(1, 41)}
    async with normalizer(), normalizer():
        await asyncio.gather(
            *(bus.send(graph_page(in_graph(n, **told), slice_id=f"contoso/g{n}")) for n, told in changes.items()),
            *(bus.send(unified_page(in_unified(n, **told), slice_id=f"contoso/u{n}")) for n, told in changes.items()),
        )
        await eventually(bus.settled, 60)
    messages = await published()
    told = {one: first for one, message in messages.items() if (first := twin_of(message.headers))}

    assert len(messages) == 80
    assert len(told) == 40
    assert told == await links(database)
