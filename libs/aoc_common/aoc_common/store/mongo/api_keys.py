"""API keys in MongoDB."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from pymongo import DESCENDING, UpdateOne

from aoc_common.errors import NotFound
from aoc_common.store.api_keys import ApiKey
from aoc_common.store.mongo.access_documents import grants_from, grants_to
from aoc_common.store.mongo.client import Database, check_known, translated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.contracts.credentials import Fingerprint

_SHOWN: Final = 1_000


class MongoApiKeys:
    """`ApiKeyStore` and `ApiKeyReading` over `api_keys`, by their ids."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = database["api_keys"]

    async def put(self, key: ApiKey, of: Fingerprint) -> None:
        """Store a key, or renew the one that is there."""
        new = {"hash": of.hash, "made_by": key.made_by, "made_at": key.made_at, "used_at": None}
        new |= {"revoked_at": None, "revoked_by": None}
        changed = {"name": key.name, "grants": grants_to(key.grants), "expires_at": key.expires_at}
        changed |= {"directories": dict(key.directories)}
        with translated("API keys"):
            await self._keys.update_one({"_id": key.id}, {"$setOnInsert": new, "$set": changed}, upsert=True)

    async def find(self, of: Fingerprint) -> ApiKey | None:
        """The key with this fingerprint, valid or not."""
        check_known(self._database)
        with translated("API keys"):
            document = await self._keys.find_one({"_id": of.id})
        if document is None or not compare_digest(document["hash"], of.hash):
            return None
        return _key(document)

    async def get(self, key_id: str) -> ApiKey | None:
        """The key with this id, valid or not."""
        with translated("API keys"):
            document = await self._keys.find_one({"_id": key_id})
        return None if document is None else _key(document)

    async def listed(self, made_by: str | None = None) -> list[ApiKey]:
        """Keys, the newest first."""
        which = {} if made_by is None else {"made_by": made_by}
        order = [("made_at", DESCENDING), ("_id", DESCENDING)]
        with translated("API keys"):
            return [_key(document) for document in await self._keys.find(which).sort(order).to_list(_SHOWN)]

    async def revoke(self, key_id: str, by: str, at: datetime, made_by: str | None = None) -> ApiKey:
        """End a key. Raises `NotFound`."""
        which = {"_id": key_id} | ({} if made_by is None else {"made_by": made_by})
        with translated("API keys"):
            ended = {"$set": {"revoked_at": at, "revoked_by": by}}
            await self._keys.update_one({**which, "revoked_at": None}, ended)
            document = await self._keys.find_one(which)
        if document is None:
            raise NotFound("There is no such API key.")
        return _key(document)

    async def note_used(self, used: Mapping[str, datetime]) -> None:
        """When keys were used last."""
        if used:
            noted = [UpdateOne({"_id": key_id}, {"$max": {"used_at": at}}) for key_id, at in used.items()]
            with translated("API keys"):
                await self._keys.bulk_write(noted, ordered=False)


def _key(document: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        id=document["_id"],
        name=document["name"],
        grants=grants_from(document["grants"]),
        made_by=document["made_by"],
        made_at=document["made_at"],
        expires_at=document["expires_at"],
        used_at=document["used_at"],
        revoked_at=document["revoked_at"],
        revoked_by=document["revoked_by"],
        directories=document.get("directories", {}),
    )
