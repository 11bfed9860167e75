"""Entries of AOC's own audit trail, and how they hold on to each other.

An entry is an OCSF event as JSON text. Its `unmapped.previous` is the hash of the entry before it in its chain, and an
entry's hash is the SHA-256 of its text: `printf %s "$text" | sha256sum` checks it. There is a chain for each writer
(one run of a gateway) and tenant, so that replicas never wait for each other.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The tenant of what concerns the installation and no tenant of it; no tenant can have this name.
INSTALLATION: Final = "_installation"
#: Bytes of an entry's text. What a caller sent is cut long before (`aoc_api.audit.acts`).
LONGEST: Final = 64 * 1024
_DIGITS: Final = 12
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Chain:
    """Whose entries: of one writer about one tenant."""

    tenant: str
    writer: str

    @property
    def id(self) -> str:
        """`{tenant}/{writer}`."""
        return f"{self.tenant}/{self.writer}"

    @property
    def beginning(self) -> str:
        """What the first entry of the chain has as `previous`."""
        return hashlib.sha256(self.id.encode()).hexdigest()

    def entry_id(self, sequence: int) -> str:
        """`{tenant}/{writer}/{sequence}`; ids of a chain sort by sequence."""
        return f"{self.id}/{sequence:0{_DIGITS}}"


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain, by its `sequence` (from 1) and its hash."""

    chain: Chain
    sequence: int
    hash: str

    @classmethod
    def none(cls, chain: Chain) -> Head:
        """Of a chain without entries."""
        return cls(chain, 0, chain.beginning)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry: its text, its hash, and what of it is searched by.

    `action`: as in docs/howto/audit-trail.md, e.g. `events.search`. `actor`: the id of a principal, empty when
    nobody was signed in. `outcome`: `success` or `failure`.
    """

    chain: Chain
    sequence: int
    text: str
    hash: str
    at: datetime
    action: str
    actor: str
    outcome: str

    @property
    def id(self) -> str:
        """Unique, and for ever the same."""
        return self.chain.entry_id(self.sequence)

    @property
    def event(self) -> dict[str, Any]:
        """The OCSF event."""
        event: dict[str, Any] = orjson.loads(self.text)
        return event

    @property
    def previous(self) -> str:
        """The hash of the entry before it."""
        return str(self.event["unmapped"]["previous"])

    @property
    def head(self) -> Head:
        """The chain's end, when this entry is the last one."""
        return Head(self.chain, self.sequence, self.hash)

    @classmethod
    def following(cls, head: Head, event: Mapping[str, Any]) -> AuditEntry:
        """The entry of an event behind the last one of its chain.

        `event`: an OCSF event with `time`, `metadata`, `status` and `unmapped.action`; `actor.user.uid` where somebody
        was signed in. Raises `Malformed` for one that has more than `LONGEST` bytes.
        """
        sequence = head.sequence + 1
        metadata = {
            **event["metadata"],
            "uid": head.chain.entry_id(sequence),
            "sequence": sequence,
            "tenant_uid": head.chain.tenant,
        }
        unmapped = {**event["unmapped"], "writer": head.chain.writer, "previous": head.hash}
        return cls.read(_written({**event, "metadata": metadata, "unmapped": unmapped}))

    @classmethod
    def read(cls, text: str) -> AuditEntry:
        """The entry with this text. Raises `Malformed` for a text that is none."""
        try:
            if (size := len(written := text.encode())) > LONGEST:
                raise Malformed(f"an entry of the audit trail with {size:,} bytes; {LONGEST:,} are the most")
            event = orjson.loads(written)
            metadata, unmapped = event["metadata"], event["unmapped"]
            chain = Chain(metadata["tenant_uid"], unmapped["writer"])
            entry = cls(
                chain=chain,
                sequence=metadata["sequence"],
                text=text,
                hash=hashlib.sha256(written).hexdigest(),
                at=_EPOCH + timedelta(milliseconds=event["time"]),
                action=unmapped["action"],
                actor=event.get("actor", {}).get("user", {}).get("uid", ""),
                outcome="success" if event["status_id"] == 1 else "failure",
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise Malformed(f"no entry of the audit trail: {type(error).__name__}: {error}") from None
        if metadata["uid"] != entry.id:
            raise Malformed(f"no entry of the audit trail: it calls itself {metadata['uid']!r}, and is {entry.id!r}")
        return entry


def _written(event: Mapping[str, Any]) -> str:
    """An event as text that a terminal can show as it is: callers write what is in it. So it is printable ASCII."""
    text = orjson.dumps(event).decode()
    if not text.isascii():
        text = json.dumps(event, ensure_ascii=True, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f")


class ChainCheck:
    """Checks that the entries of one chain, given in the order in which they are stored, are all of it, unchanged."""

    def __init__(self, chain: Chain) -> None:
        self.head = Head.none(chain)

    def fault(self, entry: AuditEntry) -> str | None:
        """What is wrong with the next entry, in words; None when it follows from the one before."""
        head, expected = self.head, self.head.sequence + 1
        self.head = entry.head
        if entry.chain != head.chain:
            return f"{entry.id} stands in the chain {head.chain.id}"
        if entry.sequence != expected:
            missing = f"{expected}" if entry.sequence == expected + 1 else f"{expected} to {entry.sequence - 1}"
            return f"{entry.id} follows entry {head.sequence}: {missing} of {head.chain.id} missing"
        if entry.previous != head.hash:
            return f"{entry.id} does not follow from the entry before it: one of the two was changed or replaced"
        return None
