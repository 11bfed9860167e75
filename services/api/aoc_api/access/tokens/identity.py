"""Who a verified token speaks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aoc_api.entra.refused import RefusedToken

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Identity", "IdentityKind", "RefusedToken"]

type IdentityKind = Literal["person", "application"]


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
