"""Under which circumstances a rule that matches has found something. Pure; judged for nothing but what matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from aoc_rules.circumstances.standing import standings_of

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from aoc_common.contracts.rows import Row
    from aoc_common.tenants.tenant import Tenant
    from aoc_rules.circumstances.schedule import Schedule
    from aoc_rules.circumstances.tenants import KnownTenant

type Side = Literal["inside", "outside"]

SIDES: Final[tuple[Side, ...]] = get_args(Side.__value__)


@dataclass(frozen=True, slots=True)
class Choice:
    """Names of which one must be there (`only`; empty: none need be), and of which none may be (`other_than`)."""

    only: frozenset[str] = frozenset()
    other_than: frozenset[str] = frozenset()


ANY: Final = Choice()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that must hold; None, or `ANY`: nothing is asked.

    `working_hours`, `trusted_networks`: on which side of them. `actor`: his standing. `schedule`: when it is at work.
    """

    working_hours: Side | None = None
    trusted_networks: Side | None = None
    actor: Choice = ANY
    tenants: Choice = ANY
    groups: Choice = ANY
    schedule: Schedule | None = None

    def hold(self, row: Row, known: KnownTenant) -> bool:
        """Whether an event of a tenant is of this kind. What cannot be answered does not hold."""
        settings = known.settings
        return (
            self.of_tenant(row.tenant, groups_of(settings))
            and self._of_time(row.at, settings)
            and self._of_address(row.ip, known)
            and self._of_actor(row)
        )

    def of_tenant(self, tenant: str, groups: AbstractSet[str]) -> bool:
        """Whether it is for this tenant: one that `tenants` or `groups` names, and neither excludes."""
        if tenant in self.tenants.other_than or not groups.isdisjoint(self.groups.other_than):
            return False
        if not self.tenants.only and not self.groups.only:
            return True
        return tenant in self.tenants.only or not groups.isdisjoint(self.groups.only)

    def _of_time(self, at: datetime | None, settings: Tenant | None) -> bool:
        if self.working_hours is None and self.schedule is None:
            return True
        if at is None or settings is None:
            return False
        if self.schedule is not None and not self.schedule.includes(at, settings.time_zone):
            return False
        return self.working_hours is None or settings.at_work(at) is (self.working_hours == "inside")

    def _of_address(self, address: str | None, known: KnownTenant) -> bool:
        """No address, or what is none, is on neither side; nor is any where the tenant names no networks."""
        if self.trusted_networks is None:
            return True
        within = None if address is None or known.networks is None else known.networks.place(address)
        return within is (self.trusted_networks == "inside")

    def _of_actor(self, row: Row) -> bool:
        """In doubt it holds: who may have been privileged is asked for as if he was, and not excluded."""
        if self.actor == ANY:
            return True
        found = standings_of(row.ocsf)
        if not found.sure.isdisjoint(self.actor.other_than):
            return False
        return not self.actor.only or not found.maybe.isdisjoint(self.actor.only)


ALWAYS: Final = Circumstances()


def groups_of(settings: Tenant | None) -> frozenset[str]:
    """The groups that a tenant is in."""
    return frozenset(settings.groups) if settings is not None else frozenset()
