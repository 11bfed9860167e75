"""Events are found by values that no mapper reads, where the field's name says that they name something."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.contracts import terms
from aoc_common.contracts.event import Event
from aoc_normalizer import bounds
from aoc_normalizer.fields import identifying
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from making import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
MAIL = {
    "Subject": "Overdue étiquette",
    "Recipient": "kim.vale@contoso.example",
    "P2SenderDisplayName": "Ledger Desk",
    "SenderIP": "203.0.113.77",
    "InternetMessageId": "<a1b2c3d4e5f6a7b8c9d0e1f2@mail.example>",
    "Urls": ["https://quokka.example/pay"],
    "ClusterByValue": "wombat;1;1",
    "Description": "For malicious mail, you can move to junk.",
}


def unified(**more: Any) -> dict[str, Any]:
    return {
        "Id": "00000000-0000-4000-8000-000000000001",
        "CreationTime": "2026-11-23T08:00:00",
        "Operation": "AirInvestigationData",
        "RecordType": 64,
        "Workload": "AirInvestigation",
        "OrganizationId": "00000000-0000-4000-8000-0000000000aa",
        "UserId": "AirInvestigation",
        **more,
    }


def hunted(**more: Any) -> dict[str, Any]:
    return {
        "category": "AdvancedHunting-DeviceProcessEvents",
        "time": "2026-11-23T08:00:00Z",
        "tenantId": "00000000-0000-4000-8000-0000000000aa",
        "properties": {"Timestamp": "2026-11-23T08:00:00Z", "ReportId": 7, "ActionType": "ProcessCreated", **more},
    }


def found_by(record: Mapping[str, Any]) -> set[str]:
    event = normalise(json.dumps(record).encode(), CONTEXT)
    assert isinstance(event, Event)
    return set(event.terms)


def asked(*texts: str) -> set[str]:
    return {term for text in texts for term in terms.query_terms(text)}


@pytest.mark.parametrize(
    "record",
    [
        unified(Data=json.dumps({"Entities": [MAIL]})),
        unified(Actions=[{"Entities": [json.dumps(MAIL)]}, {"Entities": [MAIL]}]),
        unified(SomethingNew={"deep": [{"deeper": MAIL}]}),
    ],
    ids=["JSON in a text", "lists in lists", "of tomorrow"],
)
def test_what_an_entity_is_called_finds_its_event_wherever_it_stands(record: dict[str, Any]) -> None:
    terms_of = found_by(record)

    wanted = (
        "étiquette",
        "kim.vale@contoso.example",
        "ledger desk",
        "203.0.113.77",
        MAIL["InternetMessageId"],
        "quokka",
    )
    assert asked(*wanted) <= terms_of
    assert asked("wombat", "malicious", "junk").isdisjoint(terms_of)


def test_a_process_is_found_by_its_command_file_and_hash() -> None:
    terms_of = found_by(
        hunted(
            ProcessCommandLine="certutil -urlcache quokka.bin",
            InitiatingProcessFolderPath=r"C:\Users\kim\wombat.exe",
            InitiatingProcessSHA1="da39a3ee5e6b4b0d3255bfef95601890afd80709",
            InitiatingProcessVersionInfoOriginalFileName="numbat.exe",
            AdditionalFields=json.dumps(
                {"Target": {"HostName": "con-lt-7", "IpInterfaces": [{"Address": "10.9.8.7"}]}}
            ),
        )
    )

    hash_ = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"
    assert asked("certutil", "quokka", "wombat.exe", hash_, "con-lt-7", "10.9.8.7") <= terms_of
    assert asked("users", "numbat").isdisjoint(terms_of)  # the way to a file, and what a program says of itself


def test_what_is_the_same_in_thousands_of_records_is_none_of_it() -> None:
    named = identifying.named(
        {
            "OrganizationName": "contoso.example",
            "HomeTenantDisplayName": "Contoso",
            "alertWebUrl": "https://security.microsoft.com/alerts/1",
            "ServerVersion": "15.20.1.1",
            "Parameters": [{"Name": "Identity", "Value": "x"}],
            "ListId": "00000000-0000-4000-8000-0000000000ab",
        }
    )

    assert list(named) == []


def test_what_is_prose_of_the_record_itself_counts_last() -> None:
    named = identifying.named(
        {"description": "A quokka", "entities": [{"description": "of all", "fileName": "w.bin"}], "hostName": "h1"}
    )

    assert list(named) == [("words", "h1"), ("words", "w.bin"), ("prose", "A quokka")]


def test_a_record_without_end_costs_little() -> None:
    deep: dict[str, Any] = {"fileName": "deep.bin"}
    for _ in range(20_000):
        deep = {"inner": deep}
    wide = {"items": [{"fileName": f"f{number}.bin"} for number in range(20_000)]}

    assert identifying.named(deep) == []
    assert len(identifying.named(wide)) == 100
    assert identifying.named({"fileName": ["x" * 9_000]}) == [("words", "x" * 1024)]
    assert identifying.named({"Data": "[" * 9_000, "More": "{", "Numbers": "[1, 2]", "fileName": 7}) == []


def test_ids_are_not_cut_for_words() -> None:
    words = [{"Name": f"P{n}", "Value": f"word{n} other{n}"} for n in range(60)]
    record = unified(Operation="Set-Mailbox", Workload="Exchange", RecordType=1, Parameters=words, SessionId="s1")
    terms_of = found_by(record)

    assert len(terms_of) >= bounds.TERMS
    assert record["Id"] in terms_of


def test_what_an_envelope_names_otherwise_than_its_record_finds_the_event() -> None:
    inside, outside = "00000000-0000-4000-8000-00000000000c", "00000000-0000-4000-8000-00000000000d"
    record = {
        "category": "AuditLogs",
        "time": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "operationName": "Update user",
        "correlationId": outside,
        "identity": "Mara Holland",
        "properties": {
            "id": "Directory_1",
            "activityDateTime": "2026-11-23T07:30:00Z",
            "activityDisplayName": "Update user",
            "category": "UserManagement",
            "result": "success",
            "correlationId": inside,
            "initiatedBy": {"user": {"userPrincipalName": "m.h@contoso.example"}},
            "targetResources": [],
        },
    }

    assert asked(inside, outside, "mara holland") <= found_by(record)
    see_inside = record | {"identity": "See Actor details in properties"}
    assert asked("details", "properties").isdisjoint(found_by(see_inside))
