"""A collection of somebody else's, read as it is. Nothing is written there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bson import json_util
from bson.binary import UuidRepresentation

from aoc_common.errors import NotFound
from aoc_common.store.mongo.client import connect, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aoc_common.settings import MongoSettings

_BATCH: Final = 500
#: Documents as text of which nothing is lost, ids of events included.
EXTENDED_JSON: Final = json_util.RELAXED_JSON_OPTIONS.with_options(uuid_representation=UuidRepresentation.STANDARD)


async def documents(settings: MongoSettings, collection: str) -> AsyncIterator[Mapping[str, Any]]:
    """Every document, in the order of their ids.

    Raises `NotFound` when there is no such collection, `BadConfiguration` for a wrong connection string, `Transient`.
    """
    async with connect(settings) as database:
        with translated(f"{settings.database}.{collection}"):
            if collection not in (names := await database.list_collection_names()):
                there = f"; there are {', '.join(sorted(names)[:20])}" if names else "; the database is empty"
                raise NotFound(f"there is no collection {settings.database}.{collection}{there}")
            async for document in database[collection].find({}).sort("_id", 1).batch_size(_BATCH):
                yield document


def extended_json(document: Mapping[str, Any]) -> str:
    """A document as MongoDB's relaxed Extended JSON, in one line: nothing of it is lost."""
    return json_util.dumps(document, json_options=EXTENDED_JSON)
