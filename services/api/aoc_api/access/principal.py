"""Who calls: a person, an application or an API key, and the roles that were granted to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aoc_common.contracts.access import ROLES, Grant, Role

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from aoc_common.store.sessions import SignedIn

__all__ = ["Grant", "Principal", "PrincipalKind"]

type PrincipalKind = Literal["person", "application", "api-key"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sent a request, once that has been verified.

    `id`: unique among all kinds, and for ever the same: `{tid}/{oid}` of a person or an application, `key/{id}` of an
    API key. `name`: to be shown to people. `directory_id`: of the Entra tenant that vouched for it. `person`: what was
    verified when it signed in; None for an API key.
    """

    kind: PrincipalKind
    id: str
    name: str
    grants: tuple[Grant, ...]
    directory_id: str | None = None
    person: SignedIn | None = field(default=None, compare=False, repr=False)

    def role_over(self, tenant: str, groups: AbstractSet[str]) -> Role | None:
        """The highest role that it has over a tenant, which belongs to these groups; None when it has none."""
        return _highest(grant.role for grant in self.grants if grant.covers(tenant, groups))

    def role_over_everything(self) -> Role | None:
        """The highest role that it has over all tenants at once; None when it has none."""
        return _highest(grant.role for grant in self.grants if grant.everything)


def _highest(roles: Iterable[Role]) -> Role | None:
    return max(roles, key=ROLES.index, default=None)
