"""Revisions of alerts in, what is to be told of them noted. Nobody is told here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from aoc_alerter import metrics
from aoc_alerter.notifying.selection import Facts, is_open
from aoc_common.contracts import subjects
from aoc_common.contracts.alert import SEVERITIES
from aoc_common.contracts.alert_message import ID_HEADER, RETROSPECTIVE_HEADER, RULE_HEADER, STATUS_HEADER
from aoc_common.contracts.notifications import OVER, RouteRequest
from aoc_common.errors import Malformed, Unreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from nats.aio.msg import Msg

    from aoc_alerter.notifying.selection import Choice, Groups
    from aoc_common.bus.consume import BatchHandler
    from aoc_common.clock import Clock
    from aoc_common.contracts.notifications import Asks
    from aoc_common.store.notifications import NotificationStore

_TOKENS: Final = 4


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of an alert, as far as routes go by it."""

    alert: UUID
    facts: Facts
    status: str
    retrospective: bool

    @classmethod
    def of(cls, subject: str, headers: Mapping[str, str], body: bytes) -> Revision:
        """What a message of AOC_ALERTS says. Raises `Unreadable`."""
        tokens = subject.split(".")
        severity = next((one for one in SEVERITIES if one == tokens[-1]), None)
        if len(tokens) != _TOKENS or severity is None:
            raise Unreadable(f"{subject[:200]}: no revision of an alert: its subject names no severity")
        try:
            tenant = subjects.check_tenant(tokens[2])
            alert = UUID(headers[ID_HEADER].partition(":")[0])
        except (KeyError, ValueError, Malformed) as error:
            raise Unreadable(f"{subject[:200]}: no revision of an alert: {error}") from None
        facts = Facts(tenant, severity, headers.get(RULE_HEADER, ""), partial(_tags, body))
        return cls(alert, facts, headers.get(STATUS_HEADER, ""), RETROSPECTIVE_HEADER in headers)


def wants(revision: Revision, choices: Sequence[Choice], groups: Groups, now: datetime) -> Iterator[RouteRequest]:
    """What it asks of which routes."""
    facts = revision.facts
    for choice in choices:
        asks = _asks(revision, choice, groups, now)
        if asks is not None:
            due = choice.digest_at(facts.severity, now)
            yield RouteRequest(
                choice.route.name,
                facts.tenant,
                revision.alert,
                facts.severity,
                gather=due is not None,
                due_at=due,
                again=choice.route.raised,
                asks=asks,
            )


def _asks(revision: Revision, choice: Choice, groups: Groups, now: datetime) -> Asks | None:
    route = choice.route
    if revision.status in OVER:
        return "end" if route.resolved else None
    if (revision.retrospective and not route.retrospective) or not choice.takes(revision.facts, groups):
        return None
    skips = route.hours is not None and route.hours.otherwise == "skip" and not is_open(route.hours, now)
    return "pass" if skips else "tell"


def make_handler(  # what taking in is made of
    choices: Callable[[], Sequence[Choice]],
    groups: Callable[[], Awaitable[Groups]],
    store: NotificationStore,
    wake: Callable[[], None],
    clock: Clock,
    within: timedelta,
) -> BatchHandler:
    """The handler of AOC_ALERTS. It may be given a message any number of times."""

    async def handle(messages: Sequence[Msg]) -> None:
        if not (routes := choices()):
            return
        now = clock.now()
        fresh = [message for message in messages if message.metadata.timestamp >= now - within]
        metrics.NOTIFICATIONS_TOO_OLD.inc(len(messages) - len(fresh))
        known = await groups()
        found = [
            want
            for message in fresh
            for want in wants(Revision.of(message.subject, message.headers or {}, message.data), routes, known, now)
        ]
        if found:
            await store.want(found, now)
            wake()

    return handle


def _tags(body: bytes) -> Sequence[str]:
    """The rule's tags in an alert's OCSF finding. Raises `Unreadable`."""
    try:
        tags = orjson.loads(body)["unmapped"]["rule"]["tags"]
        return [str(tag) for tag in tags]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Unreadable(f"an alert's finding names no tags: {type(error).__name__}") from None
