"""What is known beyond the record: names for ids, and where addresses are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_common.contracts.directory import Entity


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`names`: the tenant's entities by `contracts.directory.key`. `locate`: an address's OCSF location, if known."""

    names: Mapping[str, Entity]
    locate: Callable[[str], Mapping[str, Any] | None]


NOTHING: Final = Knowledge({}, lambda _address: None)
