"""Detects replays: a notification counts once."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import orjson
from cachetools import TLRUCache

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_api.webhooks.notifications import ChangeNotification, ContentItem
    from aoc_common.clock import Clock

#: Seconds. Microsoft sends a notification that it takes for undelivered again for 4 hours
#: (graph-docs, change-notifications-delivery-webhooks.md).
_DISTINCT_S: Final = 5 * 3600.0
#: Seconds. Two changes of one object can look the same when a notification has no id of its own. So one that looks
#: like an earlier one is a replay for this long only; a change missed this way is collected by the next regular poll.
_INDISTINCT_S: Final = 60.0


class Replays:
    """Remembers so many notifications of this process, each as long as Microsoft may repeat it.

    Only genuine notifications are remembered, so a forger cannot evict others. A replay at another replica of the
    gateway is not detected; the jobs stream deduplicates both jobs.
    """

    def __init__(self, most: int, clock: Clock) -> None:
        self._seen: TLRUCache[bytes, float] = TLRUCache(most, lambda _, ttl, now: now + ttl, clock.monotonic)

    def known(self, key: Key) -> bool:
        """Whether a notification was seen."""
        return key.digest in self._seen

    def remember(self, keys: Iterable[Key]) -> None:
        """Remember these; call it when their jobs are on the bus."""
        for key in keys:
            self._seen[key.digest] = key.ttl_s


class Key:
    """The identity of a notification, and how long it is remembered, seconds."""

    __slots__ = ("digest", "ttl_s")

    def __init__(self, parts: object, ttl_s: float) -> None:
        self.digest = blake2b(orjson.dumps(parts), digest_size=16).digest()
        self.ttl_s = ttl_s


def key_of(notification: ChangeNotification) -> Key:
    """The key of a Graph notification: its own id, else all of its content.

    The `uti` or `jti` of a validation token is no such key: Graph uses one token for many notifications.
    """
    subscription = notification.subscription_id
    if notification.id:
        return Key([subscription, notification.id], _DISTINCT_S)
    encrypted = notification.encrypted_content
    if encrypted:
        # The symmetric key is random, and with it the signature of what it encrypts.
        return Key([subscription, encrypted.data_signature], _DISTINCT_S)
    content = notification.model_dump(mode="json")
    distinct = notification.resource_data.keys() & {"@odata.etag", "sequenceNumber"}
    return Key(content, _DISTINCT_S if distinct else _INDISTINCT_S)


def key_of_content(item: ContentItem) -> Key:
    """The key of a notification of the Management API about a content blob."""
    return Key([item.tenant_id, item.content_type, item.content_id], _DISTINCT_S)
