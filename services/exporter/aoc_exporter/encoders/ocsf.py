"""OCSF JSON: the event's own bytes. Nothing is parsed.

What is looked at is how the bytes begin and end, and that no line break is in them: JSON has none but between its
tokens, where a space does as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.errors import Malformed
from aoc_exporter.encoders.lines import one_line
from aoc_exporter.item import Format, Shape

if TYPE_CHECKING:
    from aoc_exporter.entry import Entry


def encode(entry: Entry) -> bytes:
    """The body on one line. Raises `Malformed` for what is no object."""
    body = one_line(entry.body)
    if not (body.startswith(b"{") and body.endswith(b"}")):
        raise Malformed(f"{entry.kind} {entry.key}: the body is no JSON object")
    return body


OCSF: Final = Format("ocsf", Shape.OBJECT, encode)
