"""What `aoc verify` takes for told, and what for hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from aoc_cli.verify.statements import Statements
from aoc_cli.verify.unreported import Missing, missing_records, unreported
from aoc_cli.verify.versions import check_current, compare_versions
from aoc_common.store.accounts import Gap, GapCause, SourceAccount
from aoc_common.store.mongo.census import StoredRecord
from each import each

AT = datetime(2026, 1, 14, 12, tzinfo=UTC)
KEY = ("contoso", "o365-exchange", "a")
HOUR = timedelta(hours=1)


def gap(start: datetime, end: datetime, detail: str | None = None) -> Gap:
    return Gap(GapCause.LOST, start, end, closable=False, detail=detail)


@each(
    ("gaps", "source", "hidden"),
    [
        ((), "o365-exchange", True),
        ((gap(AT - HOUR, AT + HOUR),), "o365-exchange", False),
        ((gap(AT - 2 * HOUR, AT - HOUR),), "o365-exchange", True),
        ((gap(AT - HOUR, AT + HOUR),), "o365-general", True),
        ((gap(AT - 2 * HOUR, AT - HOUR, "content blob$1: no address"),), "o365-exchange", False),
        ((gap(AT - 2 * HOUR, AT - HOUR, "content blob$2: no address"),), "o365-exchange", True),
    ],
)
def test_a_record_is_hidden_unless_a_gap_of_its_source_covers_it_or_names_its_blob(gaps, source, hidden) -> None:
    accounts = {("contoso", source): SourceAccount("contoso", source, gaps=gaps)}

    assert unreported([Missing(KEY, AT, "blob$1")], accounts, set()) == ({KEY} if hidden else set())


def test_a_record_that_the_quarantine_or_a_dead_letter_names_is_not_hidden() -> None:
    assert unreported([Missing(KEY, AT)], {}, {KEY}) == set()


def test_a_record_of_content_is_looked_for_when_its_blob_was_made_and_one_of_graph_when_it_happened() -> None:
    line = {"id": "A", "time": "2026-01-14T12:00:00.000Z", "available": "2026-01-14T13:00:00.000Z"}
    lines = {("contoso", "o365-exchange"): [line], ("contoso", "graph-signins"): [line, line | {"id": "b"}]}
    keys = {KEY, ("contoso", "graph-signins", "a")}

    assert missing_records(lines, {}, keys) == [
        Missing(KEY, AT + HOUR),
        Missing(("contoso", "graph-signins", "a"), AT),
    ]


STATES = [{"served": True, "record": {"id": "a", "risk": risk}} for risk in ("none", "high", "low")]
RECORD = StoredRecord(UUID(int=1), "contoso", "graph-signins", "A", "Sign-in")


@each(
    ("there", "every", "lost", "made_up"),
    [
        (["none", "high", "low"], True, 0, 0),
        (["none", "low"], True, 1, 0),
        (["none", "low"], False, 0, 0),
        (["none", "high"], False, 1, 0),
        (["low", "medium"], False, 0, 1),
    ],
)
def test_the_last_state_of_a_record_must_be_there_and_in_a_calm_run_every_one(there, every, lost, made_up) -> None:
    truth = {"contoso": {"graph-signins": {"a": STATES}}}
    respelt = '{"id": "A", "activityDateTime": "respelt", "risk": "%s"}'
    texts = {RECORD.id: {number: respelt % risk for number, risk in enumerate(there, 1)}}
    messages = {str(RECORD.id), *(f"{RECORD.id}:{number}" for number in range(2, len(there) + 1))}
    outcome = compare_versions(truth, [RECORD], texts, messages, every=every)

    assert (outcome.changed, outcome.lost, outcome.made_up) == (1, lost, made_up)


def test_a_version_that_is_stored_and_not_published_is_lost() -> None:
    truth = {"contoso": {"graph-signins": {"a": STATES[:2]}}}
    texts = {RECORD.id: {1: '{"id": "a", "risk": "none"}', 2: '{"id": "a", "risk": "high"}'}}

    assert compare_versions(truth, [RECORD], texts, {str(RECORD.id)}, every=True).lost == 1
    assert compare_versions(truth, [RECORD], texts, {str(RECORD.id), f"{RECORD.id}:x"}, every=True).lost == 0


@each(("shown", "states", "false"), [("low", 3, 0), ("high", 3, 1), ("high", 2, 0), ("none", 2, 1)])
def test_an_event_that_does_not_show_the_last_state_of_its_record_is_a_false_statement(shown, states, false) -> None:
    tally = Statements()
    truth = {"contoso": {"graph-signins": {"a": STATES[:states]}}}
    check_current(truth, [RECORD], {RECORD.id: f'{{"id": "A", "risk": "{shown}"}}'}, tally)

    assert tally.count == false


def test_a_text_that_is_cut_is_a_state_that_was_never_there() -> None:
    truth = {"contoso": {"graph-signins": {"a": STATES[:1]}}}

    assert compare_versions(truth, [RECORD], {RECORD.id: {1: '{"id": "a"'}}, {str(RECORD.id)}, every=False).made_up == 1


def test_of_a_record_that_is_again_what_it_was_nobody_can_tell_which_state_is_the_last() -> None:
    tally = Statements()
    truth = {"contoso": {"graph-signins": {"a": [*STATES[:2], STATES[0]]}}}
    check_current(truth, [RECORD], {RECORD.id: '{"id": "A", "risk": "high"}'}, tally)

    assert not tally.compared
