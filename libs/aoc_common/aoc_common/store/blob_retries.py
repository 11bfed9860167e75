"""Content blobs that could not be read: they wait in the ledger, a visible gap, until they are read or expire.

Every method may raise `Transient` when the store is away. Every query names its tenant.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from aoc_common.backoff import backoff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_common.store.blobs import ContentBlob

#: Failures after which a slice no longer waits for a blob. From then on the blob is tried by itself, ever more slowly.
PATIENCE: Final = 3
SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(hours=1)


def pause(failures: int, shortest: timedelta = SHORTEST) -> timedelta:
    """How long a blob waits for its next try: `shortest` from its `PATIENCE`-th failure on, then ever twice as long."""
    return timedelta(seconds=backoff(failures - PATIENCE + 1, LONGEST.total_seconds(), shortest.total_seconds()))


class BlobRetries(Protocol):
    """Which blobs failed, how often, and when they are tried again. All writes are of one source.

    A next try that lies more than twice `LONGEST` ahead was written by a clock that was wrong, and is due.
    """

    async def failed(self, tenant: str, source: str, why: Mapping[ContentBlob, str], at: datetime) -> dict[str, int]:
        """These listed blobs could not be read, and why; content id -> its failures so far. Not of fetched ones."""
        ...

    async def deferred(self, tenant: str, source: str, content_ids: Sequence[str], at: datetime) -> set[str]:
        """Those of these that failed `PATIENCE` times and are not to be tried yet."""
        ...

    async def due(self, tenant: str, source: str, at: datetime, limit: int) -> Sequence[ContentBlob]:
        """Blobs that were put off and are to be tried now, those that expire first in front."""
        ...

    async def expire(self, tenant: str, source: str, since: datetime, at: datetime) -> int:
        """Blobs created from `since` on that were never fetched and expired before `at` become permanent gaps."""
        ...
