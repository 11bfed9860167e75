"""Searches that people, and programs, keep: for themselves, or for all who may read a tenant's events.

Every method may raise `Transient` when the store is away. Of one tenant's events an owner keeps one search of a name.
Several of one name from before that was so stay as they are, and can be changed; a new name has to be free.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aoc_common.errors import Permanent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_common.contracts.access import Hidden


class NameTaken(Permanent):
    """The owner keeps another search of that name, of the same tenant."""


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """Parameters of a search over a tenant's events, under a name.

    `owner`: the id of a principal. `parameters`: as they are sent. `hidden`: what was hidden from its owner when he
    wrote them: nobody from whom more is hidden must learn it by this text.
    """

    id: str
    tenant: str
    owner: str
    owner_name: str
    name: str
    parameters: Mapping[str, str]
    shared: bool
    hidden: Hidden
    created_at: datetime
    changed_at: datetime

    @property
    def name_key(self) -> str:
        """The same of names that people take for one: they differ in case, spaces or how an accent is written."""
        return " ".join(unicodedata.normalize("NFKC", self.name).casefold().split())


class SavedSearchStore(Protocol):
    """Keeps them until their owner, or whoever deletes the tenant, removes them."""

    async def add(self, search: SavedSearch, most: int) -> bool:
        """Keep a new one. False, and it is not kept, where its owner would have more than `most` of the tenant.

        Raises `NameTaken`.
        """
        ...

    async def replace(self, search: SavedSearch) -> bool:
        """Put this in place of the one with its id, tenant and owner; False where there is none.

        Raises `NameTaken` for a new name that another one has.
        """
        ...

    async def remove(self, tenant: str, search_id: str) -> bool:
        """Remove it; False where there is none."""
        ...

    async def get(self, tenant: str, search_id: str) -> SavedSearch | None:
        """One of a tenant's."""
        ...

    async def listed(self, tenant: str, owner: str | None, after: str, most: int) -> list[SavedSearch]:
        """Those of an owner, or, of None, the shared ones of all: those whose ids follow `after`, by id."""
        ...
