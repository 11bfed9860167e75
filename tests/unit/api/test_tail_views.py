"""What a reader of the live tail is shown of a message, where the message does not tell all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from aoc_api.tail.entries import Entry
from aoc_api.tail.views import Views
from aoc_common.contracts.access import Hidden, Scope
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.live_event import stored_of
from aoc_common.contracts.publications import Position

BODY = {
    "time": 1_764_000_000_000,
    "class_uid": 6003,
    "status_id": 1,
    "message": "Dana read walrus",
    "api": {"operation": "MailItemsAccessed"},
    "metadata": {"product": {"name": "Exchange"}, "correlation_uid": "c-1"},
    "raw_data": '{"Subject":"walrus"}',
}
MESSAGE = EventMessage(
    UUID(int=1), "contoso", "o365-exchange", 6003, "MailItemsAccessed", 1, None, None, None, orjson.dumps(BODY),
    service="exchange",
)  # fmt: skip
EXCHANGE = Hidden(services=frozenset({"exchange"}))
SUBJECT = Hidden(fields=frozenset({"subject"}))


class Store:
    """Knows some events, and what was asked."""

    def __init__(self, *known) -> None:
        self.known = {event.id: event for event in known}
        self.asked: list[tuple[Scope, UUID]] = []

    async def get(self, scope: Scope, event_id: UUID):
        self.asked.append((scope, event_id))
        found = self.known.get(event_id)
        return None if found is None or scope.hidden.hides(found.service, found.operation) else found


async def view(message, hidden=None, *known, shared=True):
    store = Store(*known)
    views = Views("contoso", store.get)
    (found,) = await views.of([Entry(Position("i", 1), message)], hidden or Hidden(), shared=shared)
    return found, store


@pytest.mark.parametrize("shared", [True, False])
async def test_a_message_tells_what_its_event_is(shared) -> None:
    found, store = await view(MESSAGE, shared=shared)
    shown = orjson.loads(found.text)

    assert (shown["service"], shown["operation"], shown["message"]) == (
        "exchange",
        "MailItemsAccessed",
        BODY["message"],
    )
    assert found.time == datetime.fromtimestamp(1_764_000_000, UTC)
    assert store.asked == []


async def test_a_hidden_service_is_not_shown() -> None:
    assert (await view(MESSAGE, EXCHANGE))[0] is None


async def test_the_store_tells_the_service_of_an_old_message_and_what_it_does_not_know_is_not_shown() -> None:
    old = replace(MESSAGE, service="")
    known = replace(stored_of(MESSAGE), service="sharepoint")

    assert (await view(old, EXCHANGE, stored_of(MESSAGE)))[0] is None
    assert (await view(old, EXCHANGE))[0] is None
    assert orjson.loads((await view(old, EXCHANGE, known))[0].text)["service"] == "sharepoint"
    assert (await view(old))[0] is not None


async def test_of_a_shortened_record_hidden_values_are_known_from_the_whole_one() -> None:
    cut = replace(MESSAGE, truncated=True, body=orjson.dumps(BODY | {"raw_data": '{"Subj'}))

    assert "walrus" not in (await view(cut, SUBJECT, stored_of(MESSAGE)))[0].text
    assert (await view(cut, SUBJECT))[0] is None


async def test_a_hidden_value_is_neither_shown_nor_found() -> None:
    found, _ = await view(MESSAGE, SUBJECT)

    assert "walrus" not in found.text
    assert "walrus" not in found.facts.terms
    assert "walrus" in (await view(MESSAGE))[0].facts.terms


async def test_a_second_event_whose_first_one_is_hidden_stands_for_itself() -> None:
    second = replace(MESSAGE, twin_of=UUID(int=2), service="sharepoint")
    first = replace(stored_of(MESSAGE), id=UUID(int=2))
    hides, _ = await view(second, EXCHANGE, first)
    sees, _ = await view(second, Hidden(services=frozenset({"teams"})), first)

    assert (hides.second, orjson.loads(hides.text)["twin_of"]) == (False, None)
    assert (sees.second, orjson.loads(sees.text)["twin_of"]) == (True, str(UUID(int=2)))
    assert (await view(second))[0].second


async def test_what_many_ask_for_is_made_once() -> None:
    store = Store()
    views = Views("contoso", store.get)
    entries = [Entry(Position("i", 1), replace(MESSAGE, service=""))]
    for _ in range(3):
        await views.of(entries, EXCHANGE, shared=True)

    assert len(store.asked) == 1
