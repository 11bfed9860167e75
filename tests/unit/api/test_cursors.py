"""Cursors: only what this gateway signed, for the same search, leads anywhere."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_api.cursors import Cursors, cursor_key
from aoc_api.problems import Problem
from aoc_common.errors import BadConfiguration
from each import each

if TYPE_CHECKING:
    from pathlib import Path

LAST = UUID("019ab0c4-2f40-8a1b-9c2d-0123456789ab")
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
FILTERS: dict[str, Any] = {"tenant": "contoso", "source": None, "actor": "dana", "terms": ("a", "b"), "start": NOW}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CURSORS = Cursors(b"a key of sixteen")


def refusal(cursor: str, filters: dict[str, Any] = FILTERS, cursors: Cursors = CURSORS) -> str:
    with pytest.raises(Problem) as caught:
        cursors.read(cursor, filters)
    return caught.value.slug


def test_a_cursor_leads_back_to_where_its_page_ended() -> None:
    assert CURSORS.read(CURSORS.make(LAST, FILTERS), FILTERS) == LAST


def test_two_gateways_with_one_key_take_each_others_cursors() -> None:
    assert Cursors(b"a key of sixteen").read(CURSORS.make(LAST, FILTERS), dict(reversed(FILTERS.items()))) == LAST


@each(
    "changed",
    [
        {"tenant": "fabrikam"},
        {"source": "graph-signins"},
        {"actor": None},
        {"terms": ("a",)},
        {"start": None},
        {"start": NOW + timedelta(milliseconds=1)},
        {"end": NOW},
    ],
)
def test_a_cursor_of_another_search_is_refused(changed: dict[str, Any]) -> None:
    assert refusal(CURSORS.make(LAST, FILTERS), FILTERS | changed) == "cursor-foreign"


def test_a_start_in_another_time_zone_can_be_paged_through() -> None:
    filters = FILTERS | {"start": NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))}

    assert CURSORS.read(CURSORS.make(LAST, filters), filters) == LAST


def test_a_cursor_signed_with_another_key_is_refused() -> None:
    assert refusal(Cursors(b"another key of sixteen").make(LAST, FILTERS)) == "cursor-invalid"


def test_a_cursor_with_any_changed_letter_is_refused() -> None:
    cursor = CURSORS.make(LAST, FILTERS)
    forged = {
        cursor[:place] + letter + cursor[place + 1 :] for place in range(len(cursor)) for letter in f"{ALPHABET}.="
    }

    assert {refusal(one) for one in forged - {cursor}} == {"cursor-invalid"}


def test_every_shortened_cursor_is_refused() -> None:
    cursor = CURSORS.make(LAST, FILTERS)

    assert {refusal(cursor[:length]) for length in range(len(cursor))} == {"cursor-invalid"}


def test_every_other_spelling_of_a_cursor_is_refused() -> None:
    cursor = CURSORS.make(LAST, FILTERS)
    body, signature = cursor.split(".")
    same_bytes = signature[:-1] + ALPHABET[ALPHABET.index(signature[-1]) | 1]
    spellings = [f"{cursor}=", f" {cursor}", f"{cursor}\n", f"{cursor[:9]}!{cursor[9:]}", f"{body}.{same_bytes}"]

    assert urlsafe_b64decode(same_bytes + "=") == urlsafe_b64decode(signature + "=")
    assert [refusal(spelling) for spelling in spellings] == ["cursor-invalid"] * 5


@given(st.text())
def test_no_text_is_read_as_a_cursor(text: str) -> None:
    assert refusal(text) == "cursor-invalid"


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_no_bytes_are_read_as_a_cursor(body: bytes, signature: bytes) -> None:
    parts = (urlsafe_b64encode(body), urlsafe_b64encode(signature).rstrip(b"="))

    assert refusal(b".".join(parts).decode()) == "cursor-invalid"


def test_without_a_key_every_process_has_its_own() -> None:
    assert refusal(Cursors(cursor_key(None)).make(LAST, FILTERS), cursors=Cursors(cursor_key(None))) == "cursor-invalid"


def test_a_key_is_read_from_where_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"a key of sixteen\n")

    assert Cursors(cursor_key(f"file:{tmp_path / 'key'}")).read(CURSORS.make(LAST, FILTERS), FILTERS) == LAST


@pytest.mark.parametrize("content", [None, b"", b"fifteen bytes..", b"\xff" * 32])
def test_a_key_that_is_missing_short_or_no_text_is_bad_configuration(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)

    with pytest.raises(BadConfiguration, match=r"^AOC_API__CURSOR_KEY: ") as caught:
        cursor_key(f"file:{tmp_path / 'key'}")
    assert "fifteen" not in str(caught.value)
    assert "\n" not in str(caught.value)
