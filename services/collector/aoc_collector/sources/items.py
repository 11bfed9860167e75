"""The items of a listing of content, each read by itself: one that is odd does not hide the others.

Source: office-365-management-activity-api-reference.md, "List available content". Content can be fetched for 7 days.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from aoc_collector.microsoft.answers import listed
from aoc_collector.sources.base import SAMPLE_BYTES
from aoc_common.store.blobs import ContentBlob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_collector.sources.base import Window

_ANYTHING: Final = msgspec.json.Decoder()
_LIFETIME: Final = timedelta(days=7)
#: Content is created around the time that was asked for, and lives for about a week: other times are taken for garbage.
_ASIDE: Final = timedelta(days=2)
_LONGEST_LIFE: Final = timedelta(days=31)
_LONGEST_NAME: Final = 1024
_LONGEST_LINK: Final = 8192


@dataclass(frozen=True, slots=True)
class Item:
    """A blob that was listed. `unusable`: why it cannot even be asked for; `text`: the item as it came."""

    blob: ContentBlob
    unusable: str | None = None
    text: bytes = field(default=b"", repr=False)


def read_listing(body: bytes, what: str, window: Window) -> list[Item]:
    """The items of a listing. Raises `Unreachable` for what is no list.

    What an item does not say is made up for: times by the window that was asked for, a name by the item's own bytes
    (so that it is the same whenever it is listed). Without a link, all that is left is to say that it is there.
    """
    return [_read(raw, window) for raw in listed(body, what)]


def told_apart(items: Iterable[Item]) -> dict[str, Item]:
    """The items by their blobs' names. Two links under one name are two blobs: the second gets a name of its own."""
    found: dict[str, Item] = {}
    for item in items:
        name, link = item.blob.content_id, item.blob.uri
        if name in found and found[name].blob.uri != link:
            name = _with_link(name, link)
        found[name] = replace(item, blob=replace(item.blob, content_id=name))
    return found


def _named(name: str, uri: str | None) -> str:
    """What a blob is known by: its id, which ends its link too. Where it does not, the link is a part of the name."""
    path = unquote((uri or "").partition("?")[0]).rstrip("/").lower()
    return name if uri is None or path.endswith(f"/{name.lower()}") else _with_link(name, path)


def _with_link(name: str, link: str) -> str:
    return f"{name}#{blake2b(link.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def _read(raw: msgspec.Raw, window: Window) -> Item:
    text = bytes(memoryview(raw)[:SAMPLE_BYTES])
    try:
        said: Any = _ANYTHING.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    fields: Mapping[str, Any] = said if isinstance(said, dict) else {}
    uri, name = _text(fields.get("contentUri"), _LONGEST_LINK), _text(fields.get("contentId"), _LONGEST_NAME)
    created = moment(fields.get("contentCreated"))
    if created is None or not window.start - _ASIDE <= created <= window.end + _ASIDE:
        created = window.start
    expires = moment(fields.get("contentExpiration"))
    if expires is None or not created < expires <= created + _LONGEST_LIFE:
        expires = created + _LIFETIME
    named = name or f"unnamed-{blake2b(memoryview(raw), digest_size=16).hexdigest()}"
    return Item(
        ContentBlob(_named(named, uri), uri or "", created, expires),
        None if uri else "the listing's item has no link",
        text,
    )


def _text(value: Any, longest: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= longest else None


def moment(value: Any) -> datetime | None:
    """A time in UTC; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
