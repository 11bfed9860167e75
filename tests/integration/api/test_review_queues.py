"""Dead letters and the quarantine at the gateway: what is listed, shown, counted, and asked of the collector."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from aoc_common.contracts.dead_letters import DeadLetter
from aoc_common.errors import Unreachable
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.quarantine import QuarantineEntry
from aoc_common.store.review_queues import Decision, Selection

if TYPE_CHECKING:
    from collections.abc import Collection

    from aoc_common.contracts.jobs import DecisionJob

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def letter(number: int, tenant: str = "contoso", **changes: Any) -> DeadLetter:
    subject = f"aoc.raw.3.{tenant}.o365-exchange"
    headers = {"Aoc-Tenant": tenant}
    made = DeadLetter(f"normalizer-{tenant}-{number:03}", "normalizer", tenant, "o365-exchange", "slice", "AOC_RAW",
                      number, subject, f"KeyError: {number}", headers, b"[1]" * 1000, NOW)  # fmt: skip
    return replace(made, **changes)


def record(number: int, tenant: str = "contoso", **changes: Any) -> QuarantineEntry:
    key = f"{tenant}/import#a file.csv#{number}"
    made = QuarantineEntry(key, tenant, "import", "slice", "p", "not JSON", f"{{half {number} \N{SNOWMAN}", NOW)
    return replace(made, **changes)


class Jobs:
    """What was asked of the collector."""

    def __init__(self) -> None:
        self.asked: list[DecisionJob] = []
        self.away = False

    async def __call__(self, jobs: Collection[DecisionJob]) -> list[bool]:
        if self.away:
            raise Unreachable("the bus is not connected")
        self.asked += jobs
        return [True] * len(jobs)


@pytest.fixture
def jobs(gateway) -> Jobs:
    made = Jobs()
    gateway.app.state.services = replace(gateway.app.state.services, publish_jobs=made)
    return made


@pytest.fixture
async def letters(gateway, database) -> MongoDeadLetters:
    await ensure_indexes(database, ("dead_letters", "quarantine"))
    return MongoDeadLetters(database)


async def pages(gateway, path: str, **parameters: Any) -> list[str]:
    """The ids of all pages, and in no other order."""
    ids, before = [], {}
    while True:
        answer = (await gateway.get(path, page_size=7, **parameters, **before)).json()
        ids += [item["id"] for item in answer["items"]]
        if answer["next_before"] is None:
            return ids
        before = {"before": answer["next_before"]}


async def test_pages_give_every_item_once_while_items_come_and_go(gateway, letters) -> None:
    times = [NOW - timedelta(minutes=number // 10) for number in range(50)]  # ten share a time
    for number, at in enumerate(times):
        await letters.put(letter(number, at=at), 1, "")
        await letters.put(letter(number, "fabrikam", at=at), 1, "")
    first = (await gateway.get("/api/dead-letters", page_size=7)).json()
    # The item that the page ended at goes, and a newer one comes.
    await letters.discard([first["items"][-1]["id"]], Decision("kim", "a test", NOW))
    await letters.put(letter(999, at=NOW + timedelta(minutes=1)), 1, "")
    rest, before = [item["id"] for item in first["items"]], first["next_before"]
    while before:
        answer = (await gateway.get("/api/dead-letters", page_size=7, before=before)).json()
        rest += [item["id"] for item in answer["items"]]
        before = answer["next_before"]

    assert len(rest) == len(set(rest)) == 50
    assert set(rest) == {letter(number).key for number in range(50)}
    assert sorted(times, reverse=True) == times  # newest first, by the order in which they were made
    assert [int(one[-3:]) // 10 for one in rest] == sorted(int(one[-3:]) // 10 for one in rest)


async def test_every_filter_chooses_and_no_other_tenant_is_seen(gateway, letters, database) -> None:
    await letters.put(letter(1), 5, "")
    await letters.put(letter(2, service="collector", source="o365-dlp", reason="Gone (it is) [x"), 0, "")
    await letters.put(letter(3, "fabrikam"), 1, "")
    await letters.discard([letter(1).key], Decision("kim", "a test", NOW))
    await MongoQuarantine(database).put([record(1), record(2, "fabrikam")])
    of = lambda number: [letter(number).key]  # noqa: E731

    assert await pages(gateway, "/api/dead-letters") == of(2)
    assert await pages(gateway, "/api/dead-letters", state="discarded") == of(1)
    assert await pages(gateway, "/api/dead-letters", state="all") == [*of(2), *of(1)]
    assert await pages(gateway, "/api/dead-letters", state="all", source="o365-exchange") == of(1)
    assert await pages(gateway, "/api/dead-letters", service="normalizer") == []
    assert await pages(gateway, "/api/dead-letters", reason="(IT IS) [X") == of(2)
    assert await pages(gateway, "/api/dead-letters", tenant="fabrikam") == [letter(3, "fabrikam").key]
    assert await pages(gateway, "/api/quarantine") == [record(1).key]
    counts = (await gateway.get("/api/dead-letters/counts")).json()
    assert (counts["open"], [(one["source"], one["state"], one["items"]) for one in counts["counts"]]) == (
        1, [("o365-dlp", "open", 1), ("o365-exchange", "discarded", 1)],
    )  # fmt: skip


async def test_one_is_shown_with_the_beginning_of_its_content_in_its_own_tenant_only(
    gateway, letters, database
) -> None:
    await letters.put(letter(1), 1, "")
    await MongoQuarantine(database).put([record(1)])
    path = f"/api/dead-letters/content?id={letter(1).key}"
    whole = (await gateway.client.get(path)).json()
    part = (await gateway.client.get(f"{path}&most_bytes=4")).json()
    text = (await gateway.client.get(f"/api/quarantine/content?id={quote(record(1).key, safe='')}")).json()

    assert (whole["content"], whole["whole"], whole["headers"]) == ("[1]" * 1000, True, {"Aoc-Tenant": "contoso"})
    assert (part["content"], part["whole"], part["item"]["size"]) == ("[1][", False, 3000)
    assert text["content"] == record(1).text
    for other in (f"{path}&tenant=fabrikam", "/api/dead-letters/content?id=nothing"):
        assert (await gateway.client.get(other)).status_code == 404
    assert (await gateway.client.get(f"{path}&most_bytes=1048577")).status_code == 422


@pytest.mark.slow
async def test_a_retry_asks_the_collector_and_changes_nothing_itself(gateway, letters, jobs) -> None:
    for number in range(250):
        await letters.put(letter(number), 1, "")
    await letters.put(letter(1, "fabrikam"), 1, "")
    answer = await gateway.client.post("/api/dead-letters/retry", json={"everything": True, "tenant": "contoso"})

    assert (answer.status_code, answer.json()["chosen"], answer.json()["asked"]) == (202, 250, 250)
    assert [len(job.keys) for job in jobs.asked] == [100, 100, 50]
    assert {key for job in jobs.asked for key in job.keys} == {letter(number).key for number in range(250)}
    assert {(job.tenant, job.queue, job.decision) for job in jobs.asked} == {("contoso", "dead-letters", "retry")}
    assert all(job.who for job in jobs.asked)
    assert await letters.count(Selection()) == 251
    [entry, *_] = await gateway.noted("dead-letters.retry")
    assert "all that are open" in entry.text


async def test_ids_of_others_and_what_is_on_its_way_are_left(gateway, letters, jobs) -> None:
    for number in (1, 2):
        await letters.put(letter(number), 1, "p1")
    await letters.put(letter(1, "fabrikam"), 1, "")
    [item] = await letters.find(Selection(keys=(letter(1).key,)))
    await letters.republished(item, "page", NOW - timedelta(minutes=1))
    listed = {one["id"]: one for one in (await gateway.get("/api/dead-letters")).json()["items"]}
    everything = await gateway.client.post("/api/dead-letters/retry", json={"everything": True})
    named = {"ids": [letter(1).key, letter(1, "fabrikam").key]}
    by_id = await gateway.client.post("/api/dead-letters/retry", json=named)

    assert [listed[letter(number).key]["on_its_way"] for number in (1, 2)] == [True, False]
    assert [job.keys for job in jobs.asked] == [(letter(2).key,), (letter(1).key,)]
    assert everything.json()["left"] == []
    assert by_id.json()["left"] == [{"id": letter(1, "fabrikam").key, "why": "no such open item"}]


async def test_a_discard_takes_a_reason_and_passes_on_who_decided(gateway, letters, jobs, database) -> None:
    await MongoQuarantine(database).put([record(1), record(2, stored=True)])
    refused = [
        await gateway.client.post("/api/quarantine/discard", json=body)
        for body in ({"everything": True}, {"everything": True, "why": "  "}, {"why": "no choice"})
    ]
    answer = await gateway.client.post("/api/quarantine/discard", json={"source": "import", "why": " half a line "})

    assert [one.status_code for one in refused] == [422, 422, 422]
    assert answer.status_code == 202
    [job] = jobs.asked
    assert (job.decision, job.why, sorted(job.keys)) == ("discard", "half a line", [record(1).key, record(2).key])


async def test_without_a_bus_a_decision_can_be_made_later(gateway, letters, jobs) -> None:
    await letters.put(letter(1), 1, "")
    jobs.away = True
    answer = await gateway.client.post("/api/dead-letters/retry", json={"everything": True})

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-now")
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("before", ["x", "bm90aGluZw==", "MjAyNi0xMS0yMw==", "é", "MjAyNi0xMS0yM1QwODowMDowMCBr"])
async def test_a_cursor_of_nobody_is_a_problem_that_names_it(gateway, letters, before: str) -> None:
    answer = await gateway.get("/api/dead-letters", before=before)

    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "before")
