"""Who a verified token speaks for, and why a token is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

type IdentityKind = Literal["person", "application"]
type Refusal = Literal["invalid-token", "insufficient-scope", "forbidden"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or an application of a directory, as Entra vouches for it.

    `directory_id`, `object_id`: GUIDs in lower case; unique and for ever the same (claims `tid` and `oid`). `name`: to
    be shown to people; never to decide by. `groups`: object ids; a group's name, which a registration can have emitted
    instead, can be given to another group, and counts for nothing.
    """

    kind: IdentityKind
    directory_id: str
    object_id: str
    name: str
    app_roles: tuple[str, ...]
    groups: tuple[str, ...]
    expires_at: datetime

    @property
    def principal_id(self) -> str:
        """As of a `Principal`."""
        return f"{self.directory_id}/{self.object_id}"


class RefusedToken(Exception):  # noqa: N818  # what happened to the token
    """A token that opens nothing here. `reason`: a word for the log.

    `advice`: for the client. It says more than that only about a token whose signature is Entra's.
    """

    def __init__(
        self,
        reason: str,
        advice: str = "The access token is not valid here. Sign in again for a new one.",
        refusal: Refusal = "invalid-token",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
        self.refusal = refusal
