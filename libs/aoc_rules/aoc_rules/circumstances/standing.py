"""What the tenant's directory knew of who did it, as the event says it (docs/howto/standing.md). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

type Standing = Literal["privileged", "guest", "service_account"]

STANDINGS: Final[tuple[Standing, ...]] = get_args(Standing.__value__)


@dataclass(frozen=True, slots=True)
class Standings:
    """`sure`: what an actor was; `maybe`: these, and what he may have been, between two readings that differ."""

    sure: frozenset[str]
    maybe: frozenset[str]


def standings_of(event: Mapping[str, Any]) -> Standings:
    """Of the actor of an OCSF event; nothing where the directory knew nothing of him."""
    sure, maybe, otherwise = set[str](), set[str](), set[str]()
    entries = event.get("enrichments")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("name") != "actor.user" or entry.get("type") != "directory":
            continue
        data = entry.get("data")
        if not isinstance(data, dict):
            continue
        other = data.get("or")
        other = other if isinstance(other, dict) else {}
        for name in STANDINGS:
            if data.get(name) is True:
                sure.add(name)
            if data.get(name) is True or other.get(name) is True:
                maybe.add(name)
            if name in other and other[name] is not True:
                otherwise.add(name)
    return Standings(frozenset(sure - otherwise), frozenset(maybe))
