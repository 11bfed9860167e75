"""Listing content by creation time."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from aoc_sim.activity import errors
from aoc_sim.clock import from_us, iso, seconds, to_us
from aoc_sim.world import WEEK_US

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aoc_sim.world import Blob, Feed

DAY_US = seconds(24 * 3600)
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?Z?)?")
_NEXT = re.compile(r"(\d{1,17})R(\d{1,12})")


@dataclass(frozen=True, slots=True)
class Window:
    """Content created in [start, end), from `after` on."""

    start_us: int
    end_us: int
    after: tuple[int, int] | None = None


def read_window(options: Mapping[str, str], now: datetime, *, wide: bool) -> Window:
    """The window asked for; AF20030 for the limits, AF20002 for a time that is none, AF20031 for a bad page.

    `wide` answers windows of more than 24 hours, which Microsoft's page says may happen, in part.
    """
    start_text, end_text = options.get("starttime"), options.get("endtime")
    now_us = to_us(now)
    if bool(start_text) != bool(end_text):
        raise errors.bad_window()
    if start_text and end_text:
        start_us, end_us = _time("startTime", start_text), _time("endTime", end_text)
    else:
        end_us = now_us
        start_us = now_us - DAY_US
    if start_us < now_us - WEEK_US or end_us < start_us or (end_us - start_us > DAY_US and not wide):
        raise errors.bad_window()
    after = None
    if text := options.get("nextpage"):
        match = _NEXT.fullmatch(text)
        if not match:
            raise errors.bad_next_page(text)
        after = (int(match[1]), int(match[2]))
    return Window(start_us, end_us, after)


def _time(name: str, text: str) -> int:
    return to_us(parse_moment(name, text))


def parse_moment(name: str, text: str) -> datetime:
    """A time in UTC; AF20002 otherwise. The page names three forms; the service takes decimals and a Z as well."""
    if not _TIME.fullmatch(text):
        raise errors.wrong_type(name, "datetime")
    try:
        at = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise errors.wrong_type(name, "datetime") from None
    return at.replace(tzinfo=UTC)


def list_blobs(feed: Feed, window: Window, now_us: int, size: int) -> tuple[list[Blob], bool]:
    """A page of blobs in the order in which they became available, and whether there is more."""
    items = list(islice(_visible(feed, window, now_us), size + 1))
    return items[:size], len(items) > size


def partial(window: Window) -> Window:
    """What a listing over more than 24 hours covers: its first day only."""
    return Window(window.start_us, min(window.end_us, window.start_us + DAY_US), window.after)


def _visible(feed: Feed, window: Window, now_us: int) -> Iterator[Blob]:
    low = max((window.start_us, -1), (window.after[0], window.after[1] + 1) if window.after else (0, 0))
    for position in range(bisect_left(feed.blobs, low, key=lambda b: (b.created_us, b.seq)), len(feed.blobs)):
        blob = feed.blobs[position]
        if blob.created_us >= window.end_us or blob.created_us > now_us:
            return
        if feed.listed(blob):
            yield blob


def next_page(blob: Blob) -> str:
    """The internal id of the page after this blob."""
    return f"{blob.created_us}R{blob.seq}"


def blob_body(blob: Blob, content_type: str, root: str) -> dict[str, Any]:
    """A blob as a listing shows it. `root` is `{base}/api/v1.0/{tenant}/activity/feed`."""
    created = from_us(blob.created_us)
    return {
        "contentUri": f"{root}/audit/{blob.content_id}",
        "contentId": blob.content_id,
        "contentType": content_type,
        "contentCreated": iso(created),
        "contentExpiration": iso(created + timedelta(days=7)),
    }
