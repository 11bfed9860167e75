"""The tenants' directories: `directory` holds a document an entity, `directory_state` one a tenant and kind.

A document's `_id` is `{tenant}/{object id}`. `keys` are the spellings that it is found by; `roles` and `privileged` are
there only for those who hold roles, so that their index holds nobody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, ReturnDocument, UpdateOne

from aoc_common.contracts.directory import Entity, is_service_account, key
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.directories import Learnt, SyncState
from aoc_common.store.mongo.client import Database, Document, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.directory import EntityKind
    from aoc_common.store.directories import Held, Sighting

#: The facts of an entity that nobody has told anything about.
_NOTHING: Final[Mapping[str, Any]] = {
    "name": None,
    "upn": None,
    "app_id": None,
    "enabled": None,
    "guest": None,
    "department": None,
    "licensed": None,
    "aliases": [],
}
#: A change of one of these is told by `changed`.
_SHOWN: Final = ("kind", "name", "keys")
_ERROR_LENGTH: Final = 500


class MongoDirectory:
    """`DirectoryNames` and `DirectoryStore` over `directory`."""

    def __init__(self, database: Database) -> None:
        self._entities = database["directory"]

    async def find(self, tenant: str, keys: Sequence[str]) -> dict[str, Entity]:
        """Those of these keys that a tenant's directory knows. One query.

        Of two entities with one key (a user name that was given away again) it is the one whose own id it is, then
        the one that changed last.
        """
        wanted = {"tenant": check_tenant(tenant), "keys": {"$in": list(keys)}}
        best: dict[str, Document] = {}
        asked = set(keys)
        with translated("directory"):
            async for document in self._entities.find(wanted):
                for one in asked.intersection(document["keys"]):
                    if one not in best or _rank(document, one) > _rank(best[one], one):
                        best[one] = document
        return {one: _entity(document) for one, document in best.items()}

    async def changed(self, since: datetime, limit: int) -> list[Learnt]:
        """Entities that became known or changed their name after `since`, oldest first."""
        found = await self._changed({"changed_at": {"$gt": since}}, limit)
        if found and len(found) == limit:
            last = found[-1]
            found += await self._changed({"changed_at": last["changed_at"], "_id": {"$gt": last["_id"]}}, None)
        return [Learnt(document["tenant"], tuple(document["keys"]), document["changed_at"]) for document in found]

    async def _changed(self, wanted: Document, limit: int | None) -> list[Document]:
        fields = {"tenant": 1, "keys": 1, "changed_at": 1}
        with translated("directory"):
            cursor = self._entities.find(wanted, fields).sort([("changed_at", ASCENDING), ("_id", ASCENDING)])
            found: list[Document] = await (cursor if limit is None else cursor.limit(limit)).to_list(limit)
        return found

    async def put(
        self, tenant: str, sightings: Sequence[Sighting], generation: int, at: datetime, *, whole: bool
    ) -> None:
        """Store what was seen: one query for what is known, one write for what differs from it."""
        check_tenant(tenant)
        seen = {_identity(tenant, sighting.id): sighting for sighting in sightings}
        if not seen:
            return
        with translated("directory"):
            known = {document["_id"]: document async for document in self._entities.find({"_id": {"$in": list(seen)}})}
            writes = []
            for identity, sighting in seen.items():
                old = known.get(identity)
                update = _update(old, tenant, sighting, generation, at, whole=whole)
                if update is not None:
                    # One that somebody else forgot meanwhile does not come back as a part of itself.
                    writes.append(UpdateOne({"_id": identity}, update, upsert=old is None))
            if writes:
                await self._entities.bulk_write(writes, ordered=False)

    async def remove(self, tenant: str, kind: EntityKind, ids: Sequence[str]) -> None:
        """Forget these entities."""
        check_tenant(tenant)
        identities = [_identity(tenant, one) for one in ids]
        if identities:
            with translated("directory"):
                await self._entities.delete_many({"_id": {"$in": identities}, "kind": kind})

    async def sweep(self, tenant: str, kind: EntityKind, generation: int) -> int:
        """Forget the entities of a kind that were last seen before this generation; how many."""
        old = {"tenant": check_tenant(tenant), "kind": kind, "generation": {"$lt": generation}}
        with translated("directory"):
            return int((await self._entities.delete_many(old)).deleted_count)

    async def assign(self, tenant: str, held: Mapping[str, Held]) -> None:
        """Replace who holds which roles: one query for who does now, one write for what differs."""
        holders = {"tenant": check_tenant(tenant), "roles": {"$gt": ""}}
        wanted: dict[str, Document] = {
            _identity(tenant, one): {"roles": list(what.roles), "privileged": what.privileged}
            for one, what in held.items()
        }
        with translated("directory"):
            found = await self._entities.find(holders, {"roles": 1, "privileged": 1}).to_list(None)
            known = {document.pop("_id"): document for document in found}
            writes = [
                UpdateOne({"_id": identity}, {"$unset": {"roles": "", "privileged": ""}})
                for identity in known.keys() - wanted.keys()
            ] + [
                UpdateOne({"_id": identity}, {"$set": roles})
                for identity, roles in wanted.items()
                if known.get(identity) != roles
            ]
            if writes:
                await self._entities.bulk_write(writes, ordered=False)

    async def count(self, tenant: str) -> dict[str, int]:
        """Kind -> how many entities are known."""
        pipeline: list[Document] = [
            {"$match": {"tenant": check_tenant(tenant)}},
            {"$group": {"_id": "$kind", "entities": {"$sum": 1}}},
        ]
        with translated("directory"):
            return {found["_id"]: found["entities"] async for found in self._entities.aggregate(pipeline)}


class MongoDirectoryStates:
    """`DirectoryStates` over `directory_state`."""

    def __init__(self, database: Database) -> None:
        self._states = database["directory_state"]

    async def state(self, tenant: str, kind: EntityKind) -> SyncState:
        """The state of a kind; an empty one when it was never read."""
        with translated("directory state"):
            found = await self._states.find_one({"_id": f"{check_tenant(tenant)}/{kind}"})
        return _state(found) if found else SyncState(tenant, kind)

    async def begin(self, tenant: str, kind: EntityKind) -> int:
        """The number of a new generation, higher than any before."""
        with translated("directory state"):
            found = await self._states.find_one_and_update(
                {"_id": f"{check_tenant(tenant)}/{kind}"},
                {"$inc": {"generation": 1}, "$setOnInsert": {"tenant": tenant, "kind": kind}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return int(found["generation"])

    async def advance(self, state: SyncState, at: datetime) -> bool:
        """Note a success. False, and nothing, if the state's generation is over."""
        current = {"_id": f"{check_tenant(state.tenant)}/{state.kind}", "generation": state.generation}
        news = {"query": state.query, "delta_link": state.delta_link, "last_success": at}
        with translated("directory state"):
            done = await self._states.update_one(current, {"$set": news, "$unset": {"last_error": ""}})
        return bool(done.matched_count)

    async def note_error(self, tenant: str, kind: EntityKind, error: str, at: datetime) -> None:
        """Note why a kind could not be read."""
        with translated("directory state"):
            await self._states.update_one(
                {"_id": f"{check_tenant(tenant)}/{kind}"},
                {
                    "$set": {"last_error": error[:_ERROR_LENGTH], "last_error_at": at},
                    "$setOnInsert": {"tenant": tenant, "kind": kind, "generation": 0},
                },
                upsert=True,
            )

    async def all_states(self, tenant: str) -> list[SyncState]:
        """The kinds that were tried."""
        with translated("directory state"):
            found = await self._states.find({"tenant": check_tenant(tenant)}).to_list(None)
        return sorted((_state(document) for document in found), key=lambda state: state.kind)


