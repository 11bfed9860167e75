"""The one policy for messages that could not be handled.

- `Transient`: redelivered with a growing delay, for as long as the stream keeps the message. A store that is away for
  an hour costs an hour, not data.
- `Postponed`: the same, without a word: nothing failed.
- `Permanent`: to the dead letter stream with reason, subject and headers, then acknowledged.
- Anything else is a defect of ours: redelivered a few times (it may be a race), then treated as `Permanent`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.event import header_safe
from aoc_common.errors import Malformed, Permanent, Postponed, Transient
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

_log = logs.get(__name__)

MAX_DEFECT_DELIVERIES: Final = 5
_MAX_DELAY_S: Final = 60.0
#: Whoever asks for more than this is not obeyed: what is put off for years is lost.
_LONGEST_ASKED_S: Final = 24 * 3600.0


def delay_for(error: BaseException, deliveries: int) -> float:
    """Seconds until the next delivery: what the other side asked for (at most a day), or 1, 2, 4 ... 60."""
    asked = error.retry_after if isinstance(error, Transient) else None
    # `>=`: NaN is no answer.
    if asked is not None and asked >= 0:
        return min(asked, _LONGEST_ASKED_S)
    return float(min(2 ** min(deliveries - 1, 10), _MAX_DELAY_S))


async def settle_failure(js: JetStreamContext, service: str, message: Msg, error: BaseException) -> None:
    """Apply the policy to one message."""
    deliveries = message.metadata.num_delivered
    if isinstance(error, Postponed):
        await message.nak(delay=delay_for(error, deliveries))
        return
    defect = not isinstance(error, Transient | Permanent)
    final = isinstance(error, Permanent) or (defect and deliveries >= MAX_DEFECT_DELIVERIES)
    kind = type(error).__name__
    metrics.BUS_FAILURES.labels(service, kind).inc()
    _log.log(
        40 if defect else 30,
        "message.failed",
        subject=message.subject,
        kind=kind,
        error=str(error),
        deliveries=deliveries,
        final=final,
        exc_info=error if defect else None,
    )
    if final:
        await dead_letter(js, service, message, f"{kind}: {error}")
        await message.ack()
    else:
        await message.nak(delay=delay_for(error, deliveries))


async def dead_letter(js: JetStreamContext, service: str, message: Msg, reason: str) -> None:
    """Copy a message to AOC_DLQ. Raises `Transient` when that is not possible now; the message then comes again."""
    headers = {**(message.headers or {})}
    original_id = headers.pop("Nats-Msg-Id", "")
    headers.update(
        {
            "Aoc-Reason": header_safe(reason),
            "Aoc-Subject": message.subject,
            "Aoc-Sequence": str(message.metadata.sequence.stream),
            "Aoc-Msg-Id": original_id,
            "Nats-Msg-Id": f"{service}-{message.metadata.stream}-{message.metadata.sequence.stream}",
        }
    )
    subject = subjects.dead_letter(service, _tenant(headers))
    await publish_all(js, subjects.DLQ_STREAM, [Outgoing(subject, message.data, headers)])


def _tenant(headers: dict[str, str]) -> str:
    try:
        return subjects.check_tenant(headers.get("Aoc-Tenant", ""))
    except Malformed:
        return "unknown"
