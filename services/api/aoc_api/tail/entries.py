"""An event on its way to who looks on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.publications import Position


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, and where it stands, or stood."""

    position: Position
    message: EventMessage
