"""Events that arrive are matched as stored ones are found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from aoc_common.contracts.event import Event
from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.query.grammar import parse
from aoc_common.contracts.query.matching import Facts, facts_of, matches
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

RULE = {
    "Id": "00000000-0000-4000-8000-000000000001",
    "CreationTime": "2026-11-23T08:00:00",
    "RecordType": 1,
    "Operation": "New-InboxRule",
    "Workload": "Exchange",
    "UserId": "Mara.Holland@contoso.example",
    "ClientIP": "203.0.113.9:4711",
    "ResultStatus": "True",
    "Parameters": [{"Name": "Name", "Value": "Ledger"}, {"Name": "SubjectContainsWords", "Value": "wire;payroll"}],
}
FAILED_SIGN_IN = {
    "id": "00000000-0000-4000-8000-000000000002",
    "createdDateTime": "2026-11-23T08:00:00Z",
    "userDisplayName": "Noel Ek",
    "userPrincipalName": "noel@contoso.example",
    "userId": "00000000-0000-4000-8000-00000000000a",
    "appDisplayName": "Microsoft Teams",
    "ipAddress": "2001:db8::7",
    "correlationId": "00000000-0000-4000-8000-00000000000c",
    "sessionId": "00000000-0000-4000-8000-00000000000e",
    "status": {"errorCode": 50126, "failureReason": "Invalid username or password."},
}


def event_of(record: dict[str, Any]) -> Event:
    made = normalise(
        orjson.dumps(record), RecordContext("contoso", "o365-exchange", datetime(2026, 11, 23, tzinfo=UTC))
    )
    assert isinstance(made, Event)
    return made


def message_of(record: dict[str, Any]) -> EventMessage:
    event = event_of(record)
    body = event.message()
    return EventMessage(
        event.id, "contoso", "o365-exchange", event.class_uid, event.operation, 1, None, None, None, body
    )


@each(
    ("query", "of_rule", "of_sign_in"),
    [
        ("mara", True, False),
        ("holl*", True, False),
        ("payroll", True, False),
        ("created", True, False),
        ("wrong password", False, True),
        ("failed", False, True),
        ("50126", False, True),
        ('"inbox rule"', True, False),
        ('"rule inbox"', False, False),
        ("203.0.113.0/24", True, False),
        ("ip:2001:db8::/32", False, True),
        ("ip:203.0.113.9,2001:db8::7", True, True),
        ("actor:mara.holland@contoso.example", True, False),
        ("actor:mara.holland", True, False),
        ('actor:"noel ek"', False, True),
        ("actor:noel", False, True),
        ("actor:no*", False, True),
        ("actor:00000000-0000-4000-8000-00000000000a", False, True),
        ("operation:new-INBOXRULE", True, False),
        ("op:new-*", True, False),
        ("service:exchange", True, False),
        ("service:exchange,entra", True, True),
        ("source:o365-*", True, True),
        ("result:failed", False, True),
        ("-result:failure contoso", True, False),
        ("correlation:00000000-0000-4000-8000-00000000000c", False, True),
        ("target:00000000-0000-4000-8000-00000000000a", False, True),
        ("target:noel@contoso.example", False, True),
        ("target:noel", False, True),
        ("target:mara", False, False),
        ("session:00000000-0000-4000-8000-00000000000e", False, True),
        ("-session:00000000-0000-4000-8000-00000000000e contoso", True, False),
        ("mara OR noel", True, True),
        ("-mara -noel", False, False),
        ("raw:payroll", True, False),
        ("raw:userPrincipalName", False, True),
        ("", True, True),
    ],
)
def test_an_event_matches_what_it_is_asked_for(query: str, of_rule: bool, of_sign_in: bool) -> None:
    found = [matches(parse(query), facts_of(message_of(record))) for record in (RULE, FAILED_SIGN_IN)]

    assert found == [of_rule, of_sign_in]


@pytest.mark.parametrize("record", [RULE, FAILED_SIGN_IN])
def test_every_term_of_an_event_is_among_the_words_of_its_message(record: dict[str, Any]) -> None:
    assert set(event_of(record).terms) <= facts_of(message_of(record)).terms


@each("body", [{}, {"actor": None}, {"actor": {"user": 7}}, {"observables": 1, "metadata": []}, {"status_id": []}])
def test_a_message_of_any_shape_has_facts(body: dict[str, Any]) -> None:
    message = EventMessage(UUID(int=1), "contoso", "s", 1, "", 1, None, None, None, orjson.dumps(body))

    assert facts_of(message).texts["result"] == ("unknown",)


def test_all_clauses_and_one_value_of_each_must_match() -> None:
    facts = Facts(frozenset({"a1", "b1"}))

    assert matches(parse("a1 b1"), facts)
    assert not matches(parse("a1 c1"), facts)
    assert matches(parse("a1 OR c1"), facts)