def _identity(tenant: str, object_id: str) -> str:
    return f"{tenant}/{key(object_id)}"


def _update(
    old: Document | None, tenant: str, sighting: Sighting, generation: int, at: datetime, *, whole: bool
) -> Document | None:
    """What a sighting changes; None when that is nothing."""
    last_seen = -1 if old is None else int(old["generation"])
    if whole and last_seen > generation:
        return None
    news = _news(old, tenant, sighting, at, adds=not whole or last_seen == generation)
    if not news and last_seen >= generation:
        return None
    return {"$max": {"generation": generation}, **({"$set": news} if news else {})}


def _news(old: Document | None, tenant: str, sighting: Sighting, at: datetime, *, adds: bool) -> Document:
    """The fields of an entity that are new. `adds`: what the sighting leaves out stays as it is."""
    known: Document = old or {}
    kept = {name: known.get(name, nothing) for name, nothing in _NOTHING.items()} if adds else dict(_NOTHING)
    facts = {**kept, **sighting.facts}
    facts["aliases"] = list(facts["aliases"])
    told = {"tenant": tenant, "id": sighting.id, "kind": sighting.kind, **facts, "keys": _keys(sighting.id, facts)}
    news = {name: value for name, value in told.items() if name not in known or known[name] != value}
    return news | {"changed_at": at} if not news.keys().isdisjoint(_SHOWN) else news


def _keys(object_id: str, facts: Mapping[str, Any]) -> list[str]:
    spelled: Iterable[str | None] = (object_id, facts["app_id"], facts["upn"], *facts["aliases"])
    return list(dict.fromkeys(key(text) for text in spelled if text))


def _rank(document: Document, one: str) -> tuple[bool, datetime]:
    return key(document["id"]) == one, document["changed_at"]


def _entity(document: Document) -> Entity:
    guest, upn, name = document["guest"], document["upn"], document["name"]
    user = document["kind"] == "user"
    return Entity(
        id=document["id"],
        kind=document["kind"],
        name=name,
        upn=upn,
        app_id=document["app_id"],
        enabled=document["enabled"],
        guest=guest,
        department=document["department"],
        service_account=user and is_service_account(upn, name, licensed=document["licensed"], guest=guest),
        roles=tuple(document.get("roles", ())),
        privileged=document.get("privileged", False),
    )


def _state(document: Document) -> SyncState:
    return SyncState(
        tenant=document["tenant"],
        kind=document["kind"],
        generation=document.get("generation", 0),
        query=document.get("query"),
        delta_link=document.get("delta_link"),
        last_success=document.get("last_success"),
        last_error=document.get("last_error"),
        last_error_at=document.get("last_error_at"),
    )
