"""Sessions and one-time links in MongoDB."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from pymongo import DESCENDING, UpdateOne

from aoc_common.store.mongo.access_documents import person_from, person_to
from aoc_common.store.mongo.client import Database, check_known, translated
from aoc_common.store.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.contracts.credentials import Fingerprint
    from aoc_common.store.sessions import SignedIn

_SHOWN: Final = 1_000


class MongoSessions:
    """`SessionStore` over `sessions`, by their ids. The server removes those whose end has passed (`expiry`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions = database["sessions"]

    async def begin(self, session: Session, of: Fingerprint) -> None:
        """Store a new session."""
        with translated("sessions"):
            await self._sessions.insert_one(
                {
                    "_id": session.id,
                    "hash": of.hash,
                    **person_to(session.person),
                    "began_at": session.began_at,
                    "seen_at": session.seen_at,
                    "ends_at": session.ends_at,
                    "address": session.address,
                    "user_agent": session.user_agent,
                }
            )

    async def find(self, of: Fingerprint) -> Session | None:
        """The session with this fingerprint."""
        check_known(self._database)
        with translated("sessions"):
            document = await self._sessions.find_one({"_id": of.id})
        if document is None or not compare_digest(document["hash"], of.hash):
            return None
        return _session(document)

    async def listed(self, principal_id: str | None = None) -> list[Session]:
        """Sessions, the newest first."""
        which = {} if principal_id is None else {"principal_id": principal_id}
        order = [("began_at", DESCENDING), ("_id", DESCENDING)]
        with translated("sessions"):
            return [_session(document) for document in await self._sessions.find(which).sort(order).to_list(_SHOWN)]

    async def end(self, session_id: str, principal_id: str | None = None) -> bool:
        """End a session; False when there is none."""
        which = {"_id": session_id} | ({} if principal_id is None else {"principal_id": principal_id})
        with translated("sessions"):
            return (await self._sessions.delete_one(which)).deleted_count > 0

    async def note_seen(self, seen: Mapping[str, datetime]) -> None:
        """When sessions were used last."""
        if seen:
            noted = [UpdateOne({"_id": session_id}, {"$max": {"seen_at": at}}) for session_id, at in seen.items()]
            with translated("sessions"):
                await self._sessions.bulk_write(noted, ordered=False)


class MongoSignInLinks:
    """`SignInLinks` over `sign_in_links`, by their ids."""

    def __init__(self, database: Database) -> None:
        self._links = database["sign_in_links"]

    async def make(self, of: Fingerprint, person: SignedIn, ends_at: datetime) -> None:
        """Store a link."""
        with translated("links"):
            await self._links.insert_one({"_id": of.id, "hash": of.hash, **person_to(person), "ends_at": ends_at})

    async def take(self, of: Fingerprint, at: datetime) -> SignedIn | None:
        """Use a link up."""
        with translated("links"):
            document = await self._links.find_one_and_delete({"_id": of.id, "hash": of.hash})
        return None if document is None or document["ends_at"] <= at else person_from(document)


def _session(document: Mapping[str, Any]) -> Session:
    return Session(
        id=document["_id"],
        person=person_from(document),
        began_at=document["began_at"],
        seen_at=document["seen_at"],
        ends_at=document["ends_at"],
        address=document["address"],
        user_agent=document["user_agent"],
    )
