"""A page of records as Microsoft sent it: the body is a JSON array, byte for byte; what we know of it is in headers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Self

from aoc_common.contracts import subjects
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Bytes. A larger page is split between records before it is published.
MAX_PAGE_BYTES: Final = 512 * 1024
#: Records. More than this in one page and a redelivery repeats too much work.
MAX_PAGE_RECORDS: Final = 500


@dataclass(frozen=True, slots=True)
class RawPage:
    """One message of AOC_RAW.

    `slice_id` names the ledger entry that this page belongs to. `body` is a JSON array of records. `behind`: it is late
    because we are (an outage is caught up), so its records tell nothing of how late Microsoft is.
    """

    tenant: str
    source: str
    slice_id: str
    fetched_at: datetime
    body: bytes
    behind: bool = False

    @property
    def subject(self) -> str:
        """Where it is published."""
        return subjects.raw(self.tenant, self.source)

    def headers(self) -> dict[str, str]:
        """NATS headers. `Nats-Msg-Id` makes a repeated publish of the same page of the same slice one message."""
        digest = blake2b(self.slice_id.encode() + b"\x1f" + self.body, digest_size=16).hexdigest()
        found = {
            "Aoc-Tenant": self.tenant,
            "Aoc-Source": self.source,
            "Aoc-Slice": self.slice_id,
            "Aoc-Fetched-At": self.fetched_at.astimezone(UTC).isoformat(),
            "Nats-Msg-Id": digest,
        }
        return found | {"Aoc-Behind": "1"} if self.behind else found

    @classmethod
    def from_message(cls, headers: Mapping[str, str], body: bytes) -> Self:
        """Read a message of AOC_RAW; raises `Malformed` naming the header that is missing or wrong."""
        try:
            tenant = subjects.check_tenant(headers["Aoc-Tenant"])
            source = headers["Aoc-Source"]
            slice_id = headers["Aoc-Slice"]
            fetched_at = datetime.fromisoformat(headers["Aoc-Fetched-At"])
        except KeyError as error:
            raise Malformed(f"raw page without header {error.args[0]}") from None
        except ValueError:
            raise Malformed(f"raw page: Aoc-Fetched-At {headers['Aoc-Fetched-At']!r} is no ISO time") from None
        if fetched_at.tzinfo is None:
            raise Malformed("raw page: Aoc-Fetched-At has no zone")
        return cls(tenant, source, slice_id, fetched_at, body, "Aoc-Behind" in headers)
