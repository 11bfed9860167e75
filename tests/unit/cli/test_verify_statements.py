"""`aoc verify` compares the product's statements with the truth, and names each false one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from aoc_cli.verify.account_numbers import Bounds, check_numbers
from aoc_cli.verify.completeness_claims import CompletenessClaims
from aoc_cli.verify.ground_truth import GroundTruth, RecordFacts, SourceDeliveries
from aoc_cli.verify.published import Bodies, check_published, check_schema
from aoc_cli.verify.statements import Statements
from aoc_cli.verify.stored import Counted, Lifetime, check_stored
from aoc_cli.verify.twin_links import check_second_events
from aoc_common.contracts import ids
from aoc_common.contracts.event import text_digest
from aoc_common.store.accounts import Gap, GapCause, SourceAccount
from aoc_common.store.arrivals import RecentArrivals
from aoc_common.store.mongo.census import StoredRecord, StoredStatement
from each import each

AT = datetime(2026, 1, 14, 12, tzinfo=UTC)
MS = ids.to_ms(AT)
US = MS * 1000
HOUR = timedelta(hours=1)
RAW = '{"Id": "A", "Operation": "New-InboxRule"}'
KEY = ("contoso", "o365-exchange", "a")
OTHER = ("fabrikam", "o365-exchange", "a")
PLACE = KEY[:2]
EVENT = ids.event_id("contoso", "ual", "a", MS)


def fact(raw: str = RAW, *, result: str = "success") -> RecordFacts:
    names, spelt = ("dana@contoso.example", "d4"), ("Dana@contoso.example",)
    return RecordFacts(
        MS, US - 2, (text_digest(raw),), 3004, "New-InboxRule", result, names, spelt, "[2001:db8::A]:443",
    )  # fmt: skip


SOURCE = SourceDeliveries(((US + 60_000_000, US - 3_600_000_000, US + 60_000_000),), 3, 1, 0, ())
GROUND_TRUTH = GroundTruth.of(US - 1, {PLACE: SOURCE}, {KEY: fact(), OTHER: fact(f"{RAW} ")})
LIFETIME = Lifetime(AT, AT + HOUR)
STORED = StoredStatement(
    EVENT, "contoso", "o365-exchange", "A", "New-InboxRule", None, None, MS, MS, 3004, 3004, "success", 1,
    "New-InboxRule", "dana@contoso.example", "2001:db8::a", 1, MS, AT + timedelta(days=365, minutes=1), None, RAW,
)  # fmt: skip


def false(tally: Statements) -> set[str]:
    return {kind for kind, count in tally.false.items() if count}


@each(
    ("changes", "kinds"),
    [
        ({}, set()),
        ({"raw": RAW[:-1]}, {"stored: raw text"}),
        ({"raw": f"{RAW} "}, {"stored: whose it is"}),
        (
            {"tenant": "fabrikam", "expire_at": AT + timedelta(days=14), "forget_at": AT + timedelta(days=3)},
            {"stored: whose it is"},
        ),
        ({"time_ms": MS + 3_600_000}, {"stored: time"}),
        ({"ocsf_ms": MS + 1}, {"stored: time"}),
        ({"id": ids.event_id("contoso", "ual", "a", MS - 1)}, {"stored: time"}),
        ({"result": "failure"}, {"stored: result"}),
        ({"status_id": 2}, {"stored: result"}),
        ({"class_uid": 6003}, {"stored: class"}),
        ({"ocsf_class": 6003}, {"stored: class"}),
        ({"operation": "Set-Mailbox"}, {"stored: operation"}),
        ({"actor": "sam@contoso.example"}, {"stored: actor"}),
        ({"actor": None}, {"stored: actor"}),
        ({"actor": "d4"}, set()),
        ({"ip": "2001:db8::b"}, {"stored: address"}),
        ({"ip": None}, {"stored: address"}),
        ({"operation": "new-inboxrule."}, set()),
        ({"expire_at": AT + timedelta(minutes=1)}, {"stored: kept until", "stored: known until"}),
        ({"expire_at": None}, {"stored: kept until", "stored: known until"}),
        ({"forget_at": AT + timedelta(days=10)}, {"stored: kept until"}),
    ],
)
def test_each_false_statement_of_a_stored_event_is_found(changes, kinds) -> None:
    tally = Statements()
    check_stored(replace(STORED, **changes), GROUND_TRUTH, LIFETIME, tally)

    assert false(tally) == kinds
    assert all(statement.about for statement in tally.named)


EVENT_BODY: dict[str, Any] = {
    "time": MS, "status_id": 1, "class_uid": 3004, "raw_data": RAW,
    "metadata": {"uid": "A", "event_code": "New-InboxRule"},
    "actor": {"user": {"name": "Dana", "email_addr": "dana@contoso.example"}},
}  # fmt: skip
HEADERS = {"Aoc-Tenant": "contoso", "Aoc-Source": "o365-exchange", "Aoc-Operation": "New-InboxRule", "Aoc-Version": "1"}
SUBJECT = "aoc.events.contoso.o365-exchange.3004"


class Message:
    def __init__(self, subject=SUBJECT, headers=None, **body) -> None:
        self.subject = subject
        self.headers = HEADERS | (headers or {})
        self.data = orjson.dumps(EVENT_BODY | body)


def metadata(**changed):
    return {"metadata": EVENT_BODY["metadata"] | changed}


@each(
    ("message", "kinds"),
    [
        (Message(), set()),
        (Message("aoc.events.fabrikam.o365-exchange.3004"), {"subject"}),
        (Message("aoc.events.contoso.o365-exchange.6003"), {"subject"}),
        (Message(headers={"Aoc-Tenant": "fabrikam"}), {"headers"}),
        (Message(headers={"Aoc-Operation": "Set-Mailbox"}), {"headers"}),
        (Message(headers={"Aoc-Version": "2"}), {"headers"}),
        (Message(raw_data=RAW[:-1]), {"raw text"}),
        # It would have fitted, and says that it did not.
        (Message(headers={"Aoc-Truncated": "1"}, **metadata(is_truncated=True)), {"raw text"}),
        # The body is another tenant's: its id, too, is stored under that one only.
        (Message(raw_data=f"{RAW} "), {"record", "subject", "headers"}),
        (Message(**metadata(uid="b")), {"record"}),
        (Message(**metadata(event_code="Set-Mailbox")), {"operation"}),
        (Message(time=MS - 3_600_000), {"time"}),
        (Message(status_id=2), {"result"}),
        (Message(class_uid=6003), {"class"}),
        (Message(actor={"user": {"name": "Sam"}}), {"actor"}),
        (Message(enrichments=[{"type": "twin", "data": {"twin_of": "x"}}]), {"twin mark"}),
    ],
)
def test_each_false_statement_of_a_message_is_found(message, kinds) -> None:
    tally = Statements()
    check_published(str(EVENT), None, Bodies().read(message), {str(EVENT): KEY}, GROUND_TRUTH, tally, later=False)

    assert {kind.removeprefix("published: ") for kind in false(tally)} == kinds


@each(("size", "good"), [(400_000, True), (400_008, True), (400_001, False), (100, False)])
def test_a_message_without_its_text_tells_the_size_of_one_in_which_the_record_was_shown(size, good) -> None:
    ground_truth = GroundTruth.of(US, {}, {KEY: fact()._replace(sizes=(100, 400_000, 400_008))})
    message = Message(headers={"Aoc-Truncated": "1"}, raw_data_size=size, **metadata(is_truncated=True))
    tally = Statements()
    check_published(str(EVENT), None, Bodies().read(message), {str(EVENT): KEY}, ground_truth, tally, later=False)

    assert ("published: raw text" not in false(tally)) is good


@each("later", [False, True])
@each("risky", [False, True])
@each("twin", [None, "11111111-1111-8111-8111-111111111111"])
@each("adds", [None, "risk", "version"])
def test_what_a_twin_adds_is_that_it_has_changed_or_tells_a_risk(later, risky, twin, adds) -> None:
    ground_truth = GroundTruth.of(US, {}, {KEY: fact()._replace(risky=(text_digest(RAW),) if risky else ())})
    headers = {"Aoc-Version": "2" if later else "1"} | ({"Aoc-Twin-Adds": adds} if adds else {})
    body = {"enrichments": [{"type": "twin", "data": {"twin_of": twin}}]} if twin else {}
    properties, tally = Bodies().read(Message(headers=headers, **body)), Statements()
    check_published(str(EVENT), twin, properties, {str(EVENT): KEY}, ground_truth, tally, later=later)
    true = None if twin is None else "version" if later else "risk" if risky else None

    assert false(tally) == (set() if adds == true else {"published: what a twin adds"})


def test_a_message_that_is_no_event_is_a_false_statement() -> None:
    tally, message = Statements(), Message()
    message.data = b"[]"
    check_published(str(EVENT), None, Bodies().read(message), {}, GROUND_TRUTH, tally, later=False)

    assert false(tally) == {"published: body"}


def test_a_body_that_the_schema_does_not_know_is_a_false_statement() -> None:
    tally, bodies = Statements(), Bodies()
    bodies.read(Message())
    check_schema(bodies.sample, tally)

    assert false(tally) == {"published: schema"}


ACCOUNT = SourceAccount(
    "contoso", "o365-exchange", since=AT.replace(hour=0), watermark=AT, complete_until=AT, last_success=AT,
    subscribed_at=AT, slices=1, pages=1, records=2, stored=1, duplicate=1, blobs_fetched=1,
    recently=RecentArrivals(last_record=AT),
)  # fmt: skip
COUNTED = Counted({PLACE: 1}, {PLACE: 0}, {PLACE: MS}, {PLACE: {MS // 3_600_000}})
BOUNDS = Bounds(AT + HOUR, calm=True, excused={}, texts={}, pages={PLACE: 1}, changed={PLACE: 0})


def gap(cause: GapCause, items: int | None = 1) -> Gap:
    return Gap(cause, AT, AT, closable=False, items=items)


@each(
    ("changes", "kind"),
    [
        ({}, None),
        ({"changed": 1}, "numbers"),
        ({"records": 4}, "numbers"),
        ({"records": 0}, "numbers"),
        ({"pages": 2}, "numbers"),
        ({"duplicate": 9}, "numbers"),
        ({"quarantined": 1}, "numbers"),
        ({"dead_letters": 1}, "numbers"),
        ({"not_understood": 1}, "numbers"),
        ({"undated": 1}, "numbers"),
        ({"slices": 0}, "numbers"),
        ({"blobs_fetched": 2}, "numbers"),
        ({"blobs_fetched": 0}, "numbers"),
        ({"blobs_waiting": 1}, "numbers"),
        ({"first_expiry": AT}, "numbers"),
        ({"subscribed_at": None}, "times"),
        ({"last_success": AT - HOUR}, "times"),
        ({"last_error_at": AT + 2 * HOUR}, "times"),
        ({"since": AT + timedelta(days=1)}, "times"),
        ({"recently": RecentArrivals(last_record=AT - HOUR)}, "newest record"),
        ({"recently": RecentArrivals(last_record=AT, silent_hour=AT)}, "silence"),
        ({"gaps": (gap(GapCause.EXPIRED),)}, "gaps"),
        ({"gaps": (gap(GapCause.LOST),)}, "gaps"),
        ({"gaps": (gap(GapCause.WAITING),)}, "gaps"),
        ({"gaps": (gap(GapCause.BEHIND),)}, "gaps"),
        ({"gaps": (gap(GapCause.DEAD_LETTER),)}, "gaps"),
    ],
)
def test_each_false_number_of_an_account_is_found(changes, kind) -> None:
    tally = Statements()
    check_numbers({PLACE: replace(ACCOUNT, **changes)}, GROUND_TRUTH, COUNTED, BOUNDS, tally)

    assert false(tally) == ({f"account: {kind}"} if kind else set())


@each(
    ("gaps", "good"),
    [
        ((gap(GapCause.EXPIRED, 2),), True),
        ((), False),
        ((gap(GapCause.EXPIRED, 1),), False),
        ((replace(gap(GapCause.EXPIRED, 2), start=AT - HOUR),), False),
    ],
)
def test_what_expired_must_be_a_gap_of_that_size_and_time(gaps, good) -> None:
    ground_truth = GroundTruth.of(US - 1, {PLACE: replace(SOURCE, blobs_expired_us=(US, US))}, {KEY: fact()})
    tally = Statements()
    check_numbers({PLACE: replace(ACCOUNT, gaps=gaps, dead_letters=2)}, ground_truth, COUNTED, BOUNDS, tally)

    assert false(tally) == (set() if good else {"account: gaps"})


def test_each_blob_that_expired_is_a_dead_letter() -> None:
    ground_truth = GroundTruth.of(US - 1, {PLACE: replace(SOURCE, blobs_expired_us=(US, US))}, {KEY: fact()})
    properties = replace(ACCOUNT, gaps=(gap(GapCause.EXPIRED, 2), gap(GapCause.DEAD_LETTER, 1)), dead_letters=1)
    tally = Statements()
    check_numbers({PLACE: properties}, ground_truth, COUNTED, BOUNDS, tally)

    assert false(tally) == {"account: numbers"}


def test_a_blob_without_an_address_is_a_dead_letter_although_its_records_came_in_another() -> None:
    ground_truth = GroundTruth.of(US - 1, {PLACE: replace(SOURCE, blobs_unfetchable=1)}, {KEY: fact()})
    properties = replace(ACCOUNT, gaps=(gap(GapCause.DEAD_LETTER, 1),), dead_letters=1)
    tally = Statements()
    check_numbers({PLACE: properties}, ground_truth, COUNTED, BOUNDS, tally)

    assert false(tally) == set()


@pytest.mark.parametrize(("off", "kinds"), [(timedelta(), {"account: times"}), (timedelta(days=4), set())])
def test_where_a_collection_begins_is_as_exact_as_the_clocks_were(off, kinds) -> None:
    tally = Statements()
    properties = replace(ACCOUNT, since=ACCOUNT.since - timedelta(days=3))
    check_numbers({PLACE: properties}, GROUND_TRUTH, COUNTED, replace(BOUNDS, off=off), tally)

    assert false(tally) == kinds


def test_each_text_of_a_record_that_cannot_be_carried_is_given_up_for_itself() -> None:
    properties = replace(ACCOUNT, gaps=(gap(GapCause.DEAD_LETTER, 2),), dead_letters=2, dead_lettered=2)
    false_counts = []
    for texts in (2, 1):
        tally = Statements()
        bounds = replace(BOUNDS, excused={PLACE: 1}, texts={PLACE: texts})
        check_numbers({PLACE: properties}, GROUND_TRUTH, COUNTED, bounds, tally)
        false_counts.append(false(tally))

    assert false_counts == [set(), {"account: numbers"}]


def test_a_source_without_an_account_is_a_false_statement() -> None:
    tally = Statements()
    check_numbers({}, GROUND_TRUTH, COUNTED, BOUNDS, tally)

    assert false(tally) == {"account: sources"}


def claimed(
    until: datetime,
    at: datetime,
    *,
    stored_at: datetime = AT,
    watermark: datetime | None = None,
    of: GroundTruth = GROUND_TRUTH,
) -> set[str]:
    claims, tally = CompletenessClaims(), Statements()
    claims.note(at, [replace(ACCOUNT, complete_until=until, watermark=watermark or until)])
    claims.check(of, {KEY: ids.to_ms(stored_at)}, tally)
    return false(tally)


MINUTE = timedelta(minutes=1)


def test_a_claim_holds_until_the_end_of_what_was_delivered() -> None:
    assert claimed(AT + MINUTE, AT + 2 * MINUTE) == set()
    assert claimed(AT + MINUTE, AT + 2 * MINUTE, watermark=AT + HOUR) == {"account: watermark"}
    assert claimed(AT + 2 * MINUTE, AT + HOUR) == {"account: complete until", "account: watermark"}


def test_to_name_where_a_collection_begins_claims_nothing() -> None:
    begin = AT - HOUR

    assert claimed(begin, begin, stored_at=AT + HOUR) == set()
    assert claimed(begin + 2 * HOUR, begin) == {"account: complete until", "account: watermark"}


def test_to_name_where_a_collection_begins_claims_nothing_before_its_first_list_either() -> None:
    begin = AT - timedelta(days=1)
    # None came; or one did an hour later, and was of all times.
    for deliveries in ((), ((US + 3_600_000_000, 0, US),)):
        of = GroundTruth.of(US, {PLACE: replace(SOURCE, deliveries=deliveries)}, {})
        assert claimed(begin, AT, of=of) == set()
        assert claimed(begin + MINUTE, AT, of=of) == {"account: complete until", "account: watermark"}


def test_a_claim_of_what_was_delivered_only_later_is_false() -> None:
    assert claimed(AT + MINUTE / 2, AT + MINUTE / 2) == {"account: complete until", "account: watermark"}


def test_a_claim_ahead_of_what_is_stored_is_false_and_one_ahead_of_the_watermark_too() -> None:
    late = AT + HOUR

    assert claimed(AT + MINUTE / 2, AT + MINUTE, stored_at=late) == {"account: complete until"}
    assert claimed(AT - MINUTE, AT + MINUTE, stored_at=late) == set()
    assert claimed(AT, AT + MINUTE, watermark=AT - MINUTE) == {"account: complete until"}


FIRST, SECOND = UUID(int=1), UUID(int=2)
TWINS = {
    FIRST: StoredRecord(FIRST, "contoso", "graph-signins", "g", "x", None, SECOND),
    SECOND: StoredRecord(SECOND, "contoso", "o365-azuread", "u", "x", FIRST, None),
}
NAMES = {str(FIRST): ("contoso", "graph-signins", "g"), str(SECOND): ("contoso", "o365-azuread", "u")}


def false_kinds(published=None, results=("success", "success"), **changed):
    stored = [
        replace(record, **changed.get(name, {}))
        for name, record in zip(("first", "second"), TWINS.values(), strict=True)
    ]
    facts = {key: fact(result=result) for key, result in zip(NAMES.values(), results, strict=True)}
    tally = Statements()
    sent = {str(FIRST): None, str(SECOND): str(FIRST)} if published is None else published
    check_second_events(stored, sent, NAMES, GroundTruth.of(0, {}, facts), tally)
    return false(tally)


def test_every_second_has_a_first_that_stands_for_itself() -> None:
    expected = {"twins: the first stands"}

    assert false_kinds() == set()
    assert false_kinds(second={"twin_of": UUID(int=9)}) == expected | {"twins: the second is there"}
    assert false_kinds(second={"twin_of": None}) == {"twins: the second is there"}
    assert false_kinds(first={"twin": UUID(int=9)}) == expected | {"twins: the second is there"}
    assert false_kinds(first={"twin": None}) == expected
    assert false_kinds(first={"twin_of": SECOND}, second={"twin": FIRST}) == expected
    assert false_kinds(published={str(SECOND): str(FIRST)}) == expected
    assert false_kinds(published={str(FIRST): str(SECOND), str(SECOND): str(FIRST)}) == expected


def test_a_success_is_never_told_by_a_failure_or_by_another_tenant() -> None:
    assert false_kinds(results=("failure", "success")) == {"twins: one result"}
    assert false_kinds(second={"tenant": "fabrikam"}) == {"twins: one tenant"}


def test_every_false_statement_is_counted_and_a_few_of_each_kind_are_named() -> None:
    tally = Statements()
    for number in range(1000):
        tally.compare("one", f"record {number}", "x" * 10_000, "y")
        tally.compare("other", f"record {number}", number, number)
    properties = tally.as_dict()

    assert (properties["false"], tally.count) == (1000, 1000)
    assert properties["kinds"] == {"one": {"compared": 1000, "false": 1000}, "other": {"compared": 1000, "false": 0}}
    assert len(properties["named"]) == 20
    assert properties["named"][0]["about"] == "record 0"
    assert max(len(statement["said"]) for statement in properties["named"]) < 300
