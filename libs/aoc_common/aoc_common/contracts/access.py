"""Who may see what: roles, and a tenant's events as one reader may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from aoc_common.contracts import spelling
from aoc_common.contracts.subjects import check_tenant

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import datetime

type Role = Literal["reader", "analyst", "admin", "superadmin"]
"""What somebody may do; each role may do what those before it may.

- `reader`: see events, and how complete they are. `analyst`: tag, comment, and test rules.
- `admin`: change what AOC does for a tenant. `superadmin`: change who may do what, and what concerns all tenants.
"""

ROLES: Final[tuple[Role, ...]] = get_args(Role.__value__)


def includes(held: Role, needed: Role) -> bool:
    """Whether who holds one role may do what the other one is needed for."""
    return ROLES.index(held) >= ROLES.index(needed)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role over some tenants, over all of some groups of tenants, or over `everything` there is and will be.

    `until`: when it ends, exclusive; None: it does not end by itself.
    """

    role: Role
    tenants: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    everything: bool = False
    until: datetime | None = None

    def covers(self, tenant: str, groups: AbstractSet[str]) -> bool:
        """Whether a tenant, which belongs to these groups, is among those that it is over."""
        return self.everything or tenant in self.tenants or not self.groups.isdisjoint(groups)

    def __bool__(self) -> bool:
        """Whether it is over anything: all of its tenants may be gone."""
        return bool(self.everything or self.tenants or self.groups)

    def lasts(self, until: datetime | None) -> bool:
        """Whether it lasts until then, or for ever where that is None."""
        return self.until is None or (until is not None and until <= self.until)


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a reader of a tenant may not see.

    `services`, `operations`: in lower case, as they are stored; events of these do not exist for the reader. `fields`:
    kinds of values (`privacy.fields`) that he neither sees nor finds events by.
    """

    services: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.services or self.operations or self.fields)

    def within(self, other: Hidden) -> bool:
        """Whether what this hides is hidden by the other one, too."""
        return self.services <= other.services and self.operations <= other.operations and self.fields <= other.fields

    def hides(self, service: str, operation: str) -> bool:
        """Whether events of this service or operation do not exist for the reader, in whatever case they are spelt."""
        return service.lower() in self.services or spelling.operation(operation).lower() in self.operations

    def common(self, other: Hidden) -> Hidden:
        """What both hide."""
        return Hidden(self.services & other.services, self.operations & other.operations, self.fields & other.fields)


_NOTHING: Final = Hidden()


@dataclass(frozen=True, slots=True)
class Scope:
    """A tenant as one reader may see it. No stored event can be read without one.

    Making it raises `Malformed` for what is no tenant's name.
    """

    tenant: str
    hidden: Hidden = _NOTHING

    def __post_init__(self) -> None:
        check_tenant(self.tenant)
