"""What a user of the bus says in headers, and is not so: it changes nothing of others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import LETTER, DeadLetter
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.review_queues import Selection

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINE = subjects.raw("contoso", "import")
THEIRS = subjects.raw("fabrikam", "graph-signins")


@pytest.fixture
async def forger(nats_as):
    broker = make_broker(nats_as("cli"), "cli")
    await broker.connect()

    async def publish(body: bytes, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await publish_all(jetstream(broker), subjects.RAW_STREAM, [Outgoing(MINE, body, named)])

    yield publish
    await close(broker)


@pytest.fixture
async def theirs(database):
    """A dead letter of another tenant, that waits for a decision."""
    await ensure_indexes(database)
    letter = DeadLetter(
        "k1", "normalizer", "fabrikam", "graph-signins", "", "AOC_RAW", 1, THEIRS, "broken", {}, b"[1]", NOW
    )
    await MongoDeadLetters(database).put(letter, 1, "")
    return MongoDeadLetters(database)


async def given_up(letters, count: int) -> list:
    found = await letters.find(Selection(state=None))
    return found if len(found) >= count else []


async def test_a_page_of_one_tenant_that_names_another_is_a_letter_of_its_own(
    normalizer, forger, database, eventually
) -> None:
    """It stood in the account of the tenant that its header named, as a gap."""
    async with normalizer():
        await MongoSources(database).advance("fabrikam", "graph-signins", NOW, NOW)
        await forger(b"[1]", Aoc_Tenant="fabrikam", Aoc_Source="graph-signins", Aoc_Slice="fabrikam/graph-signins/1")
        letters = MongoDeadLetters(database)

        async def done() -> bool:
            return bool(await given_up(letters, 1))

        await eventually(done)
    [letter] = await given_up(letters, 1)
    [account] = await MongoAccount(database).accounts("fabrikam", NOW)

    assert (letter.tenant, letter.source) == ("contoso", "import")
    assert (account.dead_letters, [gap.cause for gap in account.gaps if "dead" in gap.cause]) == (0, [])


async def test_a_message_that_calls_itself_another_s_letter_does_not_take_its_place(
    normalizer, forger, theirs, eventually
) -> None:
    """It overwrote the other's reason and page, by which that was then closed; what it held was kept nowhere."""
    async with normalizer():
        await forger(b"[2]", **{LETTER: "k1"})

        async def done() -> bool:
            return bool(await given_up(theirs, 2))

        await eventually(done)
    found = {one.key: one for one in await given_up(theirs, 2)}
    [other] = found.keys() - {"k1"}

    assert (found["k1"].reason, found["k1"].tenant) == ("broken", "fabrikam")
    assert await theirs.content("k1") == b"[1]"
    assert (found[other].tenant, await theirs.content(other)) == ("contoso", b"[2]")
