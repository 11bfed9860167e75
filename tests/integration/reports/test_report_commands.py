"""The commands of reports, end to end: sign, pin the key, check, replace the key."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aoc_common.contracts.dead_letters import DeadLetter
from aoc_common.store.mongo.account import MongoAccount
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.ledger import MongoLedger
from aoc_common.store.mongo.sources import MongoSources
from aoc_common.store.page_ledger import PageOutcome
from aoc_common.store.review_queues import Decision
from aoc_common.store.slices import SliceFetched
from reporting import OURS, THEIRS, pem

NOW = datetime.now(UTC).replace(microsecond=0)
LETTER = DeadLetter(
    "k", "normalizer", "contoso", "graph-signins", "s", "AOC_RAW", 3, "aoc.raw.x", "Malformed", {}, b"[1,2,3,4]", NOW
)
TENANT_ID = "72f988bf-86f1-41af-91ab-2d7cd011db47"


@pytest.fixture
def collected(mongo_settings):
    """A tenant with one settled slice, a dead letter that somebody discarded, and an import."""

    async def collect() -> None:
        async with connect(mongo_settings) as database:
            await ensure_indexes(database)
            ledger, sources, letters = MongoLedger(database), MongoSources(database), MongoDeadLetters(database)
            start = NOW - timedelta(minutes=10)
            await ledger.open_slice("s", "contoso", "graph-signins", start, NOW)
            await ledger.slice_fetched(SliceFetched("s", 1, 3, NOW))
            await sources.advance("contoso", "graph-signins", NOW, NOW)
            await ledger.open_slice("i", "contoso", "import", NOW, NOW)
            await ledger.slice_fetched(SliceFetched("i", 1, 5, NOW))
            await ledger.pages_settled(
                [
                    PageOutcome("p1", "contoso", "graph-signins", "s", 2, 1, 0, NOW),
                    PageOutcome("p2", "contoso", "import", "i", 4, 0, 1, NOW),
                ]
            )
            await letters.put(LETTER, 4, "p3")
            await letters.put(replace(LETTER, key="l", source="o365-dlp"), 4, "p4")
            await letters.discard([LETTER.key, "l"], Decision("dana", "of no use", NOW))
            await MongoAccount(database).settle(NOW, 10)

    asyncio.run(collect())


@pytest.fixture
def aoc(command_line, collected):
    """`aoc("keys", "list")`: status, stdout and stderr of a command on that database."""
    return command_line


@pytest.mark.slow
def test_a_report_is_signed_proven_and_its_key_replaced(aoc, tmp_path) -> None:
    old_report, new_report, pinned = tmp_path / "old", tmp_path / "new", tmp_path / "keys.json"
    nothing = aoc("keys", "list")
    first = aoc("keys", "fingerprint").out.strip()
    written = aoc("completeness", "--tenant", "contoso", "--report", old_report)
    pinned.write_text(aoc("keys", "list", "--json").out)
    proven = [aoc("completeness", "--check", old_report, *pin).status for pin in pins(first, pinned)]
    rotated = aoc("keys", "rotate")
    second = aoc("keys", "fingerprint").out.strip()
    aoc("completeness", "--tenant", "contoso", "--report", new_report)
    foreign = [aoc("completeness", "--check", new_report, *pin).status for pin in pins(first, pinned)]
    pinned.write_text(aoc("keys", "list", "--json").out)
    both = [aoc("completeness", "--check", item, "--key", f"file:{pinned}").status for item in (old_report, new_report)]
    listed = aoc("keys", "list").out.splitlines()

    assert nothing.out == "no key was published yet: aoc keys fingerprint makes one\n"
    assert (written.status, written.out) == (0, f"{old_report}: signed with key {first}\n")
    assert (proven, foreign, both) == ([0, 0], [3, 3], [0, 0])
    assert rotated.out == f"{second}  signs from now on\n{first}  is retired\n"
    assert [line.split()[0] for line in listed] == [second, first]
    assert ["in use" in line for line in listed] == [True, False]
    assert "PRIVATE" not in pinned.read_text()


def pins(fingerprint: str, file) -> list[tuple[str, str]]:
    return [("--fingerprint", fingerprint), ("--key", f"file:{file}")]


def test_a_report_shows_what_was_discarded_imported_and_never_collected(aoc, tmp_path, monkeypatch) -> None:
    tenants = tmp_path / "tenants.json"
    tenant = {"name": "contoso", "tenant_id": TENANT_ID, "client_id": TENANT_ID, "client_secret": "env:X"}
    tenants.write_text(json.dumps([tenant]))
    monkeypatch.setenv("AOC_TENANTS_FILE", str(tenants))
    aoc("completeness", "--tenant", "contoso", "--report", tmp_path / "r")
    statement = json.loads(aoc("completeness", "--check", tmp_path / "r", "--json").out)["statement"]
    sources = {source["source"]: source for source in statement["sources"]}
    shown = aoc("completeness", "--tenant", "contoso")
    spelt = json.loads(aoc("completeness", "--tenant", "contoso", "--json").out)["sources"]

    assert (statement["tenant"], statement["tenant_id"]) == ("contoso", TENANT_ID)
    assert sources["graph-signins"]["discarded"] == {"letters": 1, "in_letters": 4, "quarantined": 0}
    assert [
        sources["import"][name] for name in ("records", "stored", "quarantined", "state", "complete_until", "open")
    ] == [
        5,
        4,
        1,
        "green",
        None,
        None,
    ]
    assert "o365-exchange" in statement["never_collected"]
    assert (sources["o365-dlp"]["discarded"]["letters"], sources["o365-dlp"]["records"]) == (1, 0)
    assert "discarded graph-signins 1 dead letters with 4 records, and 0 records of the quarantine" in shown.out
    assert {item["source"]: item["discarded"]["in_letters"] for item in spelt} == {
        "graph-signins": 4,
        "import": 0,
        "o365-dlp": 4,
    }


def test_two_reports_of_one_installation_name_it_alike(aoc, tmp_path) -> None:
    ids = set()
    for name in ("a", "b"):
        aoc("completeness", "--tenant", "contoso", "--report", tmp_path / name)
        statement = json.loads(aoc("completeness", "--check", tmp_path / name, "--json").out)["statement"]
        ids.add(statement["made_by"]["installation"])

    assert len(ids) == 1


def test_no_report_is_signed_for_a_tenant_of_which_there_is_nothing(aoc, tmp_path) -> None:
    refused = aoc("completeness", "--tenant", "contosso", "--report", tmp_path / "r")

    assert refused.status == 1
    assert refused.err.startswith("aoc: nothing was collected for contosso yet, so there is nothing to sign")
    assert not (tmp_path / "r").exists()


def test_a_key_by_reference_is_rotated_by_its_owner_and_the_old_one_retired_here(aoc, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FIRST", pem(OURS))
    monkeypatch.setenv("AOC_REPORTS__KEY", "env:FIRST")
    first = aoc("keys", "fingerprint").out.strip()
    refused = aoc("keys", "rotate")
    monkeypatch.setenv("FIRST", pem(THEIRS))
    second = aoc("keys", "fingerprint").out.strip()
    retired = [aoc("keys", "retire", "--fingerprint", kid).status for kid in (first, "A" * 43, "x")]

    assert refused.status == 2
    assert "AOC_REPORTS__KEY names the key" in refused.err
    assert retired == [0, 1, 2]
    assert [line.split()[0] for line in aoc("keys", "list").out.splitlines() if "in use" in line] == [second]


def test_the_key_that_signs_here_is_not_retired_but_rotated(aoc) -> None:
    kid = aoc("keys", "fingerprint").out.strip()
    refused = aoc("keys", "retire", "--fingerprint", kid)

    assert refused.status == 2
    assert "aoc keys rotate" in refused.err
