"""A page of records as Microsoft sent it: the body is a JSON array, byte for byte; what we know of it is in headers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Self

from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import LETTER, PAGE_BEFORE
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Bytes. A larger page is split between records before it is published.
MAX_PAGE_BYTES: Final = 512 * 1024
#: Header: the sequence by which a page was known on the stream that it was migrated from.
SEQUENCE_BEFORE: Final = "Aoc-Raw-Seq"
#: Records. More than this in one page and a redelivery repeats too much work.
MAX_PAGE_RECORDS: Final = 500
#: Bytes. A record beyond this cannot be stored, whatever the bus takes: MongoDB's documents end at 16 MiB, and an event
#: holds its record's text, what is mapped of it, and what is not.
MAX_RECORD_BYTES: Final = 7 * 1024 * 1024
#: How long a page is on its way from Microsoft to the bus, at most; a clock that says longer is wrong.
TRANSIT: Final = timedelta(minutes=5)
#: Header: the page lay aside between Microsoft and the bus, for however long.
ASIDE: Final = "Aoc-Aside"


@dataclass(frozen=True)
class RawPage:
    """One message of AOC_RAW.

    `slice_id` names the ledger entry that this page belongs to. `body` is a JSON array of records. `behind`: it is late
    because we are (an outage is caught up), so its records tell nothing of how late Microsoft is. `sequence`: what a
    page of a stream before `aoc provision --migrate` was known by; None for all others. `page_before`: the id
    of a page that was given up and is tried again in another slice. `delayed`: it was not published as it was fetched.
    """

    tenant: str
    source: str
    slice_id: str
    fetched_at: datetime
    body: bytes
    behind: bool = False
    sequence: int | None = None
    page_before: str = ""
    delayed: bool = False

    @cached_property
    def id(self) -> str:
        """The page's identity, 32 hex digits: of what it holds and of which slice.

        Independent of the stream that it lies on, so that a stream which was lost, restored or made anew confuses
        nothing, and a page that is published twice is one page (docs/adr/0016-page-identity.md).
        """
        return blake2b(self.slice_id.encode() + b"\x1f" + self.body, digest_size=16).hexdigest()

    @property
    def all_names(self) -> frozenset[str]:
        """By what stored events may name it.

        Its id, of a migrated page `#` and the sequence that it had, of one that is tried again the id that it had.
        """
        before = {"" if self.sequence is None else f"#{self.sequence}", self.page_before}
        return frozenset({self.id, *filter(None, before)})

    @property
    def subject(self) -> str:
        """Where it is published."""
        return subjects.raw(self.tenant, self.source)

    def headers(self) -> dict[str, str]:
        """NATS headers. `Nats-Msg-Id` makes a repeated publish of the same page of the same slice one message."""
        headers = {
            "Aoc-Tenant": self.tenant,
            "Aoc-Source": self.source,
            "Aoc-Slice": self.slice_id,
            "Aoc-Fetched-At": self.fetched_at.astimezone(UTC).isoformat(),
            "Nats-Msg-Id": self.id,
        }
        if self.behind:
            headers["Aoc-Behind"] = "1"
        if self.delayed:
            headers[ASIDE] = "1"
        if self.sequence is not None:
            headers[SEQUENCE_BEFORE] = str(self.sequence)
        return headers

    @classmethod
    def from_message(cls, subject: str, headers: Mapping[str, str], body: bytes) -> Self:
        """Read a message of AOC_RAW; raises `Malformed` naming the header that is missing or wrong.

        Whose page it is, the bus says by its subject: who may publish there is a permission, a header is only words.
        """
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
        if subjects.tenant_and_source(subject) != (tenant, source):
            raise Malformed(f"raw page on {subject}: its headers name {tenant}/{source[:64]}")
        if not slice_id.startswith(f"{tenant}/"):
            raise Malformed(f"raw page on {subject}: its slice {slice_id[:200]!r} is another tenant's")
        if slice_id.count("/") > 1 and not slice_id.startswith(f"{tenant}/{source}/"):
            # It would be counted in the other's account.
            raise Malformed(f"raw page on {subject}: its slice {slice_id[:200]!r} is another source's")
        before = headers.get(SEQUENCE_BEFORE, "")
        sequence = int(before) if before.isascii() and before.isdigit() else None
        return cls(
            tenant,
            source,
            slice_id,
            fetched_at,
            body,
            behind="Aoc-Behind" in headers,
            sequence=sequence,
            page_before=headers.get(PAGE_BEFORE, ""),
            delayed=ASIDE in headers or LETTER in headers,
        )

    def timed(self, on_bus: datetime) -> Self:
        """The page, fetched when the bus bears it out, which has it since `on_bus`.

        The clocks of collectors jump, and of two states of a record the one that was fetched later is shown. No page is
        on the bus before it is fetched, nor much later, unless it lay aside. Where its own time says otherwise, that of
        the bus is taken, which is one for all collectors.
        """
        delayed = self.delayed or self.sequence is not None or bool(self.page_before)
        if self.fetched_at <= on_bus and (delayed or on_bus - self.fetched_at <= TRANSIT):
            return self
        return replace(self, fetched_at=on_bus)
