"""What a consumer reads in a message of AOC_EVENTS, and what it is told of one that it cannot read."""

from __future__ import annotations

from uuid import UUID

import pytest

from aoc_common.contracts import twins
from aoc_common.contracts.event import PackedEvent, Version
from aoc_common.contracts.event_message import EventMessage
from aoc_common.errors import Malformed
from each import each

ID, FIRST = UUID(int=5), UUID(int=9)
SUBJECT = "aoc.events.contoso.graph-signins.3002"
HEADERS = {
    "Nats-Msg-Id": str(ID),
    "Aoc-Version": "1",
    "Aoc-Tenant": "contoso",
    "Aoc-Source": "graph-signins",
    "Aoc-Operation": "UserLoggedIn",
}
BODY = b'{"metadata":{"uid":"r1"},"class_uid":3002}'
DIGEST = "0f" * 16


def packed(operation: str = "UserLoggedIn") -> PackedEvent:
    return PackedEvent(ID, "contoso", "graph-signins", 7, 3002, operation, document=b"", body=BODY, position=0, text="")


@each("version", [None, Version(3, DIGEST)])
@each("first", [None, FIRST])
def test_what_the_normalizer_makes_is_what_a_consumer_reads(version, first) -> None:
    made = EventMessage.of(packed(), version, first, 12)
    read = EventMessage.from_message(made.subject, made.headers(), made.body, 12)

    assert read == made
    assert read.key == (ID, 3 if version else 1)
    assert read.message_id == (f"{ID}:{DIGEST}" if version else str(ID))


def test_a_first_version_has_these_headers_and_no_others() -> None:
    assert EventMessage.of(packed(), None, None).headers() == HEADERS


def test_an_operation_that_no_header_can_hold_is_whole_in_the_body_only() -> None:
    made = EventMessage.of(packed("Löschen\n" + "x" * 300), None, None)

    assert EventMessage.from_message(made.subject, made.headers(), BODY).operation == "L?schen?" + "x" * 192


def test_a_second_event_stands_for_itself_only_where_it_adds_something() -> None:
    second = HEADERS | {twins.HEADER: str(FIRST)}
    adds = second | {twins.ADDS: "risk"}
    alone = [EventMessage.from_message(SUBJECT, one, BODY).stands_alone for one in (HEADERS, second, adds)]

    assert alone == [True, False, True]
    for one in (HEADERS, second, adds):
        assert EventMessage.from_message(SUBJECT, one, BODY).stands_alone is (twins.twin_of(one) is None)


def test_a_twin_that_is_no_id_is_none_of_ours() -> None:
    assert EventMessage.from_message(SUBJECT, HEADERS | {twins.HEADER: "x"}, BODY).twin_of is None


def test_a_shortened_body_says_so() -> None:
    assert EventMessage.from_message(SUBJECT, HEADERS | {"Aoc-Truncated": "1"}, BODY).truncated is True


def test_a_message_of_before_there_were_versions_is_the_first() -> None:
    headers = {name: value for name, value in HEADERS.items() if name == "Nats-Msg-Id"}
    message = EventMessage.from_message(SUBJECT, headers, BODY)

    assert (message.version, message.operation, message.tenant) == (1, "", "contoso")


@each(
    ("subject", "changes", "wrong"),
    [
        ("aoc.events.contoso.graph-signins", {}, "expected aoc.events.{tenant}.{source}.{class_uid}"),
        ("aoc.events.Contoso.graph-signins.3002", {}, "expected aoc.events.{tenant}.{source}.{class_uid}"),
        ("aoc.events.contoso.graph-signins.x", {}, "expected aoc.events.{tenant}.{source}.{class_uid}"),
        ("aoc.marks.p.0", {}, "expected aoc.events.{tenant}.{source}.{class_uid}"),
        (SUBJECT, {"Aoc-Tenant": "fabrikam"}, "header Aoc-Tenant is 'fabrikam', the subject says 'contoso'"),
        (SUBJECT, {"Aoc-Source": "import"}, "header Aoc-Source is 'import', the subject says 'graph-signins'"),
        (SUBJECT, {"Nats-Msg-Id": None}, "header Nats-Msg-Id is missing"),
        (SUBJECT, {"Nats-Msg-Id": "7"}, "header Nats-Msg-Id is '7': expected an event's id (a UUID)"),
        (SUBJECT, {"Nats-Msg-Id": f"{ID}:"}, f"header Nats-Msg-Id is '{ID}:': expected an id, or id:digest"),
        (SUBJECT, {"Aoc-Version": "2"}, "header Aoc-Version is '2': expected 1"),
        (SUBJECT, {"Aoc-Version": "-1"}, "header Aoc-Version is '-1': expected 1"),
        (SUBJECT, {"Aoc-Version": "²"}, "header Aoc-Version is '²': expected 1"),
        (
            SUBJECT,
            {"Nats-Msg-Id": f"{ID}:{DIGEST}"},
            "header Aoc-Version is '1': expected 2 or more, since the message id names a version",
        ),
    ],
)
def test_a_message_that_cannot_be_read_is_named_with_its_place(subject, changes, wrong) -> None:
    headers = {name: value for name, value in (HEADERS | changes).items() if value is not None}

    with pytest.raises(Malformed) as raised:
        EventMessage.from_message(subject, headers, BODY, 4711)

    assert str(raised.value) == f"{subject!r}, sequence 4711: {wrong}"


def test_a_subject_of_any_length_is_shown_short() -> None:
    with pytest.raises(Malformed) as raised:
        EventMessage.from_message("x" * 10_000, {}, b"")

    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(("body", "wrong"), [(b"{", "the body is no JSON: "), (b"[]", "the body is no JSON object")])
def test_a_body_is_parsed_when_somebody_asks_and_named_when_it_cannot(body, wrong) -> None:
    message = EventMessage.from_message(SUBJECT, HEADERS, body, 4711)

    with pytest.raises(Malformed) as raised:
        _ = message.event

    assert str(raised.value).startswith(f"{SUBJECT!r}, sequence 4711: {wrong}")


def test_a_body_is_parsed_once() -> None:
    message = EventMessage.from_message(SUBJECT, HEADERS, BODY)

    assert message.event is message.event


@each("service", ["exchange", "ünified log", "a%20b", ""])
@each("understood", [True, False])
def test_a_message_says_its_service_and_whether_it_was_understood(service, understood) -> None:
    made = EventMessage(
        UUID(int=1), "contoso", "s", 1, "a", 1, None, None, None, b"{}", service=service, understood=understood
    )
    headers = made.headers()

    assert all(value.isascii() for value in headers.values())
    assert EventMessage.from_message(made.subject, headers, made.body) == made
