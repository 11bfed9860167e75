"""What people note on events: tags and comments. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

#: Of one event.
MOST_TAGS: Final = 30
MOST_COMMENTS: Final = 100
#: Characters.
LONGEST_TAG: Final = 50
LONGEST_COMMENT: Final = 4_000
#: In lower case, so that one tag has one spelling; without blanks and commas, so that lists of tags can be written.
TAG: Final = r"[a-z0-9][a-z0-9._:/-]{0,49}"
_TAG: Final = re.compile(TAG)


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody says of an event, in plain text. `author`: the principal's id; `name`: as people call it."""

    id: str
    author: str
    name: str
    at: datetime
    text: str
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """All that is noted on an event: tags in their order, comments the first one first."""

    tags: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()


def tag(text: str) -> str:
    """A tag as it is stored. Raises `Malformed` for what cannot be one."""
    stored = text.strip().lower()
    if not _TAG.fullmatch(stored):
        raise Malformed(
            f"{text[:LONGEST_TAG]!r} is no tag: letters from a to z, digits, and . _ : / - behind the first, "
            f"at most {LONGEST_TAG} characters"
        )
    return stored


def tags(texts: Iterable[str]) -> frozenset[str]:
    """Tags as they are stored. Raises `Malformed`, which names the one that cannot be one."""
    return frozenset(map(tag, texts))
