"""What is known beyond the record: names for ids, and where addresses are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aoc_normalizer.enrich.confusables import NO_ADMINISTRATORS, ConfusableNames

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aoc_common.contracts.periods import History


class Place(NamedTuple):
    """Where an address is, as OCSF says it: its `location`, and its `network`, an autonomous system."""

    location: Mapping[str, Any] | None = None
    network: Mapping[str, Any] | None = None


type Locate = Callable[[str], Place | None]
"""The place of an address in its one spelling, if it is known."""


@dataclass(frozen=True, slots=True)
class EnrichmentData:
    """What is known of a tenant.

    - `histories`: the objects that have, or had, a key as `contracts.directory.key` spells it.
    - `locate`: where an address is. `confusable`: who has an administrator's name.
    - `read`: whether its users were ever read, so that a key without an object means nobody.
    - `organisation`: the tenant's id at Microsoft, where a collector has stored it.
    """

    histories: Mapping[str, tuple[History, ...]]
    locate: Locate
    confusable: ConfusableNames = NO_ADMINISTRATORS
    read: bool = False
    organisation: str | None = None


def nowhere(_address: str) -> None:
    """Where an address is, without a database."""


NO_ENRICHMENT: Final = EnrichmentData({}, nowhere)

type LookUp = Callable[[Mapping[str, Iterable[str]]], Awaitable[Mapping[str, EnrichmentData]]]
"""Tenant -> keys to look up; gives what is known of each tenant. Raises `Transient`."""
