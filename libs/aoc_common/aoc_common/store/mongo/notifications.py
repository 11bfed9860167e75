"""The `notifications` collection: a document for each route and alert.

`wanted` and `told` are grades. A document waits while its state says so; `told` never goes down but by a decision.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING, UpdateOne

from aoc_common.contracts.notifications import Notification, grade, notification_key
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from aoc_common.contracts.notifications import Settled, Want

_KEPT: Final = timedelta(days=90)
_DONE: Final = ("sent", "refused", "dropped")


class MongoNotifications:
    """`NotificationStore` over `notifications`."""

    def __init__(self, database: Database) -> None:
        self._notifications = database["notifications"]

    async def want(self, wants: Sequence[Want], now: datetime) -> None:
        """Two writes for each: the first makes it, the second has it wait again when it is graver than was told."""
        writes = [write for want in wants for write in _wanting(want, now)]
        if writes:
            with translated("notifications"):
                await self._notifications.bulk_write(writes)

    async def due(self, route: str, now: datetime, most: int) -> Sequence[Notification]:
        """Those that may be sent now."""
        query = {"route": route, "state": "waiting", "due_at": {"$lte": now}}
        with translated("notifications"):
            found = await self._notifications.find(query).sort("due_at", ASCENDING).limit(most).to_list(most)
        return [_notification(document) for document in found]

    async def sending(self, notifications: Sequence[Notification]) -> None:
        """Mark them."""
        writes = [UpdateOne(_id(one), {"$set": {"sending": True}}) for one in notifications]
        if writes:
            with translated("notifications"):
                await self._notifications.bulk_write(writes, ordered=False)

    async def settle(self, settled: Sequence[Settled], now: datetime) -> None:
        """What came of them."""
        writes = [write for one in settled for write in _settling(one, now)]
        if writes:
            with translated("notifications"):
                await self._notifications.bulk_write(writes)

    async def again(self, route: str, tenant: str, alert: UUID, now: datetime) -> bool:
        """Have one told once more."""
        query = {"_id": notification_key(route, alert), "tenant": check_tenant(tenant)}
        waits = {"state": "waiting", "told": 0, "tries": 0, "since": now, "due_at": now, "expire_at": now + _KEPT}
        with translated("notifications"):
            return bool((await self._notifications.update_one(query, {"$set": waits})).matched_count)


def _wanting(want: Want, now: datetime) -> list[UpdateOne]:
    key, wanted = notification_key(want.route, want.alert), grade(want.severity)
    waits = {
        "state": "waiting", "tries": 0, "sending": False, "since": now, "due_at": want.due_at or now,
        "gather": want.gather,
    }  # fmt: skip
    made = {**waits, "tenant": check_tenant(want.tenant), "route": want.route, "alert": want.alert, "told": 0}
    query = {"_id": key, "tenant": want.tenant}
    first = {"$setOnInsert": {**made, "expire_at": now + _KEPT}, "$max": {"wanted": wanted}}
    writes = [UpdateOne(query, first, upsert=True)]
    if want.again:
        graver = {**query, "state": {"$in": list(_DONE)}, "told": {"$lt": wanted}}
        writes.append(UpdateOne(graver, {"$set": {**waits, "expire_at": now + _KEPT}}))
    if not want.gather:
        # It waits for a digest, and has become too severe for that.
        gathered = {**query, "state": "waiting", "gather": True}
        writes.append(UpdateOne(gathered, {"$set": {"gather": False, "due_at": want.due_at or now}}))
    return writes


def _settling(one: Settled, now: datetime) -> list[UpdateOne]:
    item, query = one.notification, _id(one.notification)
    if one.state == "waiting":
        later = {"sending": one.unknown, "tries": item.tries + 1, "due_at": one.due_at or now, "words": one.words}
        return [UpdateOne(query, {"$set": later})]
    told = max(item.wanted, one.told)
    done = {"told": told, "sending": False, "tries": 0, "words": one.words}
    return [
        # It became more severe while it was sent.
        UpdateOne({**query, "wanted": {"$gt": told}}, {"$set": {**done, "since": now, "due_at": now}}),
        UpdateOne(
            {**query, "wanted": {"$lte": told}},
            {"$set": {**done, "state": one.state, "at": now, "expire_at": now + _KEPT}},
        ),
    ]


def _id(one: Notification) -> Document:
    return {"_id": one.key, "tenant": one.tenant}


def _notification(document: Document) -> Notification:
    return Notification(
        route=document["route"],
        tenant=document["tenant"],
        alert=document["alert"],
        wanted=document["wanted"],
        told=document["told"],
        gather=document["gather"],
        since=document["since"],
        due_at=document["due_at"],
        tries=document["tries"],
        sending=document["sending"],
    )
