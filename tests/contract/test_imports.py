"""What the account of imports promises, on any MongoDB-protocol server."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aoc_cli.importing.interrupted import close_interrupted
from aoc_cli.reports.custody import without_account
from aoc_common.store.accounts import SourceAccount
from aoc_common.store.imports import (
    Case,
    FileStatus,
    ImportAccount,
    ImportedFile,
    ImportRecord,
    ImportState,
    TimeSpan,
    manifest_of,
)
from aoc_common.store.mongo.case_span import case_span
from aoc_common.store.mongo.import_accounts import MongoImports
from aoc_common.store.mongo.sources import MongoSources

AT = datetime(2026, 11, 26, 22, tzinfo=UTC)
THEN = datetime(2025, 3, 1, tzinfo=UTC)
BEGUN = ImportAccount(
    "contoso/import/2026-11-26T22:00:00Z-1",
    "contoso",
    AT,
    by="dana",
    host="bench",
    aoc="0.1.0",
    directory="/case",
    paths=("a.zip",),
    named=1,
)
LATER = THEN + timedelta(days=9)
ENDED = replace(BEGUN, state=ImportState.ENDED, ended_at=AT, records=3, new=3, first=THEN, last=LATER)
FILES = (
    ImportedFile("a.zip", FileStatus.READ, size=12, modified_at=THEN, sha256="0" * 64),
    ImportedFile("a.zip/b.csv", FileStatus.READ, part_of="a.zip", records=3, new=3, first=THEN, last=THEN),
    ImportedFile("c.txt", FileStatus.SKIPPED, "neither JSON nor CSV", size=2, sha256="1" * 64),
)


@pytest.fixture
def imports(database) -> MongoImports:
    return MongoImports(database)


async def of(imports: MongoImports, tenant: str = "contoso", most: int = 100) -> list[ImportRecord]:
    return [record async for record in imports.records(tenant, most)]


async def test_an_import_that_began_is_on_record_and_what_it_ended_with_stays(imports) -> None:
    await imports.begin(BEGUN)
    began = await of(imports)
    await imports.end(ENDED, FILES)
    await imports.begin(BEGUN)
    await imports.end(replace(ENDED, records=9, state=ImportState.FAILED), ())

    ended = replace(ENDED, files=3, manifest=manifest_of(FILES))
    assert began == [ImportRecord(BEGUN, ())]
    assert await of(imports) == [ImportRecord(ended, FILES)]


async def test_an_end_that_was_cut_short_is_made_whole_by_the_next_try(imports, database) -> None:
    await imports.begin(BEGUN)
    await imports.end(ENDED, FILES)
    # The first try wrote a file, and died before it wrote the others and the account.
    first = await database["import_files"].find_one({}, sort=[("_id", 1)])
    await database["import_files"].delete_many({"_id": {"$ne": first["_id"]}})
    await database["imports"].delete_many({})
    await imports.begin(BEGUN)
    await imports.end(ENDED, FILES)

    assert [record.files for record in await of(imports)] == [FILES]


async def test_files_keep_their_order_imports_theirs_and_tenants_are_apart(imports) -> None:
    many = tuple(ImportedFile(f"{number}.json", FileStatus.READ, sha256=f"{number:064x}") for number in range(1_050))
    later = replace(ENDED, id="contoso/import/2026-11-26T23:00:00Z-2", began_at=AT + timedelta(hours=1))
    other = replace(ENDED, id="fabrikam/import/2026-11-26T21:00:00Z-3", tenant="fabrikam")
    for account, files in ((later, FILES), (ENDED, many), (other, ())):
        await imports.begin(replace(account, state=ImportState.OPEN))
        await imports.end(account, files)

    assert [record.files for record in await of(imports, most=5_000)] == [many, FILES]
    cut = [(record.account.files, record.files) for record in await of(imports, most=2)]
    assert cut == [(1_050, many[:2]), (3, ())]
    assert [record.account.tenant for record in await of(imports, "fabrikam")] == ["fabrikam"]


async def test_an_import_that_never_ended_is_closed_with_what_is_known_until_it_ends_itself(imports, database) -> None:
    pages = [
        {
            "_id": f"{number}",
            "page": f"{number}",
            "slice_id": BEGUN.id,
            "tenant": "contoso",
            "stored": 2,
            "duplicate": 1,
        }
        for number in range(2)
    ]
    await database["ledger_pages"].insert_many(pages)
    facts = {"first": THEN, "last": LATER, "undated": 1}
    await database["ledger_pages"].update_one({"_id": "1"}, {"$set": {"facts": facts}})
    later, other = replace(BEGUN, id="contoso/import/9", began_at=AT + timedelta(days=1)), "fabrikam"
    for account in (BEGUN, later, replace(BEGUN, id="fabrikam/import/1", tenant=other)):
        await imports.begin(account)
    await close_interrupted(database, "contoso", later.began_at)

    [closed, still_open] = [record.account for record in await of(imports)]
    assert (closed.state, closed.ended_at, still_open.state) == (ImportState.FAILED, None, ImportState.OPEN)
    assert closed.reason.startswith("interrupted")
    assert (closed.records, closed.new, closed.duplicates, closed.undated) == (6, 4, 2, 1)
    assert (closed.first, closed.last, closed.files) == (THEN, LATER, 0)
    assert [record.account.state for record in await of(imports, other)] == [ImportState.OPEN]

    await imports.interrupt(replace(closed, reason="another"))
    assert (await of(imports))[0].account == closed
    await imports.end(ENDED, FILES)
    await close_interrupted(database, "contoso", later.began_at)
    assert (await of(imports))[0].account.state is ImportState.ENDED


def test_what_was_imported_before_there_were_accounts_is_said_to_have_none() -> None:
    source = SourceAccount("contoso", "import", since=THEN, records=3)
    record = ImportRecord(ENDED, ())

    assert "since 2025-03-01 has no account" in (without_account([source], []) or "")
    assert "since 2025-03-01 before 2026-11-26 22:00:00 UTC has no account" in (
        without_account([source], [record]) or ""
    )
    assert without_account([replace(source, since=AT)], [record]) is None
    assert without_account([replace(source, since=AT.replace(hour=0, minute=0, second=0))], [record]) is None
    assert without_account([replace(source, records=0)], []) is None
    assert without_account([replace(source, source="graph-signins")], []) is None


async def test_a_case_is_of_the_time_of_all_imports_that_have_one(imports) -> None:
    nothing = await imports.cases("contoso")
    undated = replace(ENDED, id="contoso/import/0", first=None, last=None)
    earlier = replace(ENDED, id="contoso/import/1", first=THEN - timedelta(days=400), last=THEN)
    other = replace(undated, id="fabrikam/import/2", tenant="fabrikam")
    await imports.end(ENDED, ())  # it never began: nothing is on record
    never = await imports.cases()
    for account in (undated, ENDED, earlier, other):
        await imports.begin(replace(account, state=ImportState.OPEN, first=None, last=None))
        await imports.end(account, ())

    contoso = Case("contoso", 3, TimeSpan(THEN - timedelta(days=400), LATER))
    assert (nothing, never) == ([], [])
    assert await imports.cases("contoso") == [contoso]
    assert await imports.cases() == [contoso, Case("fabrikam", 1, None)]


async def test_a_tenant_that_is_collected_from_is_no_case(imports, database) -> None:
    await imports.begin(BEGUN)
    await imports.end(ENDED, FILES)
    before = await case_span(database, "contoso")
    await MongoSources(database).advance("contoso", "graph-signins", AT, AT)

    assert before == TimeSpan(THEN, LATER)
    assert await case_span(database, "contoso") is None
    assert await case_span(database, "fabrikam") is None


def test_the_manifest_is_the_hash_of_what_sha256sum_prints(tmp_path) -> None:
    names = ["a.csv", "b c.json", "line\nfeed", "back\\slash", "carriage\rreturn"]
    for name in names:
        (tmp_path / name).write_text(name)
    printed = subprocess.run(["sha256sum", *names], cwd=tmp_path, capture_output=True, check=True).stdout
    hashes = dict(zip(names, (line.removeprefix(b"\\")[:64].decode() for line in printed.splitlines()), strict=True))
    files = [ImportedFile(name, FileStatus.READ, sha256=digest) for name, digest in hashes.items()]
    (tmp_path / "listed").write_bytes(printed)
    listed = subprocess.run(["sha256sum", "listed"], cwd=tmp_path, capture_output=True, check=True, text=True).stdout

    assert manifest_of([*files, ImportedFile("hidden", FileStatus.HIDDEN)]) == listed[:64]
    assert manifest_of([ImportedFile("hidden", FileStatus.HIDDEN)]) is None
