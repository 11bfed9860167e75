"""Tables are known by their columns, in whatever case and order these are."""

from __future__ import annotations

from aoc_normalizer.mappers.envelopes.tables import recognise_table
from each import each


@each(
    ("header", "name"),
    [
        (["Timestamp", "ActionType", "Application", "RawEventData"], "CloudAppEvents"),
        ([" RAWEVENTDATA", "actiontype", "Timestamp [UTC]"], "CloudAppEvents"),
        (["date_time_utc", "sender_address", "recipient_status"], "Message trace"),
        (["Name", "Age"], None),
        ([], None),
    ],
)
def test_a_header_is_known_by_the_columns_that_it_has(header: list[str], name: str | None) -> None:
    assert recognise_table(header) == name
