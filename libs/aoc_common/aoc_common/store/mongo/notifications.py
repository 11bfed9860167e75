"""The `notifications` collection: a document for each route and alert, as long as the alert may be kept.

`wanted`, `passed` and `told` are grades. A document waits while its state says so; `passed` goes down by a decision,
and when it was told that the alert is over: one that is opened again is another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING, UpdateOne

from aoc_common.contracts.notifications import Notification, grade, notification_key
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from aoc_common.contracts.notifications import RouteRequest, Settled

_DONE: Final = {"$in": ["sent", "refused", "dropped"]}


class MongoNotifications:
    """`NotificationStore` over `notifications`. `kept`: for how long after the alert's last revision, as alerts are."""

    def __init__(self, database: Database, kept: timedelta) -> None:
        self._notifications = database["notifications"]
        self._kept = kept

    async def want(self, wants: Sequence[RouteRequest], now: datetime) -> None:
        """Up to three writes for each: the first makes it, the others have it wait again, or with others no more."""
        writes = [write for want in wants for write in _wanting(want, now, now + self._kept)]
        if writes:
            with translated("notifications"):
                await self._notifications.bulk_write(writes)

    async def due(self, route: str, now: datetime, most: int, latest: datetime) -> Sequence[Notification]:
        """Those that may be sent now, or are to wait for too long."""
        found: list[Document] = []
        with translated("notifications"):
            for due_at in ({"$lte": now}, {"$gt": latest}):
                query = {"route": route, "state": "waiting", "due_at": due_at}
                found = await self._notifications.find(query).sort("due_at", ASCENDING).limit(most).to_list(most)
                if found:
                    break
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

    async def retry(self, route: str, tenant: str, alert: UUID, now: datetime) -> bool:
        """Have one told once more."""
        query = {"_id": notification_key(route, alert), "tenant": check_tenant(tenant)}
        waits = {**_waits(now), "passed": 0}
        change: Document = {"$set": waits, "$max": {"expire_at": now + self._kept}}
        with translated("notifications"):
            return bool((await self._notifications.update_one(query, change)).matched_count)


def _waits(now: datetime) -> Document:
    return {"state": "waiting", "tries": 0, "tried_since": None, "sending": False, "since": now, "due_at": now}


def _wanting(want: RouteRequest, now: datetime, expire_at: datetime) -> list[UpdateOne]:
    query = {"_id": notification_key(want.route, want.alert), "tenant": check_tenant(want.tenant)}
    waits = {**_waits(now), "due_at": want.due_at or now, "gather": want.gather}
    if want.asks == "end":
        return [UpdateOne({**query, "state": _DONE, "told": {"$gt": 0}}, {"$set": waits})]
    wanted = grade(want.severity)
    made = {**waits, "route": want.route, "alert": want.alert, "told": 0, "ends": 0}
    latest = {"$max": {"wanted": wanted, "expire_at": expire_at}}
    if want.asks == "pass":
        passed = {**made, "state": "dropped", "passed": wanted}
        return [
            UpdateOne(query, {"$setOnInsert": passed, **latest}, upsert=True),
            UpdateOne({**query, "state": _DONE, "passed": {"$lt": wanted}}, {"$set": {"passed": wanted}}),
        ]
    # What was never told is told whatever the route says of what becomes graver.
    graver = {**query, "state": _DONE, "passed": {"$lt": wanted} if want.again else 0}
    writes = [
        UpdateOne(query, {"$setOnInsert": {**made, "passed": 0}, **latest}, upsert=True),
        UpdateOne(graver, {"$set": waits}),
    ]
    if not want.gather:
        # It waits for a digest, and has become too severe for that.
        gathered = {**query, "state": "waiting", "gather": True}
        writes.append(UpdateOne(gathered, {"$set": {"gather": False, "due_at": want.due_at or now}}))
    return writes


def _settling(one: Settled, now: datetime) -> list[UpdateOne]:
    item, query = one.notification, _id(one.notification)
    if one.state == "waiting":
        later = {
            "sending": one.unknown, "tries": item.tries + 1, "tried_since": item.tried_since or now,
            "due_at": one.due_at or now, "words": one.words,
        }  # fmt: skip
        return [UpdateOne(query, {"$set": later})]
    done = {"sending": False, "tries": 0, "tried_since": None, "words": one.words}
    if one.over:
        over = {**done, "state": one.state, "passed": 0, "told": 0, "at": now}
        return [UpdateOne(query, {"$set": over, "$inc": {"ends": 1}})]
    passed = max(item.wanted, one.told)
    if one.state != "dropped":
        # What is dropped was not told: should the alert be opened again, it is.
        done |= {"passed": passed}
    if one.state == "sent":
        done |= {"told": passed}
    return [
        # It became more severe while it was sent.
        UpdateOne({**query, "wanted": {"$gt": passed}}, {"$set": {**done, "since": now, "due_at": now}}),
        UpdateOne({**query, "wanted": {"$lte": passed}}, {"$set": {**done, "state": one.state, "at": now}}),
    ]


def _id(one: Notification) -> Document:
    return {"_id": one.key, "tenant": one.tenant}


def _notification(document: Document) -> Notification:
    return Notification(
        route=document["route"],
        tenant=document["tenant"],
        alert=document["alert"],
        wanted=document["wanted"],
        passed=document["passed"],
        told=document["told"],
        gather=document["gather"],
        since=document["since"],
        due_at=document["due_at"],
        ends=document["ends"],
        tries=document["tries"],
        tried_since=document["tried_since"],
        sending=document["sending"],
    )
