"""The grants of whoever signs in.

They count within `FRESH_S` seconds of a change in another process, and at once in this one. A grant that has ended does
not count from that second on, however fresh the answer is.

What a directory's own people can decide (who is in its groups, who has which app role) must not reach beyond it. So the
grants of people of a directory that is not a *home* directory (`AOC_API__AUTH__HOME_TENANTS`) count over the tenants of
that directory only, and up to `admin`, whatever they say. Groups of people are those that the token names; Entra
resolves groups in groups for the `groups` claim, and does not for app roles (entra-docs,
how-to-connect-fed-group-claims.md; what-is-access-management.md). Groups of tenants have tenants in them, not groups.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

from aoc_api.access.recent import FRESH_S
from aoc_api.access.tokens.grants import abroad
from aoc_common.contracts.access import Grant
from aoc_common.errors import Malformed
from aoc_common.store.grants import Grantee

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_api.access.tokens.identity import Identity
    from aoc_common.clock import Clock
    from aoc_common.store.grants import GrantStore, StoredGrant
    from aoc_common.tenants.registry import TenantRegistry

#: Callers whose grants are remembered at once.
_CALLERS: Final = 10_000


class Grants:
    """Looks grants up. `home`: ids of directories whose people may hold roles over other tenants."""

    def __init__(self, store: GrantStore, registry: TenantRegistry, home: Iterable[str], clock: Clock) -> None:
        self._store = store
        self._registry = registry
        self._home = frozenset(home)
        self._clock = clock
        self._known: TTLCache[frozenset[Grantee], tuple[StoredGrant, ...]] = TTLCache(
            _CALLERS, FRESH_S, timer=clock.monotonic
        )
        self._changes = 0

    async def of_identity(self, identity: Identity) -> tuple[Grant, ...]:
        """The grants of who has signed in; with those of his app roles they are all (`tokens.grants.together`).

        Groups that the token does not name by their object ids grant nothing. Raises `Transient`.
        """
        directory = identity.directory_id
        grantees = [Grantee("person", identity.principal_id)]
        for group in identity.groups:
            with suppress(Malformed):
                grantees.append(Grantee("group", f"{directory}/{group.lower()}"))
        grants = await self._in_force(grantees)
        return tuple(grants) if directory in self._home else await self._within(directory, grants)

    async def of_key(self, key_id: str) -> tuple[Grant, ...]:
        """The grants of an API key. Keys are made here, so they can reach as far as they were granted to."""
        return tuple(await self._in_force([Grantee("api-key", f"key/{key_id}")]))

    def forget(self) -> None:
        """Something has changed: look again."""
        self._changes += 1
        self._known.clear()

    async def _in_force(self, grantees: Iterable[Grantee]) -> list[Grant]:
        key = frozenset(grantees)
        if (stored := self._known.get(key)) is None:
            changes = self._changes
            stored = tuple(await self._store.of(key))
            if changes == self._changes:  # else it may be from before
                self._known[key] = stored
        now, known = self._clock.now(), await self._directories()
        lasting = [entry for entry in stored if entry.grant.until is None or now < entry.grant.until]
        return [grant for entry in lasting if (grant := _meant(entry.grant, entry.directories, known))]

    async def meant(self, grants: Iterable[Grant], directories: Mapping[str, str]) -> tuple[Grant, ...]:
        """Grants without tenants that have got their names since. `directories`: name -> directory id at that time.

        Raises `Transient`.
        """
        known = await self._directories() if directories else {}
        return tuple(filter(None, (_meant(grant, directories, known) for grant in grants)))

    async def _directories(self) -> Mapping[str, str]:
        return {tenant.name: tenant.tenant_id for tenant in await self._registry.tenants()}

    async def _within(self, directory: str, grants: Iterable[Grant]) -> tuple[Grant, ...]:
        """The grants, over tenants of this directory alone."""
        own = {tenant.name: frozenset(tenant.groups) for tenant in await self._registry.by_directory(directory)}
        narrowed = [
            Grant(
                abroad(grant.role),
                tenants=frozenset(tenant for tenant, groups in own.items() if grant.covers(tenant, groups)),
                until=grant.until,
            )
            for grant in grants
        ]
        return tuple(filter(None, narrowed))


def _meant(grant: Grant, directories: Mapping[str, str], known: Mapping[str, str]) -> Grant:
    """A grant without the tenants whose names are another directory's by now; those that nobody has stay."""
    renamed = {
        name for name in grant.tenants & directories.keys() if known.get(name, directories[name]) != directories[name]
    }
    return replace(grant, tenants=grant.tenants - renamed) if renamed else grant
