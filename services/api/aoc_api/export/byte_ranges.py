"""Which bytes of a file a request asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: Digits that a position may have: more are of no file.
_RANGE: Final = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE | re.ASCII)


class Unsatisfiable(Exception):  # noqa: N818  # RFC 9110's term
    """There are no such bytes in the file."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From `first` to before `end`."""

    first: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.end - self.first


def asked_range(header: str | None, if_range: str | None, etag: str, size: int) -> ByteRange | None:
    """The range that is asked for of a file with this ETag; None: all of it.

    So are several ranges, and what cannot be read (14.2), and what is of another file (`If-Range`, 13.1.5).
    Raises `Unsatisfiable`.
    """
    if header is None or (if_range is not None and if_range.strip() != etag):
        return None
    found = _RANGE.fullmatch(header)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        wanted = ByteRange(max(0, size - int(last)), size)
    else:
        if last and int(last) < int(first):
            return None
        wanted = ByteRange(int(first), min(size, int(last) + 1) if last else size)
    if wanted.first >= size or not wanted.size:
        raise Unsatisfiable(f"the file has {size} bytes")
    return wanted
