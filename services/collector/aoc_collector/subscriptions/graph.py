"""Graph's `/subscriptions`, and the difference between those that there are and those that there should be.

Sources: graph-docs, resources/subscription.md, subscription-list.md, subscription-post-subscriptions.md,
subscription-update.md, subscription-reauthorize.md, subscription-delete.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from aoc_collector.microsoft.answers import UnfinishedError, decode
from aoc_common.errors import Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aoc_collector.microsoft.api import Api
    from aoc_common.contracts.webhooks import GraphKind

_WHAT: Final = "subscriptions"
_MAX_PAGES: Final = 20
_HANDSHAKE: Final = "validation request"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A subscription that there should be. `state`: what its notifications are recognised by."""

    kind: GraphKind
    resource: str
    change_type: str
    url: str
    state: str = field(repr=False)


class Held(msgspec.Struct, rename="camel", frozen=True):
    """A subscription that there is. Graph does not show its `clientState`."""

    id: str
    resource: str
    expiration_date_time: str
    change_type: str = ""
    notification_url: str | None = None
    lifecycle_notification_url: str | None = None

    @property
    def expires(self) -> datetime:
        """When it lapses. Raises `Unreachable` for what is no time."""
        try:
            at = datetime.fromisoformat(self.expiration_date_time)
        except ValueError:
            raise Unreachable(f"{_WHAT}: unreadable time {self.expiration_date_time[:40]!r}") from None
        return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is to be done; `good` is to be left alone."""

    create: list[Wanted]
    renew: list[tuple[Wanted, Held]]
    delete: list[Held]
    good: list[tuple[Wanted, Held]]


def compare(wanted: Sequence[Wanted], held: Iterable[Held], url: str, renew_at: datetime) -> Difference:
    """What is to be done so that each wanted subscription is there once, and lives longer than until `renew_at`.

    Only subscriptions that call our address `url` are ours, whatever its query; of those, what is not wanted goes:
    doubles, kinds that are not collected any more, seals of an old secret (see `contracts.webhooks`).
    """
    ours = [one for one in held if one.notification_url and _place(one.notification_url) == _place(url)]
    left = {one.id: one for one in ours}
    found = Difference([], [], [], [])
    for one in wanted:
        fitting = [each for each in ours if _fits(each, one)]
        if not fitting:
            found.create.append(one)
            continue
        best = max(fitting, key=lambda each: (each.expires, each.id))
        del left[best.id]
        (found.renew if best.expires <= renew_at else found.good).append((one, best))
    found.delete.extend(left.values())
    return found


def _fits(held: Held, wanted: Wanted) -> bool:
    """Whether it is the one. What Graph does not show is as we made it: else it would be replaced for ever."""
    same_resource = held.resource.strip("/").casefold() == wanted.resource.casefold()
    same_changes = not held.change_type or _words(held.change_type) == _words(wanted.change_type)
    shown = [url for url in (held.notification_url, held.lifecycle_notification_url) if url is not None]
    return same_resource and same_changes and all(_same(url, wanted.url) for url in shown)


def _words(text: str) -> set[str]:
    return {word.strip().casefold() for word in text.split(",")}


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path


def _same(one: str, other: str) -> bool:
    """Whether two addresses are one, however they are spelt: else a subscription would be replaced again and again."""
    return _place(one) == _place(other) and parse_qsl(urlsplit(one).query) == parse_qsl(urlsplit(other).query)


class _Page(msgspec.Struct):
    value: list[Held]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


_PAGE: Final = msgspec.json.Decoder(_Page)


class GraphSubscriptions:
    """The subscriptions of our app in one tenant."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._root = f"{api.base}/v1.0/subscriptions"

    async def list(self) -> list[Held]:
        """All of them. Raises as `http` says, and `UnfinishedError` when the pages do not end."""
        held: list[Held] = []
        url: str | None = self._root
        for _ in range(_MAX_PAGES):
            if url is None:
                return held
            page = await self._api.get(url, lambda answer: decode(_PAGE, answer.body, _WHAT))
            held += page.value
            url = page.next_link
        raise UnfinishedError(f"{_WHAT}: more than {_MAX_PAGES} pages")

    async def create(self, wanted: Wanted, until: datetime) -> None:
        """Create one. Graph calls its address first. Raises `Unreachable` when that did not answer as it should."""
        document = {
            "changeType": wanted.change_type,
            "notificationUrl": wanted.url,
            "lifecycleNotificationUrl": wanted.url,
            "resource": wanted.resource,
            "expirationDateTime": _time(until),
            "clientState": wanted.state,
        }
        try:
            await self._api.post(self._root, document)
        except Refused as refused:
            if refused.code == "ValidationError" or _HANDSHAKE in str(refused).casefold():
                # Not Graph's refusal but our gateway's silence: it may be about to start.
                raise Unreachable(f"{wanted.url.partition('?')[0]} does not answer Graph: {refused}") from refused
            raise

    async def renew(self, held: Held, until: datetime) -> None:
        """Let it live on, which also reauthorises it. Raises `Refused` with 404 when it is gone."""
        await self._api.patch(self._one(held.id), {"expirationDateTime": _time(until)})

    async def reauthorize(self, subscription_id: str) -> None:
        """Say that it is still wanted. Raises `Refused` with 404 when it is gone."""
        await self._api.post(f"{self._one(subscription_id)}/reauthorize")

    async def delete(self, held: Held) -> None:
        """Remove it. Raises `Refused` with 404 when it is gone."""
        await self._api.delete(self._one(held.id))

    def _one(self, subscription_id: str) -> str:
        return f"{self._root}/{quote(subscription_id, safe='')}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
