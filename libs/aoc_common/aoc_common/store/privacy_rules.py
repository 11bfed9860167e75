"""The privacy rules that a tenant had last: they hold on when the tenant leaves the registry and its events do not.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aoc_common.tenants.privacy import PrivacyRule


class PrivacyRuleStore(Protocol):
    """Tenant -> its rules."""

    async def remember(self, tenant: str, rules: tuple[PrivacyRule, ...]) -> None:
        """These are its rules from now on; none are none."""
        ...

    async def remembered(self, tenant: str) -> tuple[PrivacyRule, ...]:
        """Its rules; none for a tenant that never had any."""
        ...
