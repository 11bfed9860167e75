"""What a route asks of its callers, as its dependencies declare it. `docs/reference/access.md` has all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.contracts.access import Role

type Extent = Literal["tenant", "something", "everything"]
"""Over what a role is needed: the request's tenant; whatever the route then asks for; all tenants at once."""


@dataclass(frozen=True, slots=True)
class Need:
    """A role, and over what it is needed."""

    role: Role
    over: Extent


_DECLARED: Final[dict[Callable[..., Any], Need]] = {}


def declare[**P, R](dependency: Callable[P, R], need: Need) -> Callable[P, R]:
    """Note what a dependency asks for, and give it back."""
    _DECLARED[dependency] = need
    return dependency


def declared(dependency: Callable[..., Any] | None) -> Need | None:
    """What a dependency asks for; None for one that asks nothing of its caller."""
    return None if dependency is None else _DECLARED.get(dependency)
