"""A search that finds nothing says what may be the matter: the tenant, or a word that is spelt otherwise."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aoc_common.contracts import terms
from aoc_common.contracts.access import Scope
from aoc_common.contracts.query.alike import closest
from aoc_common.contracts.query.grammar import clauses
from aoc_common.store.hints import Hint, Hints
from aoc_common.store.mongo.client import Database, ensure_indexes
from aoc_common.store.mongo.event_search import make_event_search
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.mongo.term_edition import MongoTermEdition
from aoc_common.store.mongo.vocabulary import MongoVocabulary
from aoc_common.store.searches import EventQuery
from each import each
from making import an_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from aoc_common.contracts.query.filters import Field

SENTENCES = [
    "Mara Holland created inbox rule Invoices, forwarding to collector@external.example",
    "Noel Ek changed mailbox Payroll, setting AuditEnabled to False",
    "Sign-in of mara@example.org from 203.0.113.9 (Lisbon) to Teams failed: wrong password (50126)",
    "Priya Natarajan added Dana Reyes to role Global Administrator",
    "Dana Reyes consented to application Ledger Sync",
    "Dana Reyes shared document Quarterly.xlsx with everyone",
]
#: Typed -> what is meant.
TYPOS = {
    "holand": "holland", "hollnad": "holland", "hollandd": "holland", "invocies": "invoices", "invioces": "invoices",
    "forwading": "forwarding", "mailbx": "mailbox", "payrol": "payroll", "pasword": "password", "passwrod": "password",
    "lisbn": "lisbon", "natarjan": "natarajan", "administartor": "administrator", "consentd": "consented",
    "aplication": "application", "ledgr": "ledger", "documnt": "document", "quartely": "quarterly",
    "evryone": "everyone", "xollector": "collector", "mra": "mara",
}  # fmt: skip


@pytest.fixture
async def hint(database: Database) -> Callable[..., Awaitable[Hint]]:
    """`await hint(q="...")`: what is said of a search for it."""
    await ensure_indexes(database, ("events", "vocabulary"))
    await MongoTermEdition(database).begin()
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    made = [an_event(str(n), terms=terms.name_terms(sentence)) for n, sentence in enumerate(SENTENCES)]
    await events.insert(made, ["p"] * len(made))
    hints = Hints(make_event_search(database), MongoVocabulary(database), _sources)

    async def ask(tenant: str = "contoso", **parameters: str) -> Hint:
        fields: dict[str, Field] = {"q": "text", "actor": "actor"}
        asked = [(name, fields[name], text) for name, text in parameters.items()]
        return await hints.of(EventQuery(Scope(tenant), clauses(asked)), asked)

    return ask


async def _sources() -> Mapping[str, Sequence[str]]:
    return {"contoso": ["graph-signins", "o365-exchange"], "fabrikam": ["import"]}


@each(("typed", "meant"), TYPOS.items())
async def test_what_is_misspelt_is_offered_as_it_was_meant(hint, typed: str, meant: str) -> None:
    found = await hint(q=f"dana {typed} -sharepoint")

    assert (found.unknown, found.instead) == ((typed,), {"q": f"dana {meant} -sharepoint"})


async def test_a_word_that_is_in_more_events_is_rather_meant(database: Database, hint) -> None:
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    many = [an_event(f"p{number}", terms=("payday",)) for number in range(4)]
    await events.insert([*many, an_event("one", terms=("paydax",))], ["p"] * 5)

    assert (await hint(q="paydaq")).instead == {"q": "payday"}


async def test_only_what_no_event_has_is_offered_otherwise(hint) -> None:
    assert await hint(q="mara dana") == Hint()
    assert await hint(q="203.0.113.77 3b26f1a0-0000-4000-8000-00000000abcd") == Hint()
    assert (await hint(q="zzzzzz")) == Hint(unknown=("zzzzzz",))


async def test_quotes_fields_and_other_parameters_keep_their_form(hint) -> None:
    found = await hint(q='"inbox rul" actor:"Mara Holand" OR actor:noel payrl*', actor="Dana Reys,noel")

    assert found.instead == {
        "q": '"inbox rule" actor:"Mara holland" OR actor:noel payrl*',
        "actor": "Dana reyes,noel",
    }


async def test_a_tenant_of_which_there_is_nothing_is_named_with_those_there_are(hint) -> None:
    assert await hint(tenant="default", q="mara") == Hint(tenants=("contoso", "fabrikam"))


async def test_a_source_that_there_is_not_is_named_with_those_there_are(hint) -> None:
    both = ("graph-signins", "o365-exchange")

    assert await hint(q="mara source:graph-signin") == Hint(sources=both, instead={"q": "mara source:graph-signins"})
    assert await hint(q="source:elsewhere") == Hint(sources=both)
    assert await hint(q="source:O365-Exchange -source:elsewhere") == Hint()


def test_short_words_are_like_words_of_one_other_letter_only() -> None:
    known = ["mara", "marc", "maria", "holland", "hollands"]

    assert closest("mare", known) == ["mara", "marc"]
    assert closest("moro", known) == []
    assert closest("hxllxnd", known) == ["holland"]
    assert closest("ma", known) == []


async def test_so_many_match(database: Database, hint) -> None:
    search = make_event_search(database)
    dana = EventQuery(Scope("contoso"), clauses([("q", "text", "dana")]))

    assert await search.count(dana, 9) == (3, True)
    assert await search.count(dana, 3) == (3, True)
    assert await search.count(dana, 2) == (2, False)
    assert await search.count(replace(dana, scope=Scope("fabrikam")), 9) == (0, True)


async def test_tenants_and_sources_are_known_by_their_events(database: Database) -> None:
    await ensure_indexes(database, ("events", "vocabulary"))
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    await events.insert([an_event("a"), an_event("b", tenant="fabrikam", source="import")], ["p", "p"])

    assert await MongoSources(database).by_tenant() == {"contoso": ["o365-exchange"], "fabrikam": ["import"]}


class _NoTime:
    """`Pace` of a search whose time is used up."""

    @asynccontextmanager
    async def turn(self, needed_s: float = 0.0) -> AsyncIterator[float | None]:
        yield None


async def test_a_search_does_not_fail_since_there_is_no_time_to_choose_between_words(database: Database, hint) -> None:
    events = MongoEvents(database, lambda _tenant, _source: timedelta(days=30))
    await events.insert([an_event("a", terms=("payday",)), an_event("b", terms=("paydax",))], ["p"] * 2)
    hints = Hints(make_event_search(database), MongoVocabulary(database), _sources)
    query = EventQuery(Scope("contoso"), clauses([("q", "text", "paydaq")]))

    found = await hints.of(query, [("q", "text", "paydaq")], _NoTime())

    assert found.unknown == ("paydaq",)
    assert found.instead["q"] in {"payday", "paydax"}
