"""What all feeds of the Office 365 Management Activity API share: subscriptions, listings, content blobs.

Source: office-365-management-activity-api-reference.md. A listing names blobs by the time they were created; each
blob holds records. Blobs that the ledger knows as fetched are not fetched again.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from aoc_collector.sources.base import (
    Batch,
    Context,
    Loss,
    Spec,
    UnfinishedError,
    Webhook,
    Window,
    cut,
    decode,
    out_of_reach,
)
from aoc_common.errors import AocError, Refused, Unreachable
from aoc_common.store.ports import ContentBlob
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aoc_common.http import Answer

_log = logs.get(__name__)

#: Listings reach 7 days back (AF20030 beyond). A margin for clocks that differ, and for the time that requests take.
REACH: Final = timedelta(days=7) - timedelta(minutes=5)
_LONGEST: Final = timedelta(hours=24)
_MAX_PAGES: Final = 2000
#: After Microsoft refused a webhook, seconds until it is asked again.
_HOOK_PAUSE_S: Final = 900.0
_ALREADY_ENABLED: Final = "AF20024"
_NOT_SUBSCRIBED: Final = "AF20022"
#: The content expired, or does not exist (any more).
_GONE: Final = frozenset({"AF20051", "AF20050"})


class _Hook(msgspec.Struct, rename="camel"):
    status: str = ""
    address: str = ""
    auth_id: str | None = None
    expiration: str | None = None


class _Subscription(msgspec.Struct, rename="camel"):
    content_type: str
    status: str = ""
    webhook: _Hook | None = None


class _Item(msgspec.Struct, rename="camel"):
    content_id: str
    content_uri: str
    content_created: str
    content_expiration: str


_SUBSCRIPTIONS: Final = msgspec.json.Decoder(list[_Subscription])
_LISTING: Final = msgspec.json.Decoder(list[_Item])


class LoopError(UnfinishedError):
    """Next pages that lead nowhere."""


class ActivityFeed:
    """A content type as a source."""

    def __init__(self, name: str, content_type: str, context: Context) -> None:
        self._name = name
        self._content_type = content_type
        self._context = context
        self._api = context.api
        self._root = f"{context.api.base}/api/v1.0/{context.tenant_id}/activity/feed"
        self._hook_after = 0.0
        self._publisher = f"PublisherIdentifier={quote(context.publisher, safe='')}"

    async def batches(self, window: Window) -> AsyncGenerator[Batch]:
        """See `Source`. What is older than 7 days cannot be listed any more and is reported as lost."""
        if await self._subscribe():
            yield Batch(subscribed=True)
        window, lost = out_of_reach(window, self._context.clock.now() - REACH)
        if lost:
            yield Batch(losses=[lost])
        start, end = window.start, window.end
        while start < end:
            until = min(end, start + _LONGEST)
            async for items in self._listing(start, until):
                async for batch in self._contents(items):
                    yield batch
            start = until

    async def _subscribe(self) -> bool:
        """Make sure that content flows; whether it had to be started.

        Subscriptions lapse and get disabled, so this is looked at every time.
        """
        url = f"{self._root}/subscriptions/list?{self._publisher}"
        held = await self._api.get(url, lambda answer: decode(_SUBSCRIPTIONS, answer.body, self._name))
        wanted = self._content_type.lower()
        mine = next((one for one in held if one.content_type.lower() == wanted), None)
        runs = mine is not None and mine.status.lower() == "enabled"
        stood = not runs
        hook = self._hook(mine.webhook if mine else None)
        if hook is not None:
            runs = await self._start_with(hook) or runs
        if not runs:
            await self._start(None)
            _log.info("subscription.started", tenant=self._context.tenant, content_type=self._content_type)
        return stood

    def _hook(self, held: _Hook | None) -> dict[str, Any] | None:
        """The webhook to register; None when none is wanted, or there is a good one that will last."""
        wanted, clock = self._context.webhook, self._context.clock
        if wanted is None or clock.monotonic() < self._hook_after:
            return None
        now = clock.now()
        if held is not None and _lasts(held, wanted, now):
            return None
        until = now + wanted.lifetime
        return {"address": wanted.address, "authId": wanted.auth_id, "expiration": f"{until:%Y-%m-%dT%H:%M:%SZ}"}

    async def _start_with(self, hook: dict[str, Any]) -> bool:
        """Register a webhook; False when Microsoft refuses it. Polling goes on without."""
        try:
            await self._start(hook)
        except (Refused, Unreachable) as refused:
            # It calls the address before it answers: that may be down, or not reachable from there.
            self._hook_after = self._context.clock.monotonic() + _HOOK_PAUSE_S
            _log.warning(
                "webhook.refused", tenant=self._context.tenant, content_type=self._content_type, error=str(refused)
            )
            return False
        _log.info("webhook.registered", tenant=self._context.tenant, content_type=self._content_type)
        return True

    async def _start(self, hook: dict[str, Any] | None) -> None:
        url = f"{self._root}/subscriptions/start?contentType={self._content_type}&{self._publisher}"
        try:
            await self._api.post(url, None if hook is None else {"webhook": hook})
        except Refused as refused:
            if refused.code != _ALREADY_ENABLED:
                raise

    async def _listing(self, start: datetime, end: datetime) -> AsyncGenerator[Sequence[ContentBlob]]:
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
                items, url = await self._api.get(url, self._page)
            except Refused as refused:
                if refused.code == _NOT_SUBSCRIBED:
                    # Started a moment ago, or stopped by somebody meanwhile: the next try looks again.
                    raise Unreachable(str(refused)) from refused
                raise
            yield items

    def _page(self, answer: Answer) -> tuple[list[ContentBlob], str | None]:
        items = [_blob(item) for item in decode(_LISTING, answer.body, self._name)]
        # The reference calls it NextPageUri, another page NextPageUrl; httpx does not care about case.
        return items, answer.headers.get("NextPageUri") or answer.headers.get("NextPageUrl") or None

    async def _contents(self, listed: Sequence[ContentBlob]) -> AsyncGenerator[Batch]:
        """The blobs that are new, oldest first: it is the oldest that expire."""
        if not listed:
            return
        context = self._context
        await context.blobs.listed(context.tenant, self._name, listed, context.clock.now())
        ids = [blob.content_id for blob in listed]
        known = await context.blobs.fetched(context.tenant, self._name, ids)
        fresh = sorted((blob for blob in listed if blob.content_id not in known), key=lambda blob: blob.created)
        for first in range(0, len(fresh), context.concurrency):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._quietly(blob)) for blob in fresh[first : first + context.concurrency]]
            outcomes = [task.result() for task in tasks]
            for outcome in outcomes:
                if isinstance(outcome, Batch):
                    yield outcome
            # Only now: what its neighbours gave is not thrown away.
            for outcome in outcomes:
                if isinstance(outcome, AocError):
                    raise outcome

    async def _quietly(self, blob: ContentBlob) -> Batch | AocError:
        try:
            return await self._content(blob)
        except AocError as error:
            return error

    async def _content(self, blob: ContentBlob) -> Batch:
        context = self._context
        url = blob.uri
        if "publisheridentifier=" not in url.lower():
            url = f"{url}{'&' if '?' in url else '?'}{self._publisher}"
        try:
            batch = await self._api.get(url, lambda answer: cut(answer.body, self._name))
        except Refused as refused:
            if refused.code not in _GONE:
                raise
            await context.blobs.mark_expired(context.tenant, self._name, blob.content_id, context.clock.now())
            return Batch(losses=[Loss(f"content {blob.content_id}: {refused}", blob=True)])
        records = sum(array.records for array in batch.arrays) + len(batch.losses)
        return Batch(batch.arrays, {blob.content_id: records}, batch.losses)


def _lasts(held: _Hook, wanted: Webhook, now: datetime) -> bool:
    """Whether a registered webhook is the one that is wanted, works, and has half of its life left."""
    ours = held.address == wanted.address and held.auth_id in {None, wanted.auth_id}
    if not ours or held.status.lower() != "enabled":
        return False
    return not held.expiration or _moment(held.expiration) - now > wanted.lifetime / 2


def _blob(item: _Item) -> ContentBlob:
    return ContentBlob(
        item.content_id, item.content_uri, _moment(item.content_created), _moment(item.content_expiration)
    )


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Unreachable(f"unreadable time {text!r} in a listing") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def activity_feed(name: str, content_type: str) -> Spec:
    """The registry entry of a content type."""
    return Spec(name=name, family="management", build=lambda context: ActivityFeed(name, content_type, context))
