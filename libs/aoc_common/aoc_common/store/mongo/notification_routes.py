"""The `notification_routes` collection: how each route fares."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING

from aoc_common.contracts.notifications import RouteState
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.contracts.notifications import Counted

_TOLD: Final = ("settings", "life", "seen_at", "words", "waiting", "oldest_at")


class MongoNotificationRoutes:
    """`NotificationRouteStore` over `notification_routes`."""

    def __init__(self, database: Database) -> None:
        self._routes = database["notification_routes"]
        self._notifications = database["notifications"]

    async def all(self) -> Sequence[RouteState]:
        """Every route, by name."""
        with translated("notification routes"):
            return [_state(document) async for document in self._routes.find().sort("_id", ASCENDING)]

    async def tell(self, state: RouteState, added: Counted) -> None:
        """Say how it fares."""
        said = asdict(state)
        change: Document = {"$set": {name: said[name] for name in _TOLD}, "$inc": asdict(added)}
        if state.sent_at is not None:
            change["$set"]["sent_at"] = state.sent_at
        if state.error_at is not None:
            change["$set"] |= {"error": state.error, "error_at": state.error_at}
        with translated("notification routes"):
            await self._routes.update_one({"_id": state.name}, change, upsert=True)

    async def backlog(self, route: str) -> tuple[int, datetime | None]:
        """How many wait, and since when."""
        query = {"route": route, "state": "waiting"}
        with translated("notifications"):
            count = await self._notifications.count_documents(query)
            found = await self._notifications.find(query, {"since": 1}).sort("since", ASCENDING).limit(1).to_list(1)
        return count, found[0]["since"] if found else None

    async def forget(self, route: str) -> None:
        """The route is no more."""
        with translated("notification routes"):
            await self._notifications.delete_many({"route": route, "state": "waiting"})
            await self._routes.delete_one({"_id": route})


def _state(document: Document) -> RouteState:
    held = {name: value for name, value in document.items() if name != "_id"}
    return RouteState(name=document["_id"], **held)
