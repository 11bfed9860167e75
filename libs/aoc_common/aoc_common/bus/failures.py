"""The one policy for messages that could not be handled.

- `Transient`: redelivered with a growing delay, for as long as the stream keeps the message. A store that is away for
  an hour costs an hour, not data.
- `Postponed`: the same, without a word: nothing failed.
- `Permanent`: a dead letter. It is put on record (`Account`) with all that is needed to publish it again, then copied
  to AOC_DLQ, and only then acknowledged. Each step may be repeated, so a crash between them loses and doubles nothing.
- Anything else is a defect of ours: redelivered a few times (it may be a race), then treated as `Permanent`. Outages
  that the message met before do not count.

A service that fails at nearly all messages of nearly all tenants (a bad deployment) gives up none: it is halted, so
not ready, and keeps trying until it is mended. Nobody else is held up: what can be handled is.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Protocol

from aoc_common.bus.defects import Defects, Recent
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.contracts.event import header_safe
from aoc_common.contracts.letters import LETTER, DeadLetter
from aoc_common.errors import Malformed, Permanent, Postponed, TooLarge, Transient
from aoc_common.telemetry import logs, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    from aoc_common.bus.defects import MessageId

_log = logs.get(__name__)

MAX_DEFECTS: Final = 5
_MAX_DELAY_S: Final = 60.0
#: Whoever asks for more than this is not obeyed: what is put off for years is lost.
_LONGEST_ASKED_S: Final = 24 * 3600.0
#: Seconds until a message is tried again that a halted service fails at. Shorter than the minute that is judged.
_HALTED_DELAY_S: Final = 20.0
#: Tokens that name tenant and source: `aoc.raw.{part}.{tenant}.{source}`, `aoc.jobs.collect.{tenant}.{source}`.
_TENANT_TOKEN: Final = 3
_SOURCE_TOKEN: Final = 4


class Account(Protocol):
    """Puts dead letters on record. Idempotent by their keys. Raises `Transient`."""

    async def put(self, letter: DeadLetter) -> bool:
        """Put a letter on record; whether its body is kept there."""
        ...

    async def copied(self, letter: DeadLetter, sequence: int) -> None:
        """Its copy, the only one of its body, has this sequence in AOC_DLQ."""
        ...

    async def known(self, letter: DeadLetter) -> bool:
        """Whether the message is the one of the letter that it says to be (`again`)."""
        ...


def delay_for(error: BaseException, tries: int) -> float:
    """Seconds until the next delivery: what the other side asked for (at most a day), or 1, 2, 4 ... 60."""
    asked = error.retry_after if isinstance(error, Transient) else None
    # `>=`: NaN is no answer.
    if asked is not None and asked >= 0:
        return min(asked, _LONGEST_ASKED_S)
    return float(min(2 ** min(tries - 1, 10), _MAX_DELAY_S))


class Failures:
    """The policy for the messages of one service; all its consumers share one, so that it is judged as a whole.

    Without an `account`, AOC_DLQ alone holds what was given up.
    """

    def __init__(
        self, service: str, account: Account | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._account = account
        self._defects = Defects()
        self._recent = Recent(monotonic)
        self._halted = False

    def trouble(self) -> str | None:
        """Why the service is halted; None when it is not."""
        found = self._recent.trouble()
        if bool(found) is not self._halted:
            self._halted = bool(found)
            metrics.BUS_HALTED.labels(self._service).set(self._halted)
            if found:
                _log.error("service.halted", why=found, hint="nothing is acknowledged that fails; mend the service")
            else:
                _log.info("service.resumed")
        return found

    def handled(self, messages: Sequence[Msg]) -> None:
        """These messages were handled."""
        for message in messages:
            known = _id(message)
            self._defects.forget(known)
            self._recent.note(known, _tenant(message), failed=False)

    async def settle(self, js: JetStreamContext, message: Msg, error: BaseException) -> None:
        """Apply the policy to one message. Raises `Transient` when it cannot be given up now; it then comes again."""
        deliveries = message.metadata.num_delivered
        if isinstance(error, Postponed):
            await message.nak(delay=delay_for(error, deliveries))
            return
        if isinstance(error, Transient):
            self._tell(message, error, defects=0, final=False)
            await message.nak(delay=delay_for(error, deliveries))
            return
        known = _id(message)
        self._recent.note(known, _tenant(message), failed=True)
        if self.trouble():
            self._tell(message, error, defects=0, final=False)
            await message.nak(delay=_HALTED_DELAY_S)
            return
        defects = 0 if isinstance(error, Permanent) else self._defects.add(known)
        final = isinstance(error, Permanent) or defects >= MAX_DEFECTS
        self._tell(message, error, defects=defects, final=final)
        if not final:
            await message.nak(delay=delay_for(error, defects))
            return
        await self._give_up(js, message, f"{type(error).__name__}: {error}")
        await message.ack()
        self._defects.forget(known)

    def _tell(self, message: Msg, error: BaseException, *, defects: int, final: bool) -> None:
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
        if letter.again and (self._account is None or await self._account.known(letter)):
            letter = replace(letter, key=letter.again)
        kept = self._account is not None and await self._account.put(letter)
        try:
            [ack] = await publish_all(js, subjects.DLQ_STREAM, [_copy(letter)])
        except TooLarge as refusal:
            # With the headers of a dead letter it is more than the server takes.
            if not kept:
                raise Transient(f"{message.subject}: neither on record nor on AOC_DLQ: {refusal}") from refusal
            _log.warning("letter.uncopied", key=letter.key, reason=str(refusal))
        else:
            if self._account is not None and not kept:
                await self._account.copied(letter, ack.seq)
        metrics.BUS_DEAD_LETTERS.labels(self._service).inc()


def dead_letter(service: str, message: Msg, reason: str, at: datetime) -> DeadLetter:
    """The dead letter that a message becomes."""
    headers = {_storable(name): _storable(value) for name, value in (message.headers or {}).items()}
    place = message.metadata
    # The time makes it unique also when a stream was made anew and counts from one again.
    made = f"{service}/{place.stream}/{place.sequence.stream}/{place.timestamp.isoformat()}"
    return DeadLetter(
        key=f"{service}-{blake2b(made.encode(), digest_size=12).hexdigest()}",
        service=service,
        tenant=_tenant(message),
        source=_source(message.subject) or headers.get("Aoc-Source", ""),
        slice_id=headers.get("Aoc-Slice", ""),
        stream=place.stream,
        sequence=place.sequence.stream,
        subject=message.subject,
        reason=_storable(reason[:2000]),
        headers=headers,
        body=message.data,
        at=at,
        again=headers.get(LETTER, ""),
    )


def _copy(letter: DeadLetter) -> Outgoing:
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


def _id(message: Msg) -> MessageId:
    place = message.metadata
    # The time as well: a stream that was made anew counts from one again.
    return place.stream, place.sequence.stream, place.timestamp


def _tenant(message: Msg) -> str:
    """Whose message it is: its subject says so, where it has a tenant's place; a header is only words."""
    tokens = message.subject.split(".")
    told = tokens[_TENANT_TOKEN] if len(tokens) > _TENANT_TOKEN else (message.headers or {}).get("Aoc-Tenant", "")
    try:
        return subjects.check_tenant(told)
    except Malformed:
        return "unknown"


def _storable(text: str) -> str:
    """The text without lone surrogates, which no store takes."""
    return text.encode("utf-8", "replace").decode()


def _source(subject: str) -> str:
    tokens = subject.split(".")
    return tokens[_SOURCE_TOKEN] if len(tokens) > _SOURCE_TOKEN else ""
