"""The comparison behind `aoc verify` sees what it is there to see."""

from __future__ import annotations

from uuid import UUID

import pytest

from aoc_cli.verify.account import compare
from aoc_common.store.mongo.census import StoredRecord

TRUTH = {"contoso": {"graph-signins": {"records": ["a", "b"]}, "o365-dlp": {"records": ["d|Match", "d|Undo"]}}}


def stored(number: int, record: str, source: str = "graph-signins", operation: str = "x") -> StoredRecord:
    return StoredRecord(UUID(int=number), "contoso", source, record, operation)


ALL = [stored(1, "a"), stored(2, "b"), stored(3, "d", "o365-dlp", "Match"), stored(4, "d", "o365-dlp", "Undo")]
SENT = [str(UUID(int=number)) for number in (1, 2, 3, 4)]

LEDGER = {("contoso", "graph-signins"): 2, ("contoso", "o365-dlp"): 2}


def test_everything_once_is_complete() -> None:
    outcome = compare(TRUTH, ALL, SENT, LEDGER)

    assert (outcome.stored, outcome.published) == (4, 4)
    assert (outcome.lost, outcome.doubled, outcome.unknown, outcome.misaccounted) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("events", "sent", "expected"),
    [
        (ALL[1:], SENT[1:], (1, 0, 0)),
        (ALL, SENT[1:], (1, 0, 0)),
        ([*ALL, stored(9, "a")], [*SENT, str(UUID(int=9))], (0, 1, 0)),
        (ALL, [*SENT, SENT[0]], (0, 1, 0)),
        ([*ALL, stored(9, "made up")], [*SENT, str(UUID(int=9))], (0, 0, 1)),
        (ALL, [*SENT, "nobody's"], (0, 0, 1)),
        ([*ALL[:2], ALL[2]], SENT[:3], (1, 0, 0)),
    ],
    ids=[
        "not stored",
        "not published",
        "stored twice",
        "published twice",
        "made up",
        "published, not stored",
        "one of a pair of records with one id",
    ],
)
def test_each_kind_of_fault_is_counted(events, sent, expected) -> None:
    outcome = compare(TRUTH, events, sent, LEDGER)

    assert (outcome.lost, outcome.doubled, outcome.unknown) == expected


@pytest.mark.parametrize(
    ("ledger", "off"),
    [
        ({**LEDGER, ("contoso", "o365-dlp"): 1}, 1),
        ({("contoso", "o365-dlp"): 3}, 3),
        ({**LEDGER, ("contoso", "made-up"): 4}, 4),
        ({("contoso", "graph-signins"): 3, ("contoso", "o365-dlp"): 1}, 2),
    ],
)
def test_a_ledger_that_says_something_else_is_found_out_source_by_source(ledger, off) -> None:
    assert compare(TRUTH, ALL, SENT, ledger).misaccounted == off
