"""The items of a listing of content blobs, each read by itself, so that a malformed one does not hide the others.

Source: office-365-management-activity-api-reference.md, "List available content". Content can be fetched for 7 days.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from aoc_collector.microsoft.answers import array_elements
from aoc_collector.sources.base import SAMPLE_BYTES
from aoc_common.store.blobs import ContentBlob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_collector.sources.base import Window

_ANY_VALUE: Final = msgspec.json.Decoder()
_LIFETIME: Final = timedelta(days=7)
#: Content is created around the time of the listing, and expires after about a week: other times are not believed.
_CREATED_TOLERANCE: Final = timedelta(days=2)
_LONGEST_LIFE: Final = timedelta(days=31)
_LONGEST_NAME: Final = 1024
_LONGEST_LINK: Final = 8192


@dataclass(frozen=True, slots=True)
class Item:
    """A blob that was listed. `unusable`: why it cannot be fetched; `text`: the item as it came."""

    blob: ContentBlob
    unusable: str | None = None
    text: bytes = field(default=b"", repr=False)


def read_listing(body: bytes, what: str, window: Window) -> list[Item]:
    """The items of a listing. Raises `Unreachable` for what is no list.

    Missing members get defaults: times from the window of the listing, an id from the item's bytes (so that it is the
    same in every listing). An item without a link is noted, and cannot be fetched.
    """
    return [_read_item(raw, window) for raw in array_elements(body, what)]


def by_unique_id(items: Iterable[Item]) -> dict[str, Item]:
    """The items by content id. Two links with one id are two blobs: the second gets an id of its own."""
    by_id: dict[str, Item] = {}
    for item in items:
        name, link = item.blob.content_id, item.blob.uri
        if name in by_id and by_id[name].blob.uri != link:
            name = _with_link(name, link)
        by_id[name] = replace(item, blob=replace(item.blob, content_id=name))
    return by_id


def _unique_id(name: str, uri: str | None) -> str:
    """The unique id of a blob: its content id, which its link ends with, too; where it does not, also the link."""
    path = unquote((uri or "").partition("?")[0]).rstrip("/").lower()
    return name if uri is None or path.endswith(f"/{name.lower()}") else _with_link(name, path)


def _with_link(name: str, link: str) -> str:
    return f"{name}#{blake2b(link.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def _read_item(raw: msgspec.Raw, window: Window) -> Item:
    text = bytes(memoryview(raw)[:SAMPLE_BYTES])
    try:
        value: Any = _ANY_VALUE.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    fields: Mapping[str, Any] = value if isinstance(value, dict) else {}
    uri, name = _text(fields.get("contentUri"), _LONGEST_LINK), _text(fields.get("contentId"), _LONGEST_NAME)
    created = parse_time(fields.get("contentCreated"))
    if created is None or not window.start - _CREATED_TOLERANCE <= created <= window.end + _CREATED_TOLERANCE:
        created = window.start
    expires = parse_time(fields.get("contentExpiration"))
    if expires is None or not created < expires <= created + _LONGEST_LIFE:
        expires = created + _LIFETIME
    content_id = name or f"unnamed-{blake2b(memoryview(raw), digest_size=16).hexdigest()}"
    return Item(
        ContentBlob(_unique_id(content_id, uri), uri or "", created, expires),
        None if uri else "the listing's item has no link",
        text,
    )


def _text(value: Any, longest: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= longest else None


def parse_time(value: Any) -> datetime | None:
    """A time in UTC; None when it cannot be read."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
