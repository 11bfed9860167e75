"""Exchange message trace."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.mappers.base import Mapper, Record, named_party
from aoc_normalizer.ocsf import API_ACTIVITY
from aoc_normalizer.result import of_word


def recognises(record: Record) -> bool:
    """A trace names sender and recipient."""
    return "SenderAddress" in record and "RecipientAddress" in record


def fill(record: Record, draft: Draft) -> None:
    """One delivery of one message to one recipient."""
    draft.used |= {"SenderAddress", "RecipientAddress", "Subject", "Status", "Received", "FromIP", "MessageTraceId"}
    draft.product, draft.service, draft.log_name = "Exchange Online", "exchange", "Message trace"
    trace, recipient = values.text(record.get("MessageTraceId")), values.text(record.get("RecipientAddress"))
    status = values.text(record.get("Status"))
    draft.family = "message-trace"
    # Without the trace's own id, recipient and status would make one of many messages.
    draft.record_id = "|".join(part for part in (trace, recipient, status) if part) if trace else None
    draft.original_time = values.first(record, "Received", "ReceivedTime", "StartDate")
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.operation, draft.class_uid, draft.activity_id = "Message trace", API_ACTIVITY, 2
    draft.result = of_word(status)
    draft.actor = named_party(values.text(record.get("SenderAddress")))
    draft.address = addresses.parse(record.get("FromIP"))
    subject = values.text(record.get("Subject"))
    draft.targets = [
        named_party(recipient, "mailbox"),
        Party(subject, uid=values.text(record.get("MessageId")), kind="message"),
    ]
    draft.correlation_id = values.text(record.get("MessageId"))
    draft.tell = lambda done: f"Mail from {done.actor.spoken} to {recipient or 'somebody'}: {status or 'unknown'}"


MAPPER: Final = Mapper("message-trace", 1, recognises, fill)
