"""Who can sign in at the gateway: some people of each tenant, each with an app role of AOC, and some without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_sim.inventory import Directory, Person
    from aoc_sim.settings import TenantSettings
    from aoc_sim.world import TenantWorld

#: App roles, each of one person of every tenant: as each tenant's administrator assigns them.
_ROLES: Final = (("aoc.superadmin",), ("aoc.admin",), ("aoc.analyst",), ("aoc.reader",), ())
_GROUPS: Final = 2


@dataclass(frozen=True, slots=True)
class Account:
    """A person who can sign in. `groups`: ids of groups of the directory."""

    person: Person
    tenant: TenantSettings
    roles: tuple[str, ...]
    groups: tuple[str, ...]


class Accounts:
    """All of them, by object id."""

    def __init__(self, worlds: Iterable[TenantWorld]) -> None:
        self._accounts: Mapping[str, Account] = {
            account.person.id: account for world in worlds for account in _accounts(world.settings, world.directory)
        }

    def find(self, object_id: str) -> Account | None:
        """The account of a person."""
        return self._accounts.get(object_id)

    def all(self) -> list[Account]:
        """By tenant, the highest role first."""
        return list(self._accounts.values())


def _accounts(tenant: TenantSettings, directory: Directory) -> Iterable[Account]:
    groups = [group.id for group in directory.groups]
    for index, (person, roles) in enumerate(zip(directory.people, _ROLES, strict=False)):
        yield Account(person, tenant, roles, tuple(groups[index : index + _GROUPS]))
