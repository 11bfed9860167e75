"""Who was granted which role, by whom. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol
from uuid import UUID

from aoc_common.errors import Malformed, Permanent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from aoc_common.contracts.access import Grant

#: Grants that one grantee can have.
MOST_GRANTS: Final = 1_000
_KEY: Final = re.compile(r"key/[A-Za-z0-9_-]{1,64}")

type GranteeKind = Literal["person", "group", "api-key"]


class LastSuperadmin(Permanent):
    """Without this grant nobody could change who may do what any more."""


class TooManyGrants(Permanent):
    """Its grantee has as many as there can be: a group of tenants, or of people, does it with fewer."""


@dataclass(frozen=True, slots=True)
class Grantee:
    """Who holds a grant. Making it raises `Malformed` for an id that is none of its kind.

    `id`: of a person or an application, and of an Entra group, `{directory id}/{object id}` in lower case; of an API
    key `key/{id}`.
    """

    kind: GranteeKind
    id: str

    def __post_init__(self) -> None:
        if self.kind == "api-key":
            valid = _KEY.fullmatch(self.id) is not None
        else:
            directory, _, object_id = self.id.partition("/")
            valid = _is_guid(directory) and _is_guid(object_id)
        if not valid:
            form = "key/ID" if self.kind == "api-key" else "DIRECTORY-ID/OBJECT-ID, both GUIDs in lower case"
            raise Malformed(f"{self.kind} {self.id[:100]!r}: expected {form}")


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """A grant, and what is known of it.

    `name`: what people call the grantee. `given_by`: id of the principal who gave it. `directories`: tenant ->
    directory id that it had when the grant was given: another tenant that gets the name later is not meant.
    """

    id: str
    grantee: Grantee
    grant: Grant
    given_by: str
    given_by_name: str
    given_at: datetime
    name: str | None = None
    reason: str | None = None
    directories: Mapping[str, str] = field(default_factory=dict)


class GrantStore(Protocol):
    """The grants of this installation. What has ended is listed for ninety days more."""

    async def add(self, grant: StoredGrant) -> None:
        """Give it. Raises `TooManyGrants`."""
        ...

    async def remove(self, grant_id: str) -> StoredGrant | None:
        """Take it back; None when there is none. Raises `LastSuperadmin`, also of two that are taken back at once."""
        ...

    async def get(self, grant_id: str) -> StoredGrant | None:
        """One grant, also when it has ended."""
        ...

    async def of(self, grantees: Collection[Grantee]) -> list[StoredGrant]:
        """All grants of any of them, also those that have ended."""
        ...

    async def listed(self, after: str, most: int) -> list[StoredGrant]:
        """The next grants, in the order of their ids, behind this one; an empty id is before all."""
        ...


def _is_guid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
