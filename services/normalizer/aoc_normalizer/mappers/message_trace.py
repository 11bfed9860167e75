"""Exchange message trace."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.fields.duplicate_keys import renamed
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers.base import Mapper, Record, named_party
from aoc_normalizer.ocsf_classes import API_ACTIVITY

#: Graph's, the historical search's and our names: the reporting service's.
_NAMES: Final = {
    "senderAddress": "SenderAddress",
    "recipientAddress": "RecipientAddress",
    "receivedDateTime": "Received",
    "messageTraceId": "MessageTraceId",
    "messageId": "MessageId",
    "subject": "Subject",
    "status": "Status",
    "fromIP": "FromIP",
    "toIP": "ToIP",
    "sender_address": "SenderAddress",
    "recipient_status": "RecipientAddress",
    "origin_timestamp_utc": "Received",
    "date_time_utc": "Received",
    "message_id": "MessageId",
    "message_subject": "Subject",
    "network_message_id": "MessageTraceId",
    "original_client_ip": "FromIP",
    "recipient_address": "RecipientAddress",
}


def recognises(record: Record) -> bool:
    """A trace names sender and recipient: of the reporting service, of Graph, or of a historical search's export."""
    return (
        ("SenderAddress" in record and "RecipientAddress" in record)
        or ("senderAddress" in record and "recipientAddress" in record)
        or ("sender_address" in record and ("recipient_status" in record or "recipient_address" in record))
    )


def _renamed(record: Record) -> Record:
    """The record under the reporting service's names. `recipient_status` is `address##status`."""
    if "SenderAddress" in record:
        return record
    named = renamed(record, {name: _NAMES.get(name, name) for name in record})
    recipient = values.text(record.get("recipient_status"))
    if recipient and "##" in recipient:
        named["RecipientAddress"], _, named["Status"] = recipient.partition("##")
    return named


def fill(record: Record, draft: Draft) -> None:
    """One delivery of one message to one recipient."""
    draft.used |= {"SenderAddress", "RecipientAddress", "Subject", "Status", "Received", "FromIP", "MessageTraceId"}
    draft.used |= _NAMES.keys() - {"toIP"}
    record = _renamed(record)
    draft.product, draft.service, draft.log_name = "Exchange Online", "exchange", "Message trace"
    trace, recipient = values.text(record.get("MessageTraceId")), values.text(record.get("RecipientAddress"))
    status = values.text(record.get("Status"))
    draft.family = "message-trace"
    # Without the trace's own id, recipient and status would make one of many messages.
    parts = (part.casefold() for part in (recipient, status) if part)
    draft.record_id = "|".join((trace, *parts)) if trace else None
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
    about = f", \N{LEFT DOUBLE QUOTATION MARK}{subject}\N{RIGHT DOUBLE QUOTATION MARK}" if subject else ""
    draft.sentence = lambda done: (
        f"Mail from {done.actor.spoken} to {recipient or 'somebody'}: {status or 'unknown'}" + about
    )


MAPPER: Final = Mapper("message-trace", 2, recognises, fill)
