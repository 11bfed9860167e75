"""Whose record it is, by the record's own words: each names the tenant that it is of, by its id at Microsoft.

Compared is only what names the tenant of the record (`OrganizationId`, `tenantId`). Where its people come from is
in other fields: a guest's or a service provider's home tenant is no foreign record.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_common.clock import Clock

type OwnId = Callable[[str], Awaitable[str | None]]
"""A tenant's id at Microsoft, if a collector has stored it. Raises `Transient`."""

#: Tag of an event whose record names another tenant than the one that it was collected for.
FOREIGN_TENANT: Final = "foreign-tenant"
#: Seconds for which an id is believed.
_REMEMBERED_S: Final = 60.0
#: What names no tenant: Microsoft's own services write zeros, and nothing.
_NOBODY: Final = frozenset({"", "0" * 32})


@lru_cache(maxsize=4096)
def is_foreign(named: str | None, own: str | None) -> bool:
    """Whether a record names another tenant than its own, in whatever spelling. False where either is not known."""
    if not named or not own:
        return False
    other = _plain(named)
    return other not in _NOBODY and other != _plain(own)


async def unknown(_tenant: str) -> None:
    """Nobody's id."""


def remembering(ask: OwnId, clock: Clock) -> OwnId:
    """The same, asked again every few minutes only."""
    known: dict[str, tuple[float, str | None]] = {}

    async def own(tenant: str) -> str | None:
        now = clock.monotonic()
        asked_at, found = known.get(tenant, (float("-inf"), None))
        if now - asked_at > _REMEMBERED_S:
            found = await ask(tenant)
            known[tenant] = (now, found)
        return found

    return own


def _plain(tenant_id: str) -> str:
    return spelling.folded(tenant_id).casefold().strip(" {}").replace("-", "")
