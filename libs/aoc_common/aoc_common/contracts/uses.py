"""What an actor uses in an event: an operation, an application, a country, a device. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from aoc_common.contracts import spelling

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

type UseKind = Literal["operation", "application", "country", "device"]

USE_KINDS: Final[tuple[UseKind, ...]] = get_args(UseKind.__value__)
#: Where an OCSF event has them: an application and a device are known by their name or their id.
_PATHS: Final[Mapping[UseKind, tuple[tuple[str, ...], ...]]] = {
    "operation": (),
    "application": (("actor", "app_uid"), ("actor", "app_name")),
    "country": (("src_endpoint", "location", "country"),),
    "device": (("src_endpoint", "uid"), ("src_endpoint", "name")),
}
#: What stands for a device where a record names none, and no address.
_NOTHING: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Use:
    """What an actor used, of which it is asked whether it was the first time.

    - `actor`: as `spelling.actor` has him. `names`: of what he used, in any of which another use is the same.
    - `event`: the id of the event, and `same`: of the first of its twins. `at`: when it happened.
    - `since`: uses from then on count. `known_since`: he must have done something before that; None: he need not.
    """

    kind: UseKind
    actor: str
    names: frozenset[str]
    event: UUID
    same: UUID
    at: datetime
    since: datetime
    known_since: datetime | None = None


def used(kind: UseKind, operation: str, event: Mapping[str, Any]) -> frozenset[str]:
    """What an OCSF event says was used, in lower case; empty where it does not say."""
    if kind == "operation":
        found: tuple[Any, ...] = (spelling.operation(operation),)
    else:
        found = tuple(_at(event, path) for path in _PATHS[kind])
    names = {one.strip().lower() for one in found if isinstance(one, str)}
    return frozenset(names - {"", _NOTHING})


def _at(event: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(event, dict):
            return None
        event = event.get(name)
    return event
