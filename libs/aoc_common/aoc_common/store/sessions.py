"""Sessions of browsers, stored by their fingerprints, never with the secret.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.access import Grant
    from aoc_common.contracts.credentials import Fingerprint


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, as it was verified then.

    `principal_id`, `name`, `directory_id`: as of a principal. `app_roles`, `directory_groups`: what the directory said.
    `grants`: what the person could do then.
    """

    principal_id: str
    name: str
    grants: tuple[Grant, ...]
    directory_id: str | None = None
    app_roles: tuple[str, ...] = ()
    directory_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A session. `seen_at`: exact to about half a minute. `ends_at`: when it ends, however much it is used.

    `address`, `user_agent`: of the browser when it signed in.
    """

    id: str
    person: SignedIn
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: str
    user_agent: str


class SessionStore(Protocol):
    """Holds sessions until they end."""

    async def begin(self, session: Session, of: Fingerprint) -> None:
        """Store a new session."""
        ...

    async def find(self, of: Fingerprint) -> Session | None:
        """The session with this fingerprint."""
        ...

    async def listed(self, principal_id: str | None = None) -> Sequence[Session]:
        """Sessions, or those of one principal, the newest first; 1,000 at most."""
        ...

    async def end(self, session_id: str, principal_id: str | None = None) -> bool:
        """End a session (if it is this principal's); False when there is none."""
        ...

    async def note_seen(self, seen: Mapping[str, datetime]) -> None:
        """When sessions were used last, by their ids. A time never goes back, and none that has ended comes back."""
        ...
