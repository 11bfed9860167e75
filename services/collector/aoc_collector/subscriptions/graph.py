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
class DesiredSubscription:
    """A subscription that should exist. `state`: the secret (`clientState`) that its notifications carry."""

    kind: GraphKind
    resource: str
    change_type: str
    url: str
    state: str = field(repr=False)


class ExistingSubscription(msgspec.Struct, rename="camel", frozen=True):
    """A subscription that exists. Graph does not show its `clientState`."""

    id: str
    resource: str
    expiration_date_time: str
    change_type: str = ""
    notification_url: str | None = None
    lifecycle_notification_url: str | None = None

    @property
    def expires(self) -> datetime:
        """When it lapses. Raises `Unreachable` when that cannot be read."""
        try:
            at = datetime.fromisoformat(self.expiration_date_time)
        except ValueError:
            raise Unreachable(f"{_WHAT}: unreadable time {self.expiration_date_time[:40]!r}") from None
        return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is to be created, renewed and deleted; `unchanged` needs nothing."""

    create: list[DesiredSubscription]
    renew: list[tuple[DesiredSubscription, ExistingSubscription]]
    delete: list[ExistingSubscription]
    unchanged: list[tuple[DesiredSubscription, ExistingSubscription]]


def compare(
    desired: Sequence[DesiredSubscription], existing: Iterable[ExistingSubscription], url: str, renew_at: datetime
) -> Difference:
    """What is to be done so that each desired subscription exists once, and lives longer than until `renew_at`.

    Only subscriptions that call our address `url` are ours, whatever its query; those of them that are not desired are
    deleted: duplicates, kinds that are not collected any more, seals of an old secret (see `contracts.webhooks`).
    """
    ours = [
        subscription
        for subscription in existing
        if subscription.notification_url and _origin_and_path(subscription.notification_url) == _origin_and_path(url)
    ]
    unmatched = {subscription.id: subscription for subscription in ours}
    difference = Difference([], [], [], [])
    for subscription in desired:
        fitting = [candidate for candidate in ours if _fits(candidate, subscription)]
        if not fitting:
            difference.create.append(subscription)
            continue
        best = max(fitting, key=lambda candidate: (candidate.expires, candidate.id))
        del unmatched[best.id]
        (difference.renew if best.expires <= renew_at else difference.unchanged).append((subscription, best))
    difference.delete.extend(unmatched.values())
    return difference


def _fits(existing: ExistingSubscription, desired: DesiredSubscription) -> bool:
    """Whether a subscription is the desired one. What Graph does not show counts as equal."""
    same_resource = existing.resource.strip("/").casefold() == desired.resource.casefold()
    same_changes = not existing.change_type or _words(existing.change_type) == _words(desired.change_type)
    shown = [url for url in (existing.notification_url, existing.lifecycle_notification_url) if url is not None]
    return same_resource and same_changes and all(_same_address(url, desired.url) for url in shown)


def _words(text: str) -> set[str]:
    return {word.strip().casefold() for word in text.split(",")}


def _origin_and_path(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path


def _same_address(first: str, second: str) -> bool:
    """Whether two addresses are equal, however they are spelt: else a subscription would be replaced always."""
    return _origin_and_path(first) == _origin_and_path(second) and parse_qsl(urlsplit(first).query) == parse_qsl(
        urlsplit(second).query
    )


class _Page(msgspec.Struct):
    value: list[ExistingSubscription]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


_PAGE: Final = msgspec.json.Decoder(_Page)


class GraphSubscriptions:
    """The subscriptions of our app in one tenant."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._root = f"{api.base}/v1.0/subscriptions"

    async def list(self) -> list[ExistingSubscription]:
        """All of them. Raises as `http` says, and `UnfinishedError` when the pages do not end."""
        existing: list[ExistingSubscription] = []
        url: str | None = self._root
        for _ in range(_MAX_PAGES):
            if url is None:
                return existing
            page = await self._api.get(url, lambda answer: decode(_PAGE, answer.body, _WHAT))
            existing += page.value
            url = page.next_link
        raise UnfinishedError(f"{_WHAT}: more than {_MAX_PAGES} pages")

    async def create(self, desired: DesiredSubscription, until: datetime) -> None:
        """Create one. Graph calls its address first. Raises `Unreachable` when that did not answer as it should."""
        document = {
            "changeType": desired.change_type,
            "notificationUrl": desired.url,
            "lifecycleNotificationUrl": desired.url,
            "resource": desired.resource,
            "expirationDateTime": _time(until),
            "clientState": desired.state,
        }
        try:
            await self._api.post(self._root, document)
        except Refused as refused:
            if refused.code == "ValidationError" or _HANDSHAKE in str(refused).casefold():
                # Our gateway did not answer Graph: it may be about to start.
                raise Unreachable(f"{desired.url.partition('?')[0]} does not answer Graph: {refused}") from refused
            raise

    async def renew(self, existing: ExistingSubscription, until: datetime) -> None:
        """Extend its lifetime, which also reauthorises it. Raises `Refused` with 404 when it does not exist."""
        await self._api.patch(self._address(existing.id), {"expirationDateTime": _time(until)})

    async def reauthorize(self, subscription_id: str) -> None:
        """Reauthorise it. Raises `Refused` with 404 when it does not exist."""
        await self._api.post(f"{self._address(subscription_id)}/reauthorize")

    async def delete(self, existing: ExistingSubscription) -> None:
        """Delete it. Raises `Refused` with 404 when it does not exist."""
        await self._api.delete(self._address(existing.id))

    def _address(self, subscription_id: str) -> str:
        return f"{self._root}/{quote(subscription_id, safe='')}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
