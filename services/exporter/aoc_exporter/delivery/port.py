"""The port of all destinations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Limits:
    """What a destination takes: items and bytes of a batch, bytes of one encoded entry."""

    items: int
    batch_bytes: int
    entry_bytes: int


class Sink(Protocol):
    """A destination."""

    @property
    def limits(self) -> Limits:
        """What it takes in one `send`."""
        ...

    @property
    def idempotent(self) -> bool:
        """Whether the destination keeps one of an item that it gets twice."""
        ...

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """Send a batch within the limits, once: an outcome for each item, in their order.

        Returns when the destination has confirmed or refused, within a bound that the sink's time-outs give. Several
        calls may run at a time. Sending the same items again is safe; whether the destination can tell is its own.
        Raises `Transient` when nothing is known about any item, or nothing was taken (`Throttled`, `Unusable`), and
        `RefusedWhole` when the batch was refused without a decision about each item.
        """
        ...

    def framed(self, items: Sequence[Item]) -> bytes:
        """What would be sent of a batch, before it is packed."""
        ...

    async def close(self) -> None:
        """Let go of connections. No call follows."""
        ...


#: What framing adds to an entry at most, roughly: batches are split by it.
_AROUND = 1024


def batches(items: Sequence[Item], limits: Limits) -> Iterator[Sequence[Item]]:
    """The items in their order, in batches within the limits. An item that is too large alone is a batch alone."""
    begin = size = 0
    for place, item in enumerate(items):
        own = len(item.data) + _AROUND
        if place > begin and (place - begin >= limits.items or size + own > limits.batch_bytes):
            yield items[begin:place]
            begin, size = place, 0
        size += own
    if begin < len(items):
        yield items[begin:]
