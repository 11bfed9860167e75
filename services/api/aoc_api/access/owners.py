"""Who asked for what is done in the background, when the request that showed a secret is over.

An API key is looked at again: one that is revoked or expired may do nothing. Of a person or an application of a
directory its grants are looked up again; which app roles and groups it had is known from when it signed in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aoc_api import problems
from aoc_common.store.export_jobs import ExportOwner

if TYPE_CHECKING:
    from aoc_api.access.authentication import PrincipalOf
    from aoc_api.access.keys.verification import KeyVerification
    from aoc_api.access.principal import Principal
    from aoc_common.store.api_key_reading import ApiKeyReading

_KEY: Final = "key/"


def owner_of(principal: Principal, address: str) -> ExportOwner:
    """Who asks, as it is kept."""
    return ExportOwner(principal.kind, principal.id, principal.name, principal.person, address)


class OwnerPrincipals:
    """Turns owners into principals as they are now."""

    def __init__(self, stored: ApiKeyReading, keys: KeyVerification, principal_of: PrincipalOf) -> None:
        self._stored = stored
        self._keys = keys
        self._principal_of = principal_of

    async def __call__(self, owner: ExportOwner) -> Principal:
        """An owner with what he may do now. Raises a problem when that is nothing, for good; `Transient`."""
        if owner.person is not None:
            return replace(await self._principal_of(owner.person), kind=owner.kind)
        key = await self._stored.get(owner.id.removeprefix(_KEY)) if owner.id.startswith(_KEY) else None
        if key is None:
            raise problems.unauthenticated("Who asked for it is not known any more.", "owner-unknown")
        return await self._keys.meaning(key)
