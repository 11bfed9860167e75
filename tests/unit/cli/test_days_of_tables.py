"""Tables whose times were written in the way of somebody's country."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from aoc_cli.importing import days

if TYPE_CHECKING:
    from exports import Read

HEADER = "Date (UTC),Request ID,Correlation ID,User,Username,Application,Application ID,IP address,Status,Subject"


def table(*times: str, subject: str = "", header: str = HEADER, mark: str = ",") -> bytes:
    rows = [
        f'"{time}",r-{number},c-{number},Dana,dana@contoso.example,Graph,g,203.0.113.9,Success,{subject}'
        for number, time in enumerate(times)
    ]
    return "\r\n".join([header, *rows, ""]).replace(",", mark).encode()


def moments(found: Read) -> list[str]:
    return [f"{datetime.fromtimestamp(event.time_ms / 1000, UTC):%m-%d %H:%M}" for event in found.events]


def test_a_day_that_is_no_month_tells_the_order_of_its_whole_table(read) -> None:
    found = read(table("05/11/2026 10:00:00", "06/11/2026 10:00:00", "25/11/2026 10:00:00", "07/11/2026 10:00:00"))

    assert moments(found) == ["11-05 10:00", "11-06 10:00", "11-25 10:00", "11-07 10:00"]
    assert found.doubts == []


def test_a_month_that_is_no_day_tells_the_other_order(read) -> None:
    found = read(table("5/11/2026 22:01", "11/25/2026 22:01"))

    assert moments(found) == ["05-11 22:01", "11-25 22:01"]
    assert found.doubts == []


def test_what_nothing_tells_is_read_with_the_month_first_and_told(read) -> None:
    found = read(table("05/11/2026 10:00:00", "06/11/2026 10:00:00"))

    assert moments(found) == ["05-11 10:00", "06-11 10:00"]
    (doubt,) = found.doubts
    assert doubt.startswith("nothing tells which number is the month: '05/11/2026 10:00:00' was read with the month")


@pytest.mark.parametrize(
    "time", ["5/11/2026 10:00:00 AM", "5/11/2026, 10:00:00.000 PM", "05.11.2026 10:00", "5/5/2026 10:00"]
)
def test_times_that_have_one_meaning_are_no_doubt(read, time: str) -> None:
    assert read(table(time)).doubts == []


@pytest.mark.parametrize(("day_first", "month"), [(True, "11-05 10:00"), (False, "05-11 10:00")])
def test_what_the_user_says_decides(read, day_first: bool, month: str) -> None:
    found = read(table("05/11/2026 10:00:00", "11/25/2026 10:00:00"), day_first=day_first)

    assert moments(found) == [month, "11-25 10:00"]
    assert found.doubts == []


def test_times_in_both_orders_are_told(read) -> None:
    found = read(table("25/11/2026 10:00", "05/11/2026 10:00", "11/26/2026 10:00"))

    assert moments(found) == ["11-25 10:00", "11-05 10:00", "11-26 10:00"]
    assert found.doubts[0].startswith("'25/11/2026 10:00' begins with the day, and '11/26/2026 10:00' with the month:")


def test_a_day_that_comes_after_what_is_held_back_is_told(read, monkeypatch) -> None:
    monkeypatch.setattr(days, "_ROWS", 2)
    found = read(table("05/11/2026 10:00", "06/11/2026 10:00", "07/11/2026 10:00", "25/11/2026 10:00"))

    assert moments(found) == ["05-11 10:00", "06-11 10:00", "07-11 10:00", "11-25 10:00"]
    assert found.doubts[0].startswith("'25/11/2026 10:00' begins with the day, but comes too late to tell:")


def test_text_that_others_write_tells_nothing(read) -> None:
    found = read(table("05/11/2026 10:00:00 AM", subject="25/11/2026 10:00:00"))

    assert moments(found) == ["05-11 10:00"]


def test_a_row_keeps_its_text_and_its_id(read) -> None:
    (first, *_) = read(table("05/11/2026 10:00", "25/11/2026 10:00")).records
    as_iso = read(table("2026-11-05T10:00:00Z", "2026-11-25T10:00:00Z")).events
    local = read(table("05/11/2026 10:00", "25/11/2026 10:00")).events

    assert first["Date (UTC)"] == "05/11/2026 10:00"
    assert [event.id for event in local] == [event.id for event in as_iso]


def test_a_mark_that_a_record_brings_itself_changes_no_time_of_others(read) -> None:
    """It is a property like any other, and tells of times in local forms alone; Microsoft's records have none."""
    found = read(b'{"aoc:times":"day first","Id":"a","CreationTime":"2026-05-11T10:00:00","Operation":"New-InboxRule"}')

    assert moments(found) == ["05-11 10:00"]
