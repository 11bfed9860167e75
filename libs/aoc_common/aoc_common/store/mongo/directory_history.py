"""What the tenants' directories were: the periods in `directory`, read with how far each kind was read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import ids
from aoc_common.contracts.directory import key
from aoc_common.contracts.periods import FAR, MANY, History, Period
from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.directory_histories import Remembered
from aoc_common.store.mongo.client import BATCH_SIZE, Database, Document, translated
from aoc_common.store.mongo.directory import entity
from aoc_common.store.mongo.directory_periods import keys_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: Kinds that can hold roles.
_HOLDERS: Final = frozenset({"user", "group", "service principal"})
#: Administrators of a tenant, past ones included; of more, some are not known as such.
_ADMINISTRATORS: Final = 5_000
#: Keys of one query, and objects that it reads at most: as many as `BATCH_SIZE` keys may have.
_KEYS: Final = 500
_OBJECTS: Final = MANY * BATCH_SIZE


class MongoDirectoryHistory:
    """`DirectoryHistories` over `directory` and `directory_state`."""

    def __init__(self, database: Database) -> None:
        self._entities = database["directory"]
        self._states = database["directory_state"]

    async def remembered(self, tenant: str, keys: Sequence[str]) -> Remembered:
        """All objects that have, or had, one of these keys. Two queries, and one more of each key that many had."""
        of_tenant = {"tenant": check_tenant(tenant)}
        with translated("directory"):
            # How far it was read comes first: what is read of the objects after that is not older.
            states = {state["kind"]: state async for state in self._states.find(of_tenant)}
            if not states:
                # The first thing that a reading writes is its state.
                return Remembered({}, begun=False, read=False)
            documents = [found for some in batched(keys, _KEYS) for found in await self._of(tenant, some)]
        requested = set(keys)
        by_key: defaultdict[str, list[History]] = defaultdict(list)
        for document in {candidate["_id"]: candidate for candidate in documents}.values():
            history = _history(document, states)
            for shared in requested.intersection(document["keys"]):
                by_key[shared].append(history)
        read = states.get("user", {}).get("last_success") is not None
        histories = {found_by: tuple(several[:MANY]) for found_by, several in by_key.items()}
        return Remembered(histories, begun=True, read=read)

    async def _of(self, tenant: str, keys: Sequence[str]) -> list[Document]:
        limit = min(MANY * len(keys), _OBJECTS)
        query: Document = {"tenant": tenant, "keys": {"$in": list(keys)}}
        documents: list[Document] = await self._entities.find(query).limit(limit).to_list(None)
        if len(documents) < limit:
            return documents
        if len(keys) > BATCH_SIZE:
            return [found for some in batched(keys, BATCH_SIZE) for found in await self._of(tenant, some)]
        # Many had one of these names in turn: nobody else's is crowded out by that.
        own = {"_id": {"$in": [f"{tenant}/{object_key}" for object_key in keys]}}
        documents = await self._entities.find(own).to_list(None)
        for single in keys:
            documents += await self._entities.find({"tenant": tenant, "keys": single}).limit(MANY).to_list(None)
        return documents

    async def administrators(self, tenant: str) -> dict[str, tuple[str, ...]]:
        """Object id -> the names of those that hold a privileged role, or held one."""
        query = {"admin_of": check_tenant(tenant)}
        names_by_id: dict[str, tuple[str, ...]] = {}
        fields = {"id": 1, "name": 1, "roles": 1, "privileged": 1, "past.name": 1, "past.privileged": 1}
        with translated("directory"):
            async for document in self._entities.find(query, fields).limit(_ADMINISTRATORS):
                states = [document, *document.get("past", ())]
                names = (state.get("name") for state in states if state.get("privileged"))
                names_by_id[key(document["id"])] = tuple(dict.fromkeys(name for name in names if name))
        return names_by_id


@dataclass(frozen=True, slots=True)
class _Read:
    """How far a kind of entity, and its roles, were read, ms. `known_since`: since then every change is known."""

    until: int
    known_since: int
    roles_until: int
    roles_known_since: int


def _history(document: Document, states: Mapping[str, Mapping[str, Any]]) -> History:
    read = _how_far(document["kind"], states)
    periods = [_closed(document, past, read) for past in document.get("past", ())]
    if "gone" not in document:
        since = _ms(document.get("since"), read.known_since)
        periods.append(
            _period(document, document, read, since, max(read.until, since) if since < FAR else read.until, None)
        )
    # A clock that was ahead may have dated one later than its successor.
    return History(document["id"], tuple(sorted(periods, key=lambda period: period.since)))


def _closed(document: Document, past: Document, read: _Read) -> Period:
    until = ids.to_ms(past["until"])
    held = _ms(past.get("held"), 0)
    since = _ms(past.get("since"), min(read.known_since, held) or until)
    return _period(document, past, read, since, max(held, since), until)


def _period(document: Document, state: Document, read: _Read, since: int, held: int, until: int | None) -> Period:
    after = state.get("after")
    described = entity(document, state)
    return Period(
        described,
        since,
        None if after is None else ids.to_ms(after),
        held,
        until,
        frozenset(keys_of("", state)),
        deleted="gone" in state,
        merged=state.get("merged", 1),
        # Of what has just appeared it is not known yet.
        roles_read=bool(described.roles)
        or (held >= read.roles_known_since and not ("fresh" in state and read.roles_until < since < FAR)),
    )


def _how_far(kind: str, states: Mapping[str, Mapping[str, Any]]) -> _Read:
    """Of both what an entity is and which roles it holds, where roles are read at all."""
    names = (kind, "role") if kind in _HOLDERS else (kind,)
    which = [states[name] for name in names if name in states and states[name].get("last_success")]
    until = min((_ms(state.get("read_from"), 0) for state in which), default=0)
    known_since = max((_ms(state.get("kept_from"), FAR) for state in which), default=FAR)
    if "read_from" not in states.get(kind, {}):
        until, known_since = 0, FAR
    roles = states.get("role", {})
    return _Read(until, known_since, _ms(roles.get("read_from"), 0), _ms(roles.get("kept_from"), FAR))


def _ms(at: datetime | None, otherwise: int) -> int:
    return otherwise if at is None else ids.to_ms(at)
