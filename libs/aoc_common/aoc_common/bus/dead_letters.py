"""Dead letters: what a message becomes that is given up, its copy on AOC_DLQ, and who puts it on record."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Protocol

from aoc_common.bus.publish import Outgoing
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import LETTER, DeadLetter
from aoc_common.contracts.event import header_safe
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from datetime import datetime

    from nats.aio.msg import Msg

_LONGEST_REASON: Final = 2000


class DeadLetterRecorder(Protocol):
    """Puts dead letters on record. Idempotent by their keys. Raises `Transient`."""

    async def put(self, letter: DeadLetter) -> bool:
        """Put a letter on record; whether its body is kept there."""
        ...

    async def copied(self, letter: DeadLetter, sequence: int) -> None:
        """Its copy, the only one of its body, has this sequence in AOC_DLQ."""
        ...

    async def known(self, letter: DeadLetter) -> bool:
        """Whether the message is the one of the letter that it says to be (`retry_of`)."""
        ...


def dead_letter(service: str, message: Msg, reason: str, at: datetime) -> DeadLetter:
    """The dead letter that a message becomes."""
    headers = {_storable(name): _storable(value) for name, value in (message.headers or {}).items()}
    place = message.metadata
    # The time makes it unique also when a stream was made anew and counts from one again.
    made = f"{service}/{place.stream}/{place.sequence.stream}/{place.timestamp.isoformat()}"
    return DeadLetter(
        key=f"{service}-{blake2b(made.encode(), digest_size=12).hexdigest()}",
        service=service,
        tenant=tenant_of(message),
        source=subjects.owner(message.subject)[1] or headers.get("Aoc-Source", ""),
        slice_id=headers.get("Aoc-Slice", ""),
        stream=place.stream,
        sequence=place.sequence.stream,
        subject=message.subject,
        reason=_storable(reason[:_LONGEST_REASON]),
        headers=headers,
        body=message.data,
        at=at,
        retry_of=headers.get(LETTER, ""),
    )


def copy_of(letter: DeadLetter) -> Outgoing:
    """The copy of a letter on AOC_DLQ."""
    headers = dict(letter.headers)
    headers.update(
        {
            "Aoc-Reason": header_safe(letter.reason),
            "Aoc-Subject": letter.subject,
            "Aoc-Sequence": str(letter.sequence),
            "Aoc-Msg-Id": headers.get("Nats-Msg-Id", ""),
            LETTER: letter.key,
            # A letter that was tried again in vain is another message of the same key.
            "Nats-Msg-Id": f"{letter.key}/{headers.get('Nats-Msg-Id', '')}",
        }
    )
    return Outgoing(subjects.dead_letter(letter.service, letter.tenant), letter.body, headers)


def tenant_of(message: Msg) -> str:
    """Whose message it is: its subject says so, where it has a tenant's place; a header is only words."""
    tenant, _ = subjects.owner(message.subject)
    try:
        return subjects.check_tenant(tenant or (message.headers or {}).get("Aoc-Tenant", ""))
    except Malformed:
        return "unknown"


def _storable(text: str) -> str:
    """The text without lone surrogates, which no store takes."""
    return text.encode("utf-8", "replace").decode()
