"""Stretches of time that are collected beside the live slices: what an outage left, what is looked at again.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Cause(StrEnum):
    """Why a stretch is collected. In this order: what is missing comes before what is only looked at again."""

    BEHIND = "behind"
    """Never collected: an outage, or the look-back of a new source. The watermark waits for it."""
    LATE = "late"
    """Collected before; looked at again for records that came late."""
    ASKED = "asked"
    """Somebody wants it (again)."""

    @classmethod
    def _missing_(cls, value: object) -> Cause | None:
        """Stretches that were stored before ages doubled."""
        return cls.LATE if value in {"hourly", "daily"} else None


@dataclass(frozen=True, slots=True)
class Stretch:
    """`start` inclusive, `end` exclusive, UTC; collected from its beginning, until `done_until` so far.

    `name` tells stretches of a source apart: adding one that is known changes nothing, except that a stretch which is
    `BEHIND` grows to the later end. `failures`: turns in a row that it lost because it could not be read; the last one
    at `put_off_at`, its next one not before `not_before`. `afresh`: also what counts as fetched is fetched again.
    """

    tenant: str
    source: str
    cause: Cause
    name: str
    start: datetime
    end: datetime
    done_until: datetime
    failures: int = 0
    put_off_at: datetime | None = None
    not_before: datetime | None = None
    afresh: bool = False

    @property
    def id(self) -> str:
        """Its id in the store and in jobs."""
        return f"{self.tenant}/{self.source}/{self.cause}/{self.name}"


class BacklogStore(Protocol):
    """Keeps stretches. All writes are idempotent."""

    async def add(self, stretch: Stretch, at: datetime) -> None:
        """A stretch is to be collected."""
        ...

    async def waiting(self, tenant: str) -> Sequence[Stretch]:
        """The tenant's stretches that are not done, by cause and then oldest first."""
        ...

    async def find(self, tenant: str, stretch_id: str) -> Stretch | None:
        """A stretch, also a done one for some time."""
        ...

    async def advance(self, stretch_id: str, until: datetime, at: datetime) -> None:
        """Everything before `until` is on the bus (never moves back); at its end the stretch is done."""
        ...

    async def postpone(self, stretch_id: str, until: datetime, at: datetime) -> None:
        """It could not be read, and has its next turn at `until`, others before it. Until then it goes on waiting."""
        ...
