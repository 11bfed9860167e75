"""The comparison behind `aoc verify` sees what it is there to see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aoc_cli.verify.comparison import AvailableRecords, RunResult, compare
from aoc_cli.verify.stream_recorder import RecordedMessage
from aoc_common.store.mongo.census import StoredRecord
from each import each

TRUTH = AvailableRecords.of(
    {"contoso": {"graph-signins": {"records": ["a", "b"]}, "o365-dlp": {"records": ["d|Match", "d|Undo"]}}}
)


def stored(number: int, record: str, source: str = "graph-signins", operation: str = "x") -> StoredRecord:
    return StoredRecord(UUID(int=number), "contoso", source, record, operation)


ALL = [stored(1, "a"), stored(2, "b"), stored(3, "d", "o365-dlp", "Match"), stored(4, "d", "o365-dlp", "Undo")]
SENT = [RecordedMessage(str(UUID(int=number))) for number in (1, 2, 3, 4)]

LEDGER = {("contoso", "graph-signins"): 2, ("contoso", "o365-dlp"): 2}


def test_everything_once_is_complete() -> None:
    outcome = compare(TRUTH, ALL, SENT, LEDGER)

    assert (outcome.stored, outcome.published) == (4, 4)
    assert (outcome.lost, outcome.doubled, outcome.unknown, outcome.misaccounted) == (0, 0, 0, 0)


def test_states_of_one_subject_are_told_apart_by_their_time() -> None:
    truth = AvailableRecords.of({"contoso": {"graph-risky-users": {"records": ["u|1000", "u|2000"]}}})
    first, second, strange = (
        StoredRecord(UUID(int=at << 80 | 7), "contoso", "graph-risky-users", "U", "Risky user")
        for at in (1000, 2000, 3000)
    )
    sent = [RecordedMessage(str(one.id)) for one in (first, second)]
    ledger = {("contoso", "graph-risky-users"): 2}

    whole = compare(truth, [first, second], sent, ledger)
    assert (whole.lost, whole.doubled, whole.unknown) == (0, 0, 0)
    assert compare(truth, [first], sent[:1], ledger).lost == 1
    assert compare(truth, [first, second, strange], [*sent, RecordedMessage(str(strange.id))], ledger).unknown == 1


@each(
    ("events", "sent", "expected"),
    [
        (ALL[1:], SENT[1:], (1, 0, 0)),
        (ALL, SENT[1:], (1, 0, 0)),
        ([*ALL, stored(9, "a")], [*SENT, RecordedMessage(str(UUID(int=9)))], (0, 1, 0)),
        (ALL, [*SENT, SENT[0]], (0, 1, 0)),
        (ALL, [*SENT, replace(SENT[0], incarnation=1)], (0, 0, 0)),
        (ALL, [*SENT, RecordedMessage(f"{SENT[0].event}:digest")], (0, 0, 0)),
        ([stored(1, "A"), *ALL[1:]], SENT, (0, 0, 0)),
        ([*ALL, stored(9, "A")], [*SENT, RecordedMessage(str(UUID(int=9)))], (0, 1, 0)),
        ([*ALL, stored(9, "made up")], [*SENT, RecordedMessage(str(UUID(int=9)))], (0, 0, 1)),
        (ALL, [*SENT, RecordedMessage("nobody's")], (0, 0, 1)),
        ([*ALL[:2], ALL[2]], SENT[:3], (1, 0, 0)),
    ],
    ids=[
        "not stored",
        "not published",
        "stored twice",
        "published twice",
        "published again by another stream of that name",
        "another version",
        "stored under its id in another case",
        "stored under both cases of its id",
        "made up",
        "published, not stored",
        "one of a pair of records with one id",
    ],
)
def test_each_kind_of_fault_is_counted(events, sent, expected) -> None:
    outcome = compare(TRUTH, events, sent, LEDGER)

    assert (outcome.lost, outcome.doubled, outcome.unknown) == expected


@each(
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


@pytest.mark.parametrize(("after_s", "doubled"), [(19, 1), (21, 0)])
def test_an_event_is_doubled_only_while_the_stream_holds_it(after_s, doubled) -> None:
    at = datetime(2026, 1, 14, tzinfo=UTC)
    sent = [*(replace(message, at=at) for message in SENT), replace(SENT[0], at=at + timedelta(seconds=after_s))]

    assert compare(TRUTH, ALL, sent, LEDGER, retention_s=20).doubled == doubled


def test_a_record_that_could_not_be_had_is_not_lost_but_hidden_unless_that_is_told() -> None:
    truth = AvailableRecords.of(
        {"contoso": {"graph-signins": {"records": ["a", "B"], "excused": [{"id": "B", "why": "huge"}]}}}
    )
    events, sent, ledger = [stored(1, "a")], SENT[:1], {("contoso", "graph-signins"): 1}
    absent = truth.absent(events)
    outcome = compare(truth, events, sent, ledger)
    unreported = compare(truth, events, sent, ledger, unreported=absent)

    assert absent == {("contoso", "graph-signins", "b")}
    assert (outcome.lost, outcome.hidden, outcome.misaccounted) == (0, 0, 0)
    assert (unreported.lost, unreported.hidden) == (0, 1)


def test_an_excused_record_that_is_stored_counts_like_any_other() -> None:
    truth = AvailableRecords.of(
        {"contoso": {"graph-signins": {"records": ["a"], "excused": [{"id": "a", "why": "huge"}]}}}
    )
    events, sent = [stored(1, "a")], SENT[:1]

    assert compare(truth, events, sent, {("contoso", "graph-signins"): 1}).misaccounted == 0
    assert compare(truth, events, [], {("contoso", "graph-signins"): 1}).lost == 1


def account(**wrong: int) -> RunResult:
    counts = dict.fromkeys(
        ("emitted", "pages", "resent", "late", "stored", "published", "quarantined", "lost", "doubled", "hidden",
         "unknown", "misaccounted"), 0,
    )  # fmt: skip
    return RunResult(**{**counts, "seconds": 1.0, "events_per_s": 1.0, "faults": {}, **wrong})


@each("name", ["lost", "doubled", "hidden", "unknown", "misaccounted", "quarantined"])
def test_a_run_is_not_complete_with_anything_wrong(name) -> None:
    assert account().complete
    assert not account(**{name: 1}).complete
    assert account(**{name: 1}).wrong == {name: 1}


def test_records_that_are_too_large_may_be_put_aside() -> None:
    assert account(quarantined=2, excused=2).complete
    assert not account(quarantined=3, excused=2).complete
