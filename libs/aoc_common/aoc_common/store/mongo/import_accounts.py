"""Accounts of imports: `ImportStore` and `InterruptedImports` over `imports` and `import_files`, which never expire."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, InsertOne
from pymongo.errors import BulkWriteError

from aoc_common.contracts.subjects import check_tenant
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
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import datetime

_DUPLICATE_KEY: Final = 11000
#: Files that are written at a time.
_TOGETHER: Final = 1_000
#: Digits of a file's number in its key, which sorts as the number does.
_DIGITS: Final = 9


class MongoImports:
    """See `ImportStore` and `InterruptedImports`."""

    def __init__(self, database: Database) -> None:
        self._imports = database["imports"]
        self._files = database["import_files"]

    async def begin(self, account: ImportAccount) -> None:
        """An import begins. Idempotent."""
        with translated("imports"):
            await self._imports.update_one({"_id": account.id}, {"$setOnInsert": _document(account)}, upsert=True)

    async def end(self, account: ImportAccount, files: Iterable[ImportedFile]) -> None:
        """It has ended. The files are there before the account says so; once it does it stays as it is."""
        rows = list(files)
        account = replace(account, files=len(rows), manifest=manifest_of(rows))
        for together in batched(enumerate(rows), _TOGETHER):
            await self._insert([_file_document(account, number, file) for number, file in together])
        without_end = {"_id": account.id, "$or": [{"state": ImportState.OPEN.value}, {"ended_at": None}]}
        with translated("imports"):
            await self._imports.update_one(without_end, {"$set": _document(account)})

    async def unended(self, tenant: str, before: datetime) -> list[ImportAccount]:
        """A tenant's open imports that began before a moment."""
        query = {"tenant": check_tenant(tenant), "state": ImportState.OPEN.value, "began_at": {"$lt": before}}
        with translated("imports"):
            return [_account(document) async for document in self._imports.find(query)]

    async def interrupt(self, account: ImportAccount) -> None:
        """Close one that is open, as this says. Its own end still takes the place of that."""
        open_import = {"_id": account.id, "state": ImportState.OPEN.value}
        with translated("imports"):
            await self._imports.update_one(open_import, {"$set": _document(account)})

    async def _insert(self, documents: list[Document]) -> None:
        with translated("imports"):
            try:
                await self._files.bulk_write([InsertOne(document) for document in documents], ordered=False)
            except BulkWriteError as error:
                # A try before this one wrote some of them.
                problems = (error.details or {}).get("writeErrors", [])
                if not problems or any(problem.get("code") != _DUPLICATE_KEY for problem in problems):
                    raise

    async def records(self, tenant: str, most_files: int) -> AsyncIterator[ImportRecord]:
        """A tenant's imports, the oldest first, with at most so many files of all together."""
        of_tenant = {"tenant": check_tenant(tenant)}
        left = most_files
        with translated("imports"):
            async for document in self._imports.find(of_tenant).sort([("began_at", ASCENDING), ("_id", ASCENDING)]):
                account = _account(document)
                files = await self._files_of(account.id, left) if left and account.files else ()
                left -= len(files)
                yield ImportRecord(account, files)

    async def _files_of(self, import_id: str, most: int) -> tuple[ImportedFile, ...]:
        ours: Document = {"_id": {"$gte": _key(import_id, 0), "$lt": _key(import_id, 10**_DIGITS - 1)}}
        cursor = self._files.find(ours).sort("_id", ASCENDING).limit(most)
        return tuple([_file(document) async for document in cursor])

    async def cases(self, tenant: str | None = None) -> list[Case]:
        """What was imported for this tenant, or for each, by name."""
        which: Document = {} if tenant is None else {"tenant": check_tenant(tenant)}
        # $min and $max leave out imports that have no times.
        times: Document = {"first": {"$min": "$first"}, "last": {"$max": "$last"}}
        groups: Document = {"$group": {"_id": "$tenant", "imports": {"$sum": 1}, **times}}
        with translated("imports"):
            found = await self._imports.aggregate([{"$match": which}, groups]).to_list(None)
        return [_case(group) for group in sorted(found, key=lambda group: str(group["_id"]))]


def _case(group: Mapping[str, Any]) -> Case:
    span = TimeSpan(group["first"], group["last"]) if group["first"] is not None else None
    return Case(group["_id"], int(group["imports"]), span)


def _key(import_id: str, number: int) -> str:
    return f"{import_id}#{number:0{_DIGITS}}"


def _document(account: ImportAccount) -> Document:
    document = asdict(account)
    del document["id"]
    return document | {"state": account.state.value, "paths": list(account.paths)}


def _account(document: Mapping[str, Any]) -> ImportAccount:
    values = {one.name: document[one.name] for one in fields(ImportAccount) if one.name in document}
    values |= {"state": ImportState(document["state"]), "paths": tuple(document["paths"])}
    return ImportAccount(id=document["_id"], **values)


def _file_document(account: ImportAccount, number: int, file: ImportedFile) -> Document:
    document = {"_id": _key(account.id, number), "tenant": account.tenant, **asdict(file)}
    return document | {"status": file.status.value}


def _file(document: Mapping[str, Any]) -> ImportedFile:
    values = {one.name: document[one.name] for one in fields(ImportedFile) if one.name in document}
    return ImportedFile(**values | {"status": FileStatus(document["status"])})
