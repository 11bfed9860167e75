"""The `alerts` collection: alerts, each with what of it is still to be published (`outbox`).

An alert and what is to be published of it are one document, so that neither is ever there without the other. `waiting`
is there while the outbox has something.
"""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Final

from pymongo import DESCENDING, UpdateOne

from aoc_common.contracts.ids import lowest_id
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import Unreachable
from aoc_common.store.alert_outbox import Waiting
from aoc_common.store.alert_search import AlertFacts
from aoc_common.store.alerts import MOST_WAITING, StoredAlert
from aoc_common.store.mongo.alert_documents import alert_of, document_of, message_of, waiting_of
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.compare_and_set import compare_and_set

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.alert import Alert
    from aoc_common.store.alert_search import AlertQuery
    from aoc_common.store.alerts import AlertWrite

_BODIES: Final = {"outbox.body": 0, "outbox.headers": 0}
_FACTS: Final = ("rule.id", "rule.title", "severity", "status", "created_at", "acknowledged_at", "resolved_at")


class MongoAlerts:
    """`AlertStore` over `alerts`.

    `keep`: for how long what is written is kept from then on; None, for who only changes alerts: as long as before.
    """

    def __init__(self, database: Database, keep: timedelta | None) -> None:
        self._alerts = database["alerts"]
        self._keep = keep

    async def of(self, ids: Collection[UUID]) -> Mapping[UUID, StoredAlert]:
        """Those of these alerts that are there."""
        found: dict[UUID, StoredAlert] = {}
        with translated("alerts"):
            for some in batched(ids, BATCH_SIZE):
                async for one in self._alerts.find({"_id": {"$in": list(some)}}, _BODIES):
                    found[one["_id"]] = stored_of(one)
        return found

    async def write(self, writes: Sequence[AlertWrite]) -> frozenset[UUID]:
        """Store each, and what is to be published of it, if it is still as it was read."""
        updates = [self._update(write) for write in writes]
        done: set[UUID] = set()
        with translated("alerts"):
            for some in batched(updates, BATCH_SIZE):
                done |= await compare_and_set(self._alerts, some, "edition")
        return frozenset(done)

    def _update(self, write: AlertWrite) -> tuple[Document, Document]:
        after, before = write.after, write.before
        if write.message is not None and before is not None and before.waiting >= MOST_WAITING:
            raise Unreachable(f"alert {after.id}: {before.waiting} revisions of it wait to be published")
        query = {"_id": after.id, "tenant": check_tenant(after.tenant), "edition": before.edition if before else 0}
        values = document_of(after)
        if self._keep is not None:
            values["expire_at"] = after.changed_at + self._keep
        if write.message is None:
            return query, {"$set": values}
        return query, {"$set": values | {"waiting": True}, "$push": {"outbox": waiting_of(write.message)}}


class MongoAlertOutbox:
    """`AlertOutbox` over `alerts`."""

    def __init__(self, database: Database) -> None:
        self._alerts = database["alerts"]

    async def waiting(self, most: int) -> Sequence[Waiting]:
        """Of at most so many alerts."""
        with translated("alerts"):
            found = await self._alerts.find({"waiting": True}, {"tenant": 1, "outbox": 1}).limit(most).to_list(most)
        return [Waiting(one["tenant"], one["_id"], tuple(map(message_of, one.get("outbox", ())))) for one in found]

    async def published(self, done: Sequence[Waiting]) -> None:
        """These revisions are on the stream."""
        pulls, ends = [], []
        for one in done:
            query = {"_id": one.alert, "tenant": check_tenant(one.tenant)}
            last = max((message.revision for message in one.messages), default=0)
            pulls.append(UpdateOne(query, {"$pull": {"outbox": {"revision": {"$lte": last}}}}))
            ends.append(UpdateOne({**query, "outbox": {"$size": 0}}, {"$unset": {"waiting": ""}}))
        if done:
            with translated("alerts"):
                await self._alerts.bulk_write(pulls, ordered=False)
                await self._alerts.bulk_write(ends, ordered=False)


class MongoAlertSearch:
    """`AlertSearch` over `alerts`."""

    def __init__(self, database: Database) -> None:
        self._alerts = database["alerts"]

    async def search(self, query: AlertQuery) -> Sequence[Alert]:
        """The newest that match, at most `limit`."""
        with translated("alerts"):
            cursor = self._alerts.find(_filter(query), {"outbox": 0}).sort("_id", DESCENDING).limit(query.limit)
            return [alert_of(document) for document in await cursor.to_list(query.limit)]

    async def get(self, scope: Scope, alert_id: UUID) -> StoredAlert | None:
        """One of them; None where there is none."""
        with translated("alerts"):
            document = await self._alerts.find_one({**_seen(scope), "_id": alert_id}, _BODIES)
        return None if document is None else stored_of(document)

    async def facts(self, query: AlertQuery) -> Sequence[AlertFacts]:
        """Of the newest that match, at most `limit`."""
        with translated("alerts"):
            cursor = self._alerts.find(_filter(query), dict.fromkeys(_FACTS, 1))
            found = await cursor.sort("_id", DESCENDING).limit(query.limit).to_list(query.limit)
        return [_facts(document) for document in found]


def stored_of(document: Document) -> StoredAlert:
    """The alert of a document, and how it is stored."""
    return StoredAlert(alert_of(document), document["edition"], len(document.get("outbox", ())))


def _seen(scope: Scope) -> Document:
    """Alerts none of whose events is hidden."""
    hidden = {"services": scope.hidden.services, "operations": scope.hidden.operations}
    return {"tenant": scope.tenant} | {name: {"$nin": sorted(of)} for name, of in hidden.items() if of}


def _filter(query: AlertQuery) -> Document:
    made = _seen(query.scope)
    equal = {
        "rule.id": query.rule,
        "assignee.id": query.assignee,
        "events.id": query.event,
        "ticket.id": query.ticket,
    }
    made |= {name: value for name, value in equal.items() if value is not None}
    made |= {name: {"$in": list(of)} for name, of in (("status", query.statuses), ("severity", query.severities)) if of}
    above = None if query.start is None else lowest_id(query.start)
    below = [
        bound for bound in (query.before, None if query.end is None else lowest_id(query.end)) if bound is not None
    ]
    ids = ({"$gte": above} if above is not None else {}) | ({"$lt": min(below)} if below else {})
    return made | ({"_id": ids} if ids else {})


def _facts(document: Document) -> AlertFacts:
    created: datetime = document["created_at"]
    since = {name: document[name] and (document[name] - created).total_seconds() for name in _FACTS[-2:]}
    return AlertFacts(
        document["_id"],
        document["rule"]["id"],
        document["rule"]["title"],
        document["severity"],
        document["status"],
        created,
        since["acknowledged_at"],
        since["resolved_at"],
    )
