"""Microsoft's own record, as it was collected: for content of a SIEM that expects Microsoft's shapes.

An entry without one (of the audit trail, or a shortened event) goes as OCSF.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_exporter.encoders.lines import one_line
from aoc_exporter.encoders.records import record
from aoc_exporter.item import Format, Shape

if TYPE_CHECKING:
    from aoc_exporter.entry import Entry


def encode(entry: Entry) -> bytes:
    """The record as a JSON object on one line; one that is no object as the member `raw` of one.

    Raises `Malformed` for a body that is no JSON object.
    """
    return record(entry) or one_line(entry.body)


RAW: Final = Format("raw", Shape.RECORD, encode)
