"""What is known beyond the record: names for ids, and where addresses are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aoc_common.contracts.directory import Entity


type Locate = Callable[[str], Mapping[str, Any] | None]
"""The OCSF location of an address, if it is known."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`names`: the tenant's entities by `contracts.directory.key`. `locate`: an address's OCSF location, if known."""

    names: Mapping[str, Entity]
    locate: Locate


def nowhere(_address: str) -> None:
    """Where an address is, without a database."""


NOTHING: Final = Knowledge({}, nowhere)

type Learn = Callable[[Mapping[str, Iterable[str]]], Awaitable[Mapping[str, Knowledge]]]
"""Tenant -> keys to look up; gives what is known of each tenant. Raises `Transient`."""
