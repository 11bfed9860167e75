"""What records had about them that a person should know: of which tenant and source, how often, since when.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

#: Kind of remark about records that only the generic mapper could read. Their events have no tag of this name.
NOT_UNDERSTOOD: Final = "not-understood"
#: Tag of an event -> what it says of its records. Other tags tell of the event alone, and are no remarks.
REMARKABLE: Final[Mapping[str, str]] = {
    "foreign-tenant": "name another tenant than the one that they were collected for",
    "duplicate-keys": "say a field twice; the last one counts, the record's own text has both",
    "wrapper-contradicts": "carry a record that says otherwise than what is around it; both can be searched for",
    "workload-contradicts": "have a record type of another workload than they name; the workload counts",
    "foreign-operation": "name an operation of another service; it has neither that one's class nor its severity",
    "fewer-terms": "have more words than they can be found by; all words of their sentences are among these",
    "invisible-characters": "have characters that nobody sees in operations or names; they are shown by their codes",
    "no-time": "do not say when they happened; they stand in 1970",
    "incomplete-record": "were cut on their way; what stood before the cut is read",
    "invalid-utf8": "have lost letters on their way; U+FFFD stands for them",
    NOT_UNDERSTOOD: "have a shape that no mapper knows; what could be made out is shown",
}


@dataclass(frozen=True, slots=True)
class Remark:
    """One kind of remark about the records of one source. `kind`: a key of `REMARKABLE`.

    `count`: events that were stored for the first time. `first`, `last`: when such a one was stored. `example`: one.
    """

    tenant: str
    source: str
    kind: str
    count: int
    first: datetime
    last: datetime
    example: UUID


class RemarkStore(Protocol):
    """Sums remarks up: a document a tenant, source and kind, so that no flood makes more of them."""

    async def add(self, remarks: Sequence[Remark]) -> None:
        """Add these. Of one that is added again only its `count` is added twice; 0 adds nothing to it."""
        ...

    async def since(self, moment: datetime, most: int) -> list[Remark]:
        """Those that were last made at this moment or later, the most numerous first."""
        ...
