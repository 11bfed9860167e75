"""The health of a source, judged by its account: green, yellow or red, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.subjects import IMPORT_SOURCE
from aoc_common.contracts.troubles import Trouble
from aoc_common.store.clock_corrections import AHEAD
from aoc_common.tenants.remedies import next_action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_common.store.accounts import SourceAccount

#: Content that dies so soon is an emergency.
_EMERGENCY: Final = timedelta(hours=6)
#: These do not pass by themselves.
_LASTING: Final = frozenset(
    {Trouble.NO_PERMISSION, Trouble.NOT_LICENSED, Trouble.SUBSCRIPTION_DISABLED, Trouble.CREDENTIALS}
)


class State(StrEnum):
    """How a source does. In the order of gravity."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


_GRAVITY: Final = tuple(State)
_PAUSED: Final = "the tenant is paused: nothing is collected"
_RESUME: Final = "aoc tenants resume goes on, with what Microsoft has of the pause; it keeps most records for a week."


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a source is stalled, and how early expiring content is warned of."""

    stalled_after: timedelta
    expiry_warning: timedelta


@dataclass(frozen=True, slots=True)
class Judgement:
    """The gravest state of all reasons, the reasons, and what somebody should do."""

    state: State
    reasons: tuple[str, ...]
    next_action: str | None


def judge(account: SourceAccount, bounds: Bounds, now: datetime, *, paused: bool = False) -> Judgement:
    """The health of a source at a moment. `paused`: nothing is collected of its tenant, on purpose."""
    if paused:
        findings = [(State.YELLOW, _PAUSED), *_of_content(account, bounds, now), *_of_reviews(account)]
        state = max((state for state, _ in findings), key=_GRAVITY.index)
        return Judgement(state, tuple(reason for _, reason in findings), _RESUME)
    findings = [
        *_of_clocks(account, now),
        *_of_error(account),
        *_of_success(account, bounds, now),
        *_of_content(account, bounds, now),
        *_of_reviews(account),
        *(_of_warm_up(account, now) or _of_volume(account)),
    ]
    state = max((state for state, _ in findings), key=_GRAVITY.index, default=State.GREEN)
    action = next_action(account.source, account.trouble, account.code) if account.last_error else None
    if action is None and (account.dead_letters or account.waiting):
        action = "Look at them with aoc deadletters and aoc quarantine, and retry or discard each."
    return Judgement(state, tuple(reason for _, reason in findings), action)


def _of_clocks(account: SourceAccount, now: datetime) -> Iterator[tuple[State, str]]:
    """What was noted at a time that is still to come proves nothing; the collector takes it back."""
    if any(at is not None and at > now + AHEAD for at in (account.watermark, account.last_success)):
        yield State.RED, "its account lies in the future: a clock is wrong, or was"


def _of_error(account: SourceAccount) -> Iterator[tuple[State, str]]:
    if account.last_error:
        lasting = account.trouble in _LASTING
        yield (State.RED if lasting else State.YELLOW), account.trouble or Trouble.OTHER.value


def _of_success(account: SourceAccount, bounds: Bounds, now: datetime) -> Iterator[tuple[State, str]]:
    last = account.last_success
    if last is None:
        # What came from files is collected by nobody.
        if not account.last_error and account.source != IMPORT_SOURCE:
            yield State.YELLOW, "not collected yet"
    elif now - last > bounds.stalled_after:
        yield State.RED, f"stalled: not collected since {last:%Y-%m-%dT%H:%M:%SZ}"


def _of_content(account: SourceAccount, bounds: Bounds, now: datetime) -> Iterator[tuple[State, str]]:
    dies = account.first_expiry
    if dies is not None and dies - now < bounds.expiry_warning:
        state = State.RED if dies - now < _EMERGENCY else State.YELLOW
        yield (
            state,
            f"content expires unfetched: {account.blobs_waiting} waiting, the first at {dies:%Y-%m-%dT%H:%M:%SZ}",
        )


def _of_reviews(account: SourceAccount) -> Iterator[tuple[State, str]]:
    """What the normalizer could not take, and nobody has decided about."""
    if account.dead_letters:
        yield State.RED, f"dead letters: {account.dead_letters} were given up, with {account.dead_lettered} records"
    if account.waiting:
        yield State.YELLOW, f"quarantine: {account.waiting} records wait for a decision"


def _of_warm_up(account: SourceAccount, now: datetime) -> list[tuple[State, str]]:
    """A subscription that was just started and has given nothing yet."""
    until = account.warms_up_until(now)
    if until is None:
        return []
    return [(State.YELLOW, f"warming up: a new subscription's first content can take until {until:%Y-%m-%dT%H:%M:%SZ}")]


def _of_volume(account: SourceAccount) -> list[tuple[State, str]]:
    """A source that answers well, and gives nothing where it usually does."""
    hour, usual = account.recently.silent_hour, account.recently.usual
    if hour is None:
        return []
    return [(State.YELLOW, f"silent: no records of the hour from {hour:%Y-%m-%dT%H:%M:%SZ}, usually about {usual}")]
