"""What is known beyond the record: names for ids, and where addresses are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aoc_common.contracts.directory import Entity


class Place(NamedTuple):
    """Where an address is, as OCSF says it: its `location`, and its `network`, an autonomous system."""

    location: Mapping[str, Any] | None = None
    network: Mapping[str, Any] | None = None


type Locate = Callable[[str], Place | None]
"""The place of an address in its one spelling, if it is known."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`names`: the tenant's entities by `contracts.directory.key`. `locate`: where an address is."""

    names: Mapping[str, Entity]
    locate: Locate


def nowhere(_address: str) -> None:
    """Where an address is, without a database."""


NOTHING: Final = Knowledge({}, nowhere)

type Learn = Callable[[Mapping[str, Iterable[str]]], Awaitable[Mapping[str, Knowledge]]]
"""Tenant -> keys to look up; gives what is known of each tenant. Raises `Transient`."""
