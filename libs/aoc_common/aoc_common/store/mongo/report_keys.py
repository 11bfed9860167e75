"""The register of the keys that reports are signed with, and the installation's own id."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from aoc_common.contracts.report_keys import PublishedKey, thumbprint
from aoc_common.store.mongo.client import Database, translated

if TYPE_CHECKING:
    from datetime import datetime

_SHOWN: Final = 1_000
_OURS: Final = {"_id": "installation"}


class MongoKeyRegister:
    """`KeyRegister` over `report_keys`, by their ids, and `installation`, a single document."""

    def __init__(self, database: Database) -> None:
        self._keys = database["report_keys"]
        self._installation = database["installation"]

    async def publish(self, key: bytes, at: datetime) -> None:
        """This public key signs from now on."""
        # Two at once that find none both insert it: the second is told that it is there.
        with translated("report keys"), suppress(DuplicateKeyError):
            await self._keys.update_one(
                {"_id": thumbprint(key)},
                {"$setOnInsert": {"key": key, "published_at": at, "retired_at": None}},
                upsert=True,
            )

    async def retire(self, kid: str, at: datetime) -> bool:
        """It signs no more; False when there is no such key."""
        with translated("report keys"):
            await self._keys.update_one({"_id": kid, "retired_at": None}, {"$set": {"retired_at": at}})
            return await self._keys.find_one({"_id": kid}, {"_id": 1}) is not None

    async def published(self) -> list[PublishedKey]:
        """Every key, the newest first."""
        order = [("published_at", DESCENDING), ("_id", DESCENDING)]
        with translated("report keys"):
            return [
                PublishedKey(document["_id"], bytes(document["key"]), document["published_at"], document["retired_at"])
                for document in await self._keys.find().sort(order).to_list(_SHOWN)
            ]

    async def installation(self) -> str:
        """The id of this installation."""
        with translated("installation"):
            if (document := await self._installation.find_one(_OURS)) is None:
                document = {**_OURS, "id": str(uuid4())}
                try:
                    await self._installation.insert_one(document)
                except DuplicateKeyError:  # somebody was quicker
                    document = await self._installation.find_one(_OURS) or document
        return str(document["id"])
