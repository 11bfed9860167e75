"""Begins, verifies and ends sessions of browsers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_api import problems
from aoc_api.access.last_used import LastUsed
from aoc_api.access.recent import Recent
from aoc_common.contracts.credentials import fingerprint, new_secret
from aoc_common.store.sessions import Session

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_api.settings import SessionOptions
    from aoc_common.clock import Clock
    from aoc_common.store.sessions import SessionStore, SignedIn

_LONGEST_AGENT: Final = 300
_LONGEST_SECRET: Final = 100


@dataclass(frozen=True, slots=True)
class Begun:
    """A new session, and the secret that its cookie holds."""

    session: Session
    secret: str = field(repr=False)


class Sessions:
    """Sessions, which all replicas of the gateway share."""

    def __init__(self, store: SessionStore, options: SessionOptions, clock: Clock) -> None:
        self._store = store
        self._idle = timedelta(seconds=options.idle_s)
        self._longest = timedelta(seconds=options.longest_s)
        self._clock = clock
        self._recent = Recent(store.find, clock)
        self.seen = LastUsed(store.note_seen)

    async def begin(self, person: SignedIn, address: str, user_agent: str, replaces: str | None) -> Begun:
        """Begin a session with a new secret. `replaces`: the secret of the browser's session before, which ends.

        Raises `Transient`.
        """
        if replaces is not None:
            await self.end(fingerprint(replaces).id)
        secret, now = new_secret(), self._clock.now()
        session = Session(
            id=fingerprint(secret).id,
            person=person,
            began_at=now,
            seen_at=now,
            ends_at=now + self._longest,
            address=address,
            user_agent=user_agent[:_LONGEST_AGENT],
        )
        await self._store.begin(session, fingerprint(secret))
        return Begun(session, secret)

    async def verified(self, secret: str, *, used: bool = True) -> Session:
        """The session of a cookie. Raises a problem when there is none, or it has ended; `Transient`.

        `used`: this is a use of it, which puts off its end.
        """
        if len(secret) > _LONGEST_SECRET:
            raise problems.unauthenticated("This session is not known here.", "session-unknown")
        session = await self._recent.get(fingerprint(secret))
        if session is None:
            raise problems.unauthenticated("Your session has ended: sign in again.", "session-unknown")
        now = self._clock.now()
        if now >= self.ends_at(session):
            raise problems.unauthenticated("Your session has ended: sign in again.", "session-expired")
        if used:
            self.seen.note(session.id, now)
        return session

    def ends_at(self, session: Session) -> datetime:
        """When a session ends unless it is used before."""
        seen = max(session.seen_at, self.seen.of(session.id) or session.seen_at)
        return min(session.ends_at, seen + self._idle)

    async def end(self, session_id: str, principal_id: str | None = None) -> bool:
        """End a session (if it is this principal's); False when there is none. Raises `Transient`."""
        ended = await self._store.end(session_id, principal_id)
        if ended:
            self._recent.forget(session_id)
        return ended

    async def listed(self, principal_id: str | None) -> list[Session]:
        """Sessions that have not ended, or those of one principal, the newest first. Raises `Transient`."""
        now = self._clock.now()
        return [session for session in await self._store.listed(principal_id) if now < self.ends_at(session)]
