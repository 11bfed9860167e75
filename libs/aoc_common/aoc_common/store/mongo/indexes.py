"""The indexes of a collection: which it has, which it lacks, and making them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase

    from aoc_common.store.mongo.server_kinds import Server

#: What makes an index another one: options that change what it does or forbids.
_EXPIRES: Final = "expireAfterSeconds"
_OPTIONS: Final = ("unique", "sparse", _EXPIRES, "partialFilterExpression", "collation", "hidden")
_DUPLICATE_KEY: Final = 11000
#: DuplicateKey, CannotCreateIndex, IndexOptionsConflict, IndexKeySpecsConflict.
_REFUSED: Final = frozenset({_DUPLICATE_KEY, 67, 85, 86})


def for_server(declared: Iterable[IndexModel], server: Server) -> list[IndexModel]:
    """The indexes as a server shall have them: one that must not let documents expire leads to those that have."""
    return [index if server.expires else _lasting(index) for index in declared]


def _lasting(index: IndexModel) -> IndexModel:
    options = {name: value for name, value in index.document.items() if name not in {"key", _EXPIRES}}
    return IndexModel(list(index.document["key"].items()), **options)


async def make(collection: AsyncIOMotorCollection[Any], indexes: Sequence[IndexModel]) -> None:
    """All by one command, so that documents are read once; when it is refused one by one, to name the one at fault.

    Raises `BadConfiguration` for one that the server refuses, and the driver's errors.
    """
    try:
        if indexes:
            await collection.create_indexes(indexes)
    except OperationFailure as error:
        if error.code not in _REFUSED:
            raise
        if len(indexes) == 1:
            raise BadConfiguration(_why_refused(collection.name, indexes[0], error)) from None
        for index in indexes:
            await make(collection, [index])


async def held(
    database: AsyncIOMotorDatabase[Any], name: str, there: Container[str]
) -> Mapping[str, Mapping[str, Any]]:
    """Name -> what the index is, of a collection; none when it is not `there`. Raises the driver's errors."""
    indexes: Mapping[str, Mapping[str, Any]] = await database[name].index_information() if name in there else {}
    return indexes


def lacking(declared: Iterable[IndexModel], held: Mapping[str, Mapping[str, Any]]) -> list[IndexModel]:
    """Indexes of which there is none that does the same, whatever its name."""
    there = [effect(index) for index in held.values()]
    return [index for index in declared if effect_of(index) not in there]


def effect_of(declared: IndexModel) -> dict[str, Any]:
    """`effect` of an index as it is declared."""
    return effect({**declared.document, "key": list(declared.document["key"].items())})


def effect(index: Mapping[str, Any]) -> dict[str, Any]:
    """What an index does and forbids, whatever its name."""
    options = {name: value for name in _OPTIONS if (value := index.get(name))}
    return options | {"key": [tuple(pair) for pair in index["key"]]}


def _why_refused(collection: str, index: IndexModel, error: OperationFailure) -> str:
    name = f"index {collection}.{index.document['name']} cannot be made"
    if error.code == _DUPLICATE_KEY:
        twice = (error.details or {}).get("keyValue", error)
        return f"{name}: several documents have {twice}; leave one of them, then run aoc provision again"
    return f"{name}: {str((error.details or {}).get('errmsg', error))[:300]}"
