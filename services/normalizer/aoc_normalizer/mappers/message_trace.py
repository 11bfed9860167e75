"""Exchange message trace: of the reporting service, Graph, PowerShell's two cmdlets, and the admin center's downloads.

Sources: exchange-docs, Get-MessageTrace, Get-MessageTraceV2, Get-HistoricalSearch and message-trace-modern-eac.md. A
summary report has a line for each message (`recipient_status`: `address##status` for each recipient), an extended one
a line for each step that a message took (`event_id`).
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from aoc_normalizer import bounds
from aoc_normalizer.draft import Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.fields.duplicate_keys import renamed
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers.base import Mapper, Record, named_party
from aoc_normalizer.ocsf_classes import API_ACTIVITY

if TYPE_CHECKING:
    from aoc_common.contracts.results import Result

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
    "recipient_status": "RecipientStatus",
    "origin_timestamp_utc": "Received",
    "date_time_utc": "Received",
    "message_id": "MessageId",
    "message_subject": "Subject",
    "network_message_id": "MessageTraceId",
    "original_client_ip": "FromIP",
    "recipient_address": "RecipientAddress",
    "event_id": "Event",
    "source_context": "Detail",
}
#: What the last step of a message means. A message that was expanded or resolved went on to its members.
_ENDS: Final[dict[str, Result]] = {
    "deliver": "success",
    "send": "success",
    "expand": "success",
    "expanded": "success",
    "resolve": "success",
    "receive": "success",
    "submit": "success",
    "fail": "failure",
    "drop": "failure",
    "dsn": "failure",
    "filteredasspam": "failure",
    "quarantined": "failure",
}
_STATED: Final = "##"
_CAPITALS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
#: Recipients that a sentence names.
_SHOWN: Final = 3


def recognises(record: Record) -> bool:
    """A trace names sender and recipient: of the reporting service, of Graph, or of a historical search's export."""
    return (
        ("SenderAddress" in record and "RecipientAddress" in record)
        or ("senderAddress" in record and "recipientAddress" in record)
        or ("sender_address" in record and ("recipient_status" in record or "recipient_address" in record))
    )


def fill(record: Record, draft: Draft) -> None:
    """One delivery of one message to one recipient; of a summary to all of them; or one step of one message."""
    draft.used |= {"SenderAddress", "RecipientAddress", "Subject", "Status", "Received", "FromIP", "MessageTraceId"}
    draft.used |= _NAMES.keys() - {"toIP"} | {"RecipientStatus", "Event", "Detail"}
    record = renamed(record, {name: _NAMES.get(name, name) for name in record})
    draft.product, draft.service, draft.log_name = "Exchange Online", "exchange", "Message trace"
    step = values.text(record.get("Event"))
    stated = values.text(record.get("RecipientStatus"))
    recipient, status = values.text(record.get("RecipientAddress")), values.text(record.get("Status"))
    if stated and _STATED in stated:
        recipient, _, status = stated.partition(_STATED)
    _identify(record, draft, (recipient, status, step))
    draft.original_time = values.first(record, "Received", "ReceivedTime", "Date", "StartDate")
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.operation, draft.class_uid, draft.activity_id = "Message trace", API_ACTIVITY, 2
    each = record.get("RecipientStatus")
    deliveries = _deliveries(each) if isinstance(each, str) and _STATED in each else _alike(recipient, status)
    draft.result = _result([state or step for _, state in deliveries] or [status or step])
    draft.actor = named_party(values.text(record.get("SenderAddress")))
    draft.address = addresses.parse(record.get("FromIP"))
    subject = values.text(record.get("Subject"))
    draft.targets = [
        *([named_party(who, "mailbox") for who, _ in deliveries] or [named_party(None, "mailbox")]),
        Party(subject, uid=values.text(record.get("MessageId")), kind="message"),
    ]
    draft.correlation_id = values.text(record.get("MessageId"))
    draft.status_detail = values.text(record.get("Detail")) if draft.result == "failure" else None
    about = f", \N{LEFT DOUBLE QUOTATION MARK}{subject}\N{RIGHT DOUBLE QUOTATION MARK}" if subject else ""
    draft.sentence = partial(
        _sentence, [who for who, _ in deliveries], f"{_outcome(deliveries, status or step)}{about}"
    )


def _identify(record: Record, draft: Draft, told: tuple[str | None, ...]) -> None:
    """Without the trace's own id, recipient and status would make one of many messages.

    The steps of a message share the rest; older versions of AOC did not tell them apart.
    """
    trace = values.text(record.get("MessageTraceId"))
    draft.family = "message-trace"
    if trace:
        parts = [part.casefold() for part in told if part]
        draft.record_id = "|".join((trace, *parts))
        if told[-1]:
            draft.former.append((draft.family, "|".join((trace, *parts[:-1]))))


def _deliveries(stated: str) -> list[tuple[str, str | None]]:
    """`a@x.example##Receive, Deliver;b@x.example##Receive, Fail`: each recipient with what became of the message."""
    found = []
    for part in bounds.listed(stated.split(";")):
        who, mark, state = part.partition(_STATED)
        if mark and who.strip():
            found.append((who.strip(), state.strip() or None))
    return found


def _alike(recipients: str | None, state: str | None) -> list[tuple[str, str | None]]:
    """Recipients of whom one thing is said."""
    return [(who.strip(), state) for who in bounds.listed((recipients or "").split(";")) if who.strip()]


def _result(states: list[str | None]) -> Result:
    """How it ended for all of them; partly where it ended for some in one way and for some in another."""
    ends = {_end(state) for state in states}
    return ends.pop() if len(ends) == 1 else "partial"


def _outcome(deliveries: list[tuple[str, str | None]], alone: str | None) -> str:
    """What became of a message, in its trace's words."""
    states = list(dict.fromkeys(state for _, state in deliveries if state))
    if len(states) > 1:
        return "; ".join(f"{who}: {_small(state or 'unknown')}" for who, state in deliveries[:_SHOWN])
    return _small((states[0] if states else alone) or "unknown")


def _small(state: str) -> str:
    """`FilteredAsSpam` as `filtered as spam`: each interface has capitals of its own."""
    return _CAPITALS.sub(" ", state).lower()


def _end(state: str | None) -> Result:
    found = of_word(state)
    if found != "unknown" or state is None:
        return found
    return _ENDS.get(state.rpartition(",")[2].strip().casefold(), "unknown")


def _sentence(recipients: list[str], outcome: str, draft: Draft) -> str:
    more = len(recipients) - _SHOWN
    named = ", ".join(recipients[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"Mail from {draft.actor.spoken} to {named or 'somebody'}: {outcome}"


MAPPER: Final = Mapper("message-trace", 4, recognises, fill)
