"""The tenants' directories: `directory` holds a document an entity, `directory_state` one a tenant and kind.

A document's `_id` is `{tenant}/{object id}`. `keys` are the spellings that it is, or was, found by; `roles` and
`privileged` are there only for those who hold roles, so that their index holds nobody else; `admin_of` is the tenant of
who holds a privileged role, or held one. What it was before: `directory_periods`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, ReturnDocument, UpdateOne

from aoc_common.contracts.directory import Entity, is_service_account, key
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import Unreachable
from aoc_common.store.directory_names import DirectoryChange
from aoc_common.store.directory_states import SyncState
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.directory_periods import FACTS, all_keys, closed, keys_of, opened

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.directory import EntityKind
    from aoc_common.store.directories import HeldRoles, Observation, Sighting

#: A change of one of these is told by `changed`, and of keys.
_SHOWN: Final = frozenset({"kind", "name"})
_ROLES: Final = ("roles", "privileged")
#: Entities that go together.
_GOING: Final = 500
#: How often a write is tried again because somebody else was faster.
_ROUNDS: Final = 10
_ERROR_LENGTH: Final = 500
_THERE: Final[Document] = {"gone": {"$exists": False}}


class MongoDirectory:
    """`DirectoryNames` and `DirectoryStore` over `directory`."""

    def __init__(self, database: Database) -> None:
        self._entities = database["directory"]

    async def find(self, tenant: str, keys: Sequence[str]) -> dict[str, Entity]:
        """Those of these keys that a tenant's directory knows now. One query.

        Of two entities with one key (a user name that was given away again) it is the one whose own id it is, then
        the one that changed last.
        """
        query = {"tenant": check_tenant(tenant), "keys": {"$in": list(keys)}, **_THERE}
        best: dict[str, Document] = {}
        requested = set(keys)
        with translated("directory"):
            async for document in self._entities.find(query, {"past": 0}):
                for shared in requested.intersection(keys_of(document["id"], document)):
                    if shared not in best or _rank(document, shared) > _rank(best[shared], shared):
                        best[shared] = document
        return {found_by: entity(document, document) for found_by, document in best.items()}

    async def changed(self, since: datetime, limit: int) -> list[DirectoryChange]:
        """Entities that became known or changed their name after `since`, oldest first."""
        documents = await self._changed({"changed_at": {"$gt": since}}, limit)
        if documents and len(documents) == limit:
            last = documents[-1]
            documents += await self._changed({"changed_at": last["changed_at"], "_id": {"$gt": last["_id"]}}, None)
        return [
            DirectoryChange(document["tenant"], tuple(keys_of(document["id"], document)), document["changed_at"])
            for document in documents
        ]

    async def _changed(self, query: Document, limit: int | None) -> list[Document]:
        fields = dict.fromkeys(("tenant", "id", "app_id", "upn", "aliases", "changed_at"), 1)
        with translated("directory"):
            cursor = self._entities.find(query, fields).sort([("changed_at", ASCENDING), ("_id", ASCENDING)])
            documents: list[Document] = await (cursor if limit is None else cursor.limit(limit)).to_list(limit)
        return documents

    async def put(self, tenant: str, sightings: Sequence[Sighting], seen: Observation, *, complete: bool) -> None:
        """Store what was seen: one query for what is known, one write for what differs from it."""
        check_tenant(tenant)
        by_id = {_identity(tenant, sighting.id): sighting for sighting in sightings}

        async def writes() -> _Writes:
            known = {document["_id"]: document async for document in self._entities.find({"_id": {"$in": list(by_id)}})}
            made = _Writes()
            for identity, sighting in by_id.items():
                old = known.get(identity)
                if old is None:
                    made.add(identity, _new(tenant, sighting, seen))
                elif (change := _sighted(old, tenant, sighting, seen, complete=complete)) is not None:
                    made.change(old, change)
            return made

        if by_id:
            await self._written(writes)

    async def remove(self, tenant: str, kind: EntityKind, ids: Sequence[str], seen: Observation) -> None:
        """Note that these entities are gone."""
        check_tenant(tenant)
        # What a later reading has seen is there.
        present: Document = {"kind": kind, "generation": {"$lte": seen.generation}, **_THERE}
        for some in batched(ids, BATCH_SIZE):
            named = {"_id": {"$in": [_identity(tenant, object_id) for object_id in some]}}
            await self._written(partial(self._going, named | present, seen))

    async def sweep(self, tenant: str, kind: EntityKind, seen: Observation) -> int:
        """Note that the entities of a kind are gone that were last seen before this generation; how many."""
        old: Document = {"tenant": check_tenant(tenant), "kind": kind, "generation": {"$lt": seen.generation}, **_THERE}
        deleted = 0
        while some := await self._written(partial(self._going, old, seen)):
            deleted += some
        return deleted

    async def _going(self, which: Document, seen: Observation) -> _Writes:
        made = _Writes()
        async for document in self._entities.find(which).limit(_GOING):
            made.change(document, _deleted(document, seen))
        return made

    async def assign(self, tenant: str, held: Mapping[str, HeldRoles], seen: Observation) -> None:
        """Replace who holds which roles: one query for who does now; those that differ are read, and written."""
        holders: Document = {"tenant": check_tenant(tenant), "roles": {"$gt": ""}}
        target = {_identity(tenant, object_id): what for object_id, what in held.items()}
        with translated("directory"):
            cursor = self._entities.find(holders, dict.fromkeys((*_ROLES, "admin_of"), 1))
            known = {document["_id"]: document async for document in cursor}
        other = [
            identity
            for identity in known.keys() | target.keys()
            if not _holds(known.get(identity, {}), target.get(identity))
        ]

        async def writes(some: Sequence[str]) -> _Writes:
            made = _Writes()
            async for document in self._entities.find({"_id": {"$in": list(some)}, **_THERE}):
                if (change := _assigned(document, target.get(document["_id"]), seen)) is not None:
                    made.change(document, change)
            return made

        for some in batched(sorted(other), BATCH_SIZE):
            await self._written(partial(writes, some))

    async def count(self, tenant: str) -> dict[str, int]:
        """Kind -> how many entities there are now."""
        pipeline: list[Document] = [
            {"$match": {"tenant": check_tenant(tenant), **_THERE}},
            {"$group": {"_id": "$kind", "entities": {"$sum": 1}}},
        ]
        with translated("directory"):
            return {group["_id"]: group["entities"] async for group in self._entities.aggregate(pipeline)}

    async def _written(self, read: Callable[[], Awaitable[_Writes]]) -> int:
        """Read and write until nobody else has changed the same in between; how many were written at last."""
        for _ in range(_ROUNDS):
            with translated("directory"):
                made = await read()
                if not made.writes:
                    return 0
                done = await self._entities.bulk_write(made.writes, ordered=False)
            if (done.upserted_count, done.matched_count) == (made.new, len(made.writes) - made.new):
                return len(made.writes)
        raise Unreachable("directory: others keep changing the same entities; the reading is tried again")


@dataclass(slots=True)
class _Writes:
    """Writes that do nothing where somebody else has written since; `new`: how many of them make a document."""

    writes: list[UpdateOne] = field(default_factory=list)
    new: int = 0

    def add(self, identity: str, document: Document) -> None:
        self.writes.append(UpdateOne({"_id": identity}, {"$setOnInsert": document}, upsert=True))
        self.new += 1

    def change(self, old: Document, change: Document) -> None:
        as_read = old.get("changes", {"$exists": False})
        self.writes.append(UpdateOne({"_id": old["_id"], "changes": as_read}, change))


class MongoDirectoryStates:
    """`DirectoryStates` over `directory_state`."""

    def __init__(self, database: Database) -> None:
        self._states = database["directory_state"]

    async def state(self, tenant: str, kind: EntityKind) -> SyncState:
        """The state of a kind; an empty one when it was never read."""
        with translated("directory state"):
            document = await self._states.find_one({"_id": f"{check_tenant(tenant)}/{kind}"})
        return _state(document) if document else SyncState(tenant, kind)

    async def begin(self, tenant: str, kind: EntityKind) -> int:
        """The number of a new reading, higher than any before."""
        with translated("directory state"):
            document = await self._states.find_one_and_update(
                {"_id": f"{check_tenant(tenant)}/{kind}"},
                {"$inc": {"generation": 1}, "$setOnInsert": {"tenant": tenant, "kind": kind}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return int(document["generation"])

    async def advance(self, state: SyncState, at: datetime) -> bool:
        """Note a success. False, and nothing, if a later reading has begun.

        `kept_from` is when the first reading began since periods are kept: a state without a beginning held then.
        """
        current = {"_id": f"{check_tenant(state.tenant)}/{state.kind}", "generation": state.generation}
        news: Document = {"query": state.query, "delta_link": state.delta_link, "last_success": at}
        change: Document = {"$set": news, "$unset": {"last_error": ""}}
        if state.read_from is not None:
            news["read_from"] = state.read_from
            change["$min"] = {"kept_from": state.read_from}
        with translated("directory state"):
            done = await self._states.update_one(current, change)
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
            documents = await self._states.find({"tenant": check_tenant(tenant)}).to_list(None)
        return sorted((_state(document) for document in documents), key=lambda state: state.kind)


def entity(document: Document, state: Mapping[str, Any]) -> Entity:
    """An entity in one of its states: that of now is the document itself."""
    guest, upn, name = state.get("guest"), state.get("upn"), state.get("name")
    user = document["kind"] == "user"
    return Entity(
        id=document["id"],
        kind=document["kind"],
        name=name,
        upn=upn,
        app_id=state.get("app_id"),
        enabled=state.get("enabled"),
        guest=guest,
        department=state.get("department"),
        service_account=user and is_service_account(upn, name, licensed=state.get("licensed"), guest=guest),
        roles=tuple(state.get("roles", ())),
        privileged=state.get("privileged", False),
    )


def _identity(tenant: str, object_id: str) -> str:
    return f"{tenant}/{key(object_id)}"


def _new(tenant: str, sighting: Sighting, seen: Observation) -> Document:
    """The document of an entity that is seen for the first time. Whether it holds roles was not read yet: `fresh`."""
    facts = {**FACTS, **sighting.facts}
    facts["aliases"] = list(facts["aliases"])
    document = {
        "tenant": tenant,
        "id": sighting.id,
        "kind": sighting.kind,
        **facts,
        "keys": keys_of(sighting.id, facts),
    }
    return document | opened(seen) | {"fresh": True, "generation": seen.generation, "changed_at": seen.at, "changes": 0}


def _sighted(old: Document, tenant: str, sighting: Sighting, seen: Observation, *, complete: bool) -> Document | None:
    """What a sighting changes; None when that is nothing, or when a later reading has seen the entity."""
    last_seen = int(old["generation"])
    if last_seen > seen.generation:
        return None
    adds = not complete or last_seen == seen.generation
    facts = {**{name: old.get(name, nothing) if adds else nothing for name, nothing in FACTS.items()}, **sighting.facts}
    facts["aliases"] = list(facts["aliases"])
    reported = {"tenant": tenant, "id": sighting.id, "kind": sighting.kind, **facts}
    news = {name: value for name, value in reported.items() if name not in old or old[name] != value}
    change: Document = {"$max": {"generation": seen.generation}}
    if not news and "gone" not in old:
        return change if last_seen < seen.generation else None
    if "gone" in old:
        begun = opened(seen) | {"fresh": True, "changes": old.get("changes", 0) + 1}
    else:
        begun = closed(old, seen) | opened(seen)
    past: Sequence[Document] = begun.get("past") or old.get("past") or ()
    reported = news | begun | {"keys": all_keys(sighting.id, facts, past)}
    if "gone" in old or not news.keys().isdisjoint(_SHOWN) or keys_of(sighting.id, facts) != keys_of(old["id"], old):
        reported["changed_at"] = seen.at
    return change | {"$set": reported, "$unset": dict.fromkeys({"gone", "fresh", "after"} - reported.keys(), "")}


def _deleted(old: Document, seen: Observation) -> Document:
    """What changes when an entity is gone. Its last state stays beside the closed ones, without roles."""
    ended = closed(old, seen, deleted=True)
    changes = ended | {"gone": True, "keys": all_keys(old["id"], {}, ended["past"])}
    removed = dict.fromkeys(("roles", "privileged", "since", "after", "fresh"), "")
    return {"$set": changes, "$unset": removed, "$max": {"generation": seen.generation}}


def _roles(held: HeldRoles | None) -> Document:
    return {} if held is None else {"roles": list(held.roles), "privileged": held.privileged}


def _holds(old: Document, held: HeldRoles | None) -> bool:
    """Whether a document says of somebody that he holds just these roles, and is or was an administrator by them."""
    noted = held is None or not held.privileged or "admin_of" in old
    return noted and {name: old[name] for name in _ROLES if name in old} == _roles(held)


def _assigned(old: Document, held: HeldRoles | None, seen: Observation) -> Document | None:
    """What changes for somebody who holds these roles now; None when that is nothing."""
    if _holds(old, held):
        return None
    roles = _roles(held)
    changes: Document = {"admin_of": old["tenant"]} if held is not None and held.privileged else {}
    if roles == {name: old[name] for name in _ROLES if name in old}:
        return {"$set": changes}
    if "fresh" in old and (seen.after is None or seen.after < old["since"]):
        # It held them when it was first seen, for all that is known: no change of its own.
        changes |= {"since": max(seen.at, old["since"]), "changes": old["changes"] + 1}
    else:
        changes |= closed(old, seen) | opened(seen)
    if "past" in changes:
        changes["keys"] = all_keys(old["id"], old, changes["past"])
    removed = {"fresh"} | ({"after"} if "past" in changes else set()) | (set(_ROLES) if held is None else set())
    return {"$set": changes | roles, "$unset": dict.fromkeys(removed - changes.keys(), "")}


def _rank(document: Document, found_by: str) -> tuple[bool, datetime]:
    return key(document["id"]) == found_by, document["changed_at"]


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
        read_from=document.get("read_from"),
    )
