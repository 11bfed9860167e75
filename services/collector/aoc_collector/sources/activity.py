"""What all sources of the Office 365 Management Activity API share: subscriptions, listings, content blobs.

Source: office-365-management-activity-api-reference.md. A listing names blobs by the time they were created; each
blob holds records. Blobs that the ledger knows as fetched are not fetched again.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from aoc_collector.microsoft.answers import UnfinishedError, decode
from aoc_collector.microsoft.families import LISTED_FOR
from aoc_collector.sources.base import Batch, Context, Spec, Subscription, Webhook, Window, clip_to_retention
from aoc_collector.sources.contents import Contents, Reading
from aoc_collector.sources.listing import Item, parse_time, read_listing
from aoc_common.errors import Refused, Unreachable
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from aoc_common.http import Answer

_log = logs.get(__name__)

_LONGEST: Final = timedelta(hours=24)
_MAX_PAGES: Final = 2000
#: Seconds until a webhook that Microsoft refused is registered once more: at first, when the gateway may only start
#: more slowly than the collector, and at most; each time in a row it is twice as long.
_FIRST_HOOK_PAUSE_S: Final = 15.0
_LONGEST_HOOK_PAUSE_S: Final = 900.0
_ALREADY_ENABLED: Final = "AF20024"
_NOT_SUBSCRIBED: Final = "AF20022"
#: A slice that ends so near to now also retries the blobs that were put off.
_RECENT: Final = timedelta(minutes=15)


class _Hook(msgspec.Struct, rename="camel"):
    status: str = ""
    address: str = ""
    auth_id: str | None = None
    expiration: str | None = None


class _Subscription(msgspec.Struct, rename="camel"):
    content_type: str
    status: str = ""
    webhook: _Hook | None = None


_SUBSCRIPTIONS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_SUBSCRIPTION: Final = msgspec.json.Decoder(_Subscription)


class LoopError(UnfinishedError):
    """Next pages that never end."""


class ActivityFeed:
    """A content type as a source."""

    def __init__(self, name: str, content_type: str, context: Context) -> None:
        self._name = name
        self._content_type = content_type
        self._context = context
        self._api = context.api
        self._root = f"{context.api.base}/api/v1.0/{context.tenant_id}/activity/feed"
        self._hook_after = 0.0
        self._hook_pause_s = _FIRST_HOOK_PAUSE_S
        self._contents = Contents(name, context)
        self._publisher = f"PublisherIdentifier={quote(context.publisher, safe='')}"

    async def batches(self, window: Window) -> AsyncGenerator[Batch]:
        """See `Source`. What is older than 7 days cannot be listed any more and is reported as lost.

        Blobs that cannot be read do not delay the others: see `contents`.
        """
        async for observed in self._subscribe():
            yield Batch(subscription=observed)
        window, loss = clip_to_retention(window, self._context.clock.now() - LISTED_FOR)
        if loss:
            yield Batch(losses=[loss])
        start, reading = window.start, Reading(window)
        while start < window.end:
            until = min(window.end, start + _LONGEST)
            async for items in self._listing(start, until):
                async for batch in self._contents.fetch_new(items, reading):
                    yield batch
            start = until
        if self._context.clock.now() - window.end < _RECENT:
            async for batch in self._contents.fetch_waiting():
                yield batch
        if reading.error is not None:
            raise reading.error

    async def _subscribe(self) -> AsyncGenerator[Subscription]:
        """Make sure that the subscription runs. Subscriptions lapse and get disabled, so this is checked every time."""
        url = f"{self._root}/subscriptions/list?{self._publisher}"
        subscriptions = await self._api.get(url, lambda answer: _subscriptions(answer.body, self._name))
        content_type = self._content_type.lower()
        subscription = next((each for each in subscriptions if each.content_type.lower() == content_type), None)
        runs = subscription is not None and subscription.status.lower() == "enabled"
        if not runs:
            yield "stopped"
        was_stopped, started = not runs, False
        hook = self._hook(subscription.webhook if subscription else None)
        if hook is not None and (answer := await self._start_with(hook)) is not None:
            runs, started = True, answer
        if not runs:
            started = await self._start(None)
            _log.info("subscription.started", tenant=self._context.tenant, content_type=self._content_type)
        if was_stopped:
            yield "started" if started else "was-running"

    def _hook(self, registered: _Hook | None) -> dict[str, Any] | None:
        """The webhook to register; None when none is configured, or a valid one is registered for long enough."""
        webhook, clock = self._context.webhook, self._context.clock
        if webhook is None or clock.monotonic() < self._hook_after:
            return None
        now = clock.now()
        if registered is not None and _lasts(registered, webhook, now):
            return None
        until = now + webhook.lifetime
        return {"address": webhook.address, "authId": webhook.auth_id, "expiration": f"{until:%Y-%m-%dT%H:%M:%SZ}"}

    async def _start_with(self, hook: dict[str, Any]) -> bool | None:
        """Register a webhook, see `_start`; None when Microsoft refuses it. Polling goes on without."""
        try:
            started = await self._start(hook)
        except (Refused, Unreachable) as refused:
            # Microsoft calls the address before it answers: that may be down, or not reachable for it.
            self._hook_after = self._context.clock.monotonic() + self._hook_pause_s
            self._hook_pause_s = min(2 * self._hook_pause_s, _LONGEST_HOOK_PAUSE_S)
            _log.warning(
                "webhook.refused", tenant=self._context.tenant, content_type=self._content_type, error=str(refused)
            )
            return None
        self._hook_pause_s = _FIRST_HOOK_PAUSE_S
        _log.info("webhook.registered", tenant=self._context.tenant, content_type=self._content_type)
        return started

    async def _start(self, hook: dict[str, Any] | None) -> bool:
        """Start the subscription; False when it ran already. Not retried: a second answer could not tell."""
        url = f"{self._root}/subscriptions/start?contentType={self._content_type}&{self._publisher}"
        try:
            await self._api.post(url, None if hook is None else {"webhook": hook}, once=True)
        except Refused as refused:
            if refused.code != _ALREADY_ENABLED:
                raise
            return False
        return True

    async def _listing(self, start: datetime, end: datetime) -> AsyncGenerator[Sequence[Item]]:
        bounds = f"startTime={start:%Y-%m-%dT%H:%M:%S}&endTime={end:%Y-%m-%dT%H:%M:%S}"
        url: str | None = (
            f"{self._root}/subscriptions/content?contentType={self._content_type}&{bounds}&{self._publisher}"
        )
        followed: set[str] = set()
        while url is not None:
            if url in followed or len(followed) == _MAX_PAGES:
                raise LoopError(f"{self._name}: next pages go round after {len(followed)}")
            followed.add(url)
            try:
                items, url = await self._api.get(url, partial(self._page, Window(start, end)))
            except Refused as refused:
                if refused.code == _NOT_SUBSCRIBED:
                    # Started a moment ago, or stopped meanwhile: the next try reads the subscriptions again.
                    raise Unreachable(str(refused)) from refused
                raise
            yield items

    def _page(self, window: Window, answer: Answer) -> tuple[list[Item], str | None]:
        items = read_listing(answer.body, self._name, window)
        # The reference calls it NextPageUri, another page NextPageUrl; httpx does not care about case.
        return items, answer.headers.get("NextPageUri") or answer.headers.get("NextPageUrl") or None


def _subscriptions(body: bytes, what: str) -> list[_Subscription]:
    """The subscriptions that can be read; an unreadable one of another content type does not matter."""
    subscriptions = []
    for raw in decode(_SUBSCRIPTIONS, body, what):
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            subscriptions.append(_SUBSCRIPTION.decode(raw))
    return subscriptions


def _lasts(registered: _Hook, webhook: Webhook, now: datetime) -> bool:
    """Whether a registered webhook is the configured one, is enabled, and has half of its lifetime left.

    One whose end cannot be read counts as lasting: else it would be registered with every slice.
    """
    matches = registered.address == webhook.address and registered.auth_id in {None, webhook.auth_id}
    if not matches or registered.status.lower() != "enabled":
        return False
    ends = parse_time(registered.expiration)
    return ends is None or ends - now > webhook.lifetime / 2


def activity_feed(name: str, content_type: str) -> Spec:
    """The registry entry of a content type."""
    return Spec(name=name, family="management", build=lambda context: ActivityFeed(name, content_type, context))
