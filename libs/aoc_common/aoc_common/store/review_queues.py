"""Queues that a person reviews: dead letters, and records in the quarantine. Both are listed and decided on alike.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: How long a republished item is left to the normalizer. A second publication has the same page id, so it is harmless.
_IN_FLIGHT: Final = timedelta(hours=1)


class ItemState(StrEnum):
    """What was decided about an item."""

    OPEN = "open"
    """Nobody has decided, or it was published again and is on its way."""
    RETRIED = "retried"
    """It was published again, and handled."""
    DISCARDED = "discarded"
    """Somebody said that it is not needed, and why."""
    EXPIRED = "expired"
    """Its content is gone before anybody decided: a permanent gap."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items. `tenant` None: of every tenant, for operators only. `reason`: text that their reason holds.

    `before`: time and key of the last item of the page before; those that come after it.
    """

    tenant: str | None = None
    source: str | None = None
    service: str | None = None
    reason: str | None = None
    state: ItemState | None = ItemState.OPEN
    keys: tuple[str, ...] = ()
    limit: int = 100
    before: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A dead letter, or a record in the quarantine, without its content.

    `size`: bytes of the content. `records`: how many are in it, as far as that can be told. `tries`: how often it was
    published again; `asked_at`: when last. `failed_at`: when a dead letter was given up last. `stored`: its event is
    stored too (see `QuarantineEntry`). `left`: why it was not published again when somebody last asked for that.
    `copy`: sequence in AOC_DLQ of a content that is only there. `headers`,
    `subject` and `service` are a dead letter's.
    """

    key: str
    tenant: str
    source: str
    slice_id: str
    sequence: int
    reason: str
    at: datetime
    state: ItemState
    size: int
    records: int = 1
    tries: int = 0
    asked_at: datetime | None = None
    failed_at: datetime | None = None
    decided_at: datetime | None = None
    who: str = ""
    why: str = ""
    left: str = ""
    stored: bool = False
    service: str = ""
    stream: str = ""
    subject: str = ""
    copy: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def in_flight(item: Item, at: datetime) -> bool:
    """Whether it was published again recently and has no outcome yet. After a while it may be lost on the bus."""
    return item.asked_at is not None and at - item.asked_at < _IN_FLIGHT


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many items of a tenant's source are in a state; `oldest`: when the first of them was put there."""

    source: str
    state: ItemState
    items: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided what is not needed, why, and when."""

    who: str
    why: str
    at: datetime


class ReviewQueue(Protocol):
    """Items that wait for a person, newest first."""

    async def find(self, selection: Selection) -> list[Item]:
        """The newest of these items."""
        ...

    async def content(self, key: str, tenant: str | None = None) -> bytes | None:
        """An item's content; None when it is not kept here. `tenant`: whose it must be, for who is no operator."""
        ...

    async def republished(self, item: Item, page: str, at: datetime) -> None:
        """The item was republished: `page` is its page in the ledger, empty when it has none.

        `item` is as it was read before. One that was given up again meanwhile stays open.
        """
        ...

    async def discard(self, keys: Sequence[str], decision: Decision) -> int:
        """These open items are not needed; how many there were. They are kept as evidence of the decision."""
        ...
