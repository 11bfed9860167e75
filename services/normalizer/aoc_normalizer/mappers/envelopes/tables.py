"""Tables that portals, Sentinel and Defender export as CSV, known by their columns.

A reader of files asks `recognise_table` whether a header is one of these. Each row of such a table is then a record of
its own: a JSON object of column -> text, with every column of the header, in the header's own spelling (also where the
cell is empty). A table with a column of records (`AuditData`, `_raw`) is none of these: what counts there is inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of table. `columns`: those that a header of this kind has at least, in their `column_key` spelling."""

    name: str
    columns: frozenset[str]


#: Tried in order: the ones with more columns before those whose columns they share.
TABLES: Final[tuple[Table, ...]] = (
    Table("CloudAppEvents", frozenset({"timestamp", "actiontype", "raweventdata"})),
    Table("Message trace", frozenset({"sender_address", "recipient_status"})),
    Table("Message trace", frozenset({"senderaddress", "recipientaddress"})),
)


def column_key(column: str) -> str:
    """A column as it is compared: without case, blanks around it, and the zone that the Azure portal adds."""
    return column.strip().casefold().removesuffix(" [utc]")


def recognise_table(header: Iterable[str]) -> str | None:
    """The name of the table that has this header, or None for one that nobody here can read."""
    columns = {column_key(column) for column in header}
    return next((table.name for table in TABLES if table.columns <= columns), None)
