"""The one policy for messages that could not be handled: what is tried again, how long after, what is given up.

- `Transient`: delivered again after a growing delay, for as long as the stream keeps the message. A store that is away
  for an hour costs an hour, not data.
- `Postponed`: the same, without a word: nothing failed.
- `Permanent`: a dead letter. It is put on record (`letters.Account`) with all that is needed to publish it again, then
  copied to AOC_DLQ, and only then acknowledged. Each step may be repeated, so a crash between them loses and doubles
  nothing. Where the other side may change its mind (`Redelivery.permanent_s`), it is delivered again instead.
- `Unreadable`: a dead letter, whatever else is delivered again.
- Anything else is a defect of ours: delivered again a few times (it may be a race), then a dead letter. Outages that
  the message met before do not count.

A service that fails at nearly all messages of nearly all tenants (a bad deployment) gives up none: it is halted, so
not ready, and acknowledges nothing that fails until it is mended (docs/adr/0025-kit.md). Nobody else is held up: what
can be handled is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aoc_common.backoff import backoff
from aoc_common.bus.dead_letters import copy_of, dead_letter, tenant_of
from aoc_common.bus.defects import Defects, Recent
from aoc_common.bus.publish import publish_all
from aoc_common.contracts import subjects
from aoc_common.errors import Permanent, Postponed, TooLarge, Transient, Unreadable
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    from aoc_common.bus.dead_letters import DeadLetterRecorder
    from aoc_common.bus.defects import MessageId

_log = logs.get(__name__)

MAX_DEFECTS: Final = 5
#: Seconds between two tries, at most, where nobody asked for more.
LONGEST_S: Final = 60.0
#: Seconds until a message is tried again that a halted service fails at. Shorter than the minute that is judged.
_HALTED_DELAY_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Redelivery:
    """When a message that could not be handled is delivered again. All in seconds.

    `longest_s`: delays are 1, 2, 4 ... up to this. `longest_asked_s`: whoever asks for more (`Transient.retry_after`)
    is not obeyed: what is put off for years is lost. `permanent_s`: None: a permanent error makes a dead letter; else
    the message stays on its stream, and its delays grow up to this.
    """

    longest_s: float = LONGEST_S
    longest_asked_s: float = 24 * 3600.0
    permanent_s: float | None = None

    def retries(self, error: BaseException) -> bool:
        """Whether a message stays on its stream however often it meets this error."""
        if isinstance(error, Permanent):
            return self.permanent_s is not None and not isinstance(error, Unreadable)
        return isinstance(error, Transient)

    def delay_s(self, error: BaseException, tries: int) -> float:
        """Seconds until the next delivery, after so many tries (from 1)."""
        requested = error.retry_after if isinstance(error, Transient) else None
        # `>=`: NaN is no answer.
        if requested is not None and requested >= 0:
            return min(requested, self.longest_asked_s)
        longest = self.permanent_s if isinstance(error, Permanent) else None
        return backoff(tries, self.longest_s if longest is None else longest)


class Failures:
    """The policy at work on the messages of one service; all its consumers share one, so it is judged as a whole.

    Without an `account`, AOC_DLQ alone holds what was given up.
    """

    def __init__(
        self, service: str, account: DeadLetterRecorder | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._account = account
        self._defects = Defects()
        self._recent = Recent(monotonic)
        self._halted = False
        metrics.BUS.export()

    def trouble(self) -> str | None:
        """Why the service is halted; None when it is not."""
        why = self._recent.trouble()
        if bool(why) is not self._halted:
            self._halted = bool(why)
            metrics.BUS_HALTED.labels(self._service).set(self._halted)
            if why:
                _log.error("service.halted", why=why, hint="nothing is acknowledged that fails; mend the service")
            else:
                _log.info("service.resumed")
        return why

    def handled(self, messages: Sequence[Msg]) -> None:
        """These messages were handled."""
        for message in messages:
            known = _id(message)
            self._defects.forget(known)
            self._recent.note(known, tenant_of(message), failed=False)

    async def apply(self, js: JetStreamContext, message: Msg, error: BaseException, how: Redelivery) -> None:
        """Apply the policy to one message. Raises `Transient` when it cannot be given up now; it then comes again."""
        if how.retries(error):
            if not isinstance(error, Postponed):
                self._report(message, error, defects=0, final=False)
            await message.nak(delay=how.delay_s(error, message.metadata.num_delivered))
            return
        known = _id(message)
        self._recent.note(known, tenant_of(message), failed=True)
        if self.trouble():
            self._report(message, error, defects=0, final=False)
            await message.nak(delay=_HALTED_DELAY_S)
            return
        defects = 0 if isinstance(error, Permanent) else self._defects.add(known)
        final = isinstance(error, Permanent) or defects >= MAX_DEFECTS
        self._report(message, error, defects=defects, final=final)
        if not final:
            await message.nak(delay=how.delay_s(error, defects))
            return
        await self._give_up(js, message, f"{type(error).__name__}: {error}")
        await message.ack()
        self._defects.forget(known)

    def _report(self, message: Msg, error: BaseException, *, defects: int, final: bool) -> None:
        kind = type(error).__name__
        ours = not isinstance(error, Transient | Permanent)
        metrics.BUS_FAILURES.labels(self._service, kind).inc()
        _log.log(
            40 if ours else 30,
            "message.failed",
            subject=message.subject,
            kind=kind,
            error=str(error),
            deliveries=message.metadata.num_delivered,
            defects=defects,
            final=final,
            exc_info=error if ours else None,
        )

    async def _give_up(self, js: JetStreamContext, message: Msg, reason: str) -> None:
        """Put a message on record and copy it to AOC_DLQ. Raises `Transient` when that is not possible now."""
        letter = dead_letter(self._service, message, reason, datetime.now(UTC))
        if letter.retry_of and (self._account is None or await self._account.known(letter)):
            letter = replace(letter, key=letter.retry_of)
        recorded = self._account is not None and await self._account.put(letter)
        try:
            [ack] = await publish_all(js, subjects.DLQ_STREAM, [copy_of(letter)])
        except TooLarge as refusal:
            # With the headers of a dead letter it is more than the server takes.
            if not recorded:
                raise Transient(f"{message.subject}: neither on record nor on AOC_DLQ: {refusal}") from refusal
            _log.warning("letter.uncopied", key=letter.key, reason=str(refusal))
        else:
            if self._account is not None and not recorded:
                await self._account.copied(letter, ack.seq)
        metrics.BUS_DEAD_LETTERS.labels(self._service).inc()


def _id(message: Msg) -> MessageId:
    place = message.metadata
    # The time as well: a stream that was made anew counts from one again.
    return place.stream, place.sequence.stream, place.timestamp
