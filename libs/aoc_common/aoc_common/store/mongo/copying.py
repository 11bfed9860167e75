"""Copying all of a server to another one, and proving that it arrived."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from pymongo import IndexModel

from aoc_common.errors import Permanent
from aoc_common.store.mongo.client import RAW_CODEC, connect, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from bson.raw_bson import RawBSONDocument
    from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase

    from aoc_common.settings import MongoSettings

type Raw = AsyncIOMotorCollection[RawBSONDocument]

#: Databases of a server's own: users are created anew, the others are of this one server alone.
_SYSTEM: Final = frozenset({"admin", "config", "local"})
_BATCH: Final = 500
_DIGEST_BYTES: Final = 16
#: What an index is, beside its name and key.
_OPTIONS: Final = ("unique", "sparse", "expireAfterSeconds", "partialFilterExpression")


@dataclass(slots=True)
class Content:
    """How many documents, and a digest of all of them in any order: the sum of theirs, byte for byte."""

    documents: int = 0
    digest: int = 0

    def add(self, document: bytes | memoryview) -> None:
        """One more."""
        self.documents += 1
        number = int.from_bytes(blake2b(document, digest_size=_DIGEST_BYTES).digest())
        self.digest = (self.digest + number) % (1 << 8 * _DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class Copied:
    """A collection that is the same on both servers."""

    collection: str
    content: Content


async def copy_all(source: MongoSettings, target: MongoSettings, report: Callable[[Copied], None]) -> None:
    """Copy every collection, verify it, then make its indexes; the target is empty before.

    Raises `Permanent` for a collection that did not arrive as it was, `Unreachable`.
    """
    async with connect(source) as before, connect(target) as after:
        with translated("copying"):
            for name in sorted(set(await before.client.list_database_names()) - _SYSTEM):
                await _copy_database(before.client[name], after.client[name], report)


async def _copy_database(
    source: AsyncIOMotorDatabase[Any], target: AsyncIOMotorDatabase[Any], report: Callable[[Copied], None]
) -> None:
    for name in sorted(await source.list_collection_names()):
        if name.startswith("system."):
            continue
        before: Raw = source.get_collection(name, codec_options=RAW_CODEC)
        after: Raw = target.get_collection(name, codec_options=RAW_CODEC)
        content = Content()
        async for batch in _batches(before):
            for document in batch:
                content.add(document.raw)
            await after.insert_many(batch, ordered=False)
        await _verify(f"{source.name}.{name}", before, after, content)
        # Only now: an index that lets documents expire must not do so while they are compared.
        await _copy_indexes(before, after)
        report(Copied(f"{source.name}.{name}", content))


async def _verify(name: str, before: Raw, after: Raw, content: Content) -> None:
    arrived = Content()
    async for batch in _batches(after):
        for document in batch:
            arrived.add(document.raw)
    if arrived != content:
        raise Permanent(
            f"{name}: {content.documents} documents were copied, {arrived.documents} arrived, or not as they were"
        )
    # The source may let documents expire meanwhile; it gets no new ones.
    if (left := await before.count_documents({})) > content.documents:
        raise Permanent(f"{name}: {left} documents are there, {content.documents} were read")


async def _batches(collection: Raw) -> AsyncIterator[Sequence[RawBSONDocument]]:
    batch: list[RawBSONDocument] = []
    async for document in collection.find({}).batch_size(_BATCH):
        batch.append(document)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _copy_indexes(before: Raw, after: Raw) -> None:
    models = [
        IndexModel(list(index["key"]), name=name, **{option: index[option] for option in _OPTIONS if option in index})
        for name, index in (await before.index_information()).items()
        if name != "_id_"
    ]
    if models:
        await after.create_indexes(models)
