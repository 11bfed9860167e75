"""Records in wrappers and of the rarer kinds, with odd values in odd places: what `test_hostile` does for samples."""

from __future__ import annotations

import copy
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import bson
import orjson
import pytest
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aoc_common.contracts.event import Event, header_safe
from aoc_common.store.mongo.events import to_document
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from each import each

if TYPE_CHECKING:
    from collections.abc import Iterator

CODEC = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)
CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
AT = "2026-11-23T07:30:00Z"
WHO = {"userPrincipalName": "dana@contoso.example", "userId": "u-dana", "userDisplayName": "Dana Reyes"}
PLACE = {"city": "Lisbon", "geoCoordinates": {"latitude": 38.7, "longitude": -9.1}}
SIGN_IN = WHO | {"id": "s-1", "createdDateTime": AT, "appId": "a-1", "status": {"errorCode": 0}, "location": PLACE}
UAL = {
    "Id": "q-1",
    "CreationTime": AT,
    "Operation": "UserLoggedIn",
    "RecordType": 15,
    "Workload": "AzureActiveDirectory",
    "UserId": "dana@contoso.example",
    "ErrorNumber": "0",
    "Actor": [{"ID": "dana@contoso.example", "Type": 5}],
    "Target": [{"ID": "t-1", "Type": 0}],
}
RULE = {
    "Operation": "New-InboxRule",
    "Workload": "Exchange",
    "Parameters": [{"Name": "Name", "Value": "x"}, {"Name": "ForwardTo", "Value": "x@mail.example"}],
}
ENVELOPE = {"time": AT, "category": "Logs", "operationName": "Do it", "resultType": "0", "identity": "Dana"}
INTUNE = {"AuditEventId": "i-1", "ActivityDate": AT, "Actor": {"UPN": "d@x", "Name": "D"}, "Targets": [{"Name": "L"}]}
KINDS: dict[str, dict[str, Any]] = {
    "row with an object": {"AuditData": UAL | RULE, "CreationDate": AT},
    "search result": {"id": "q-1", "auditData": UAL, "userId": "k-1"},
    "unified sign-in": UAL,
    "cmdlet": UAL | RULE,
    "diagnostic sign-in": ENVELOPE | {"properties": SIGN_IN},
    "diagnostic of Intune": ENVELOPE | {"properties": INTUNE},
    "sign-in": SIGN_IN,
    "risk": WHO | {"id": "r-1", "riskLevel": "high", "riskState": "atRisk", "activityDateTime": AT, "location": PLACE},
    "trace": {"MessageTraceId": "m", "SenderAddress": "a@x", "RecipientAddress": "b@x", "Received": AT, "Subject": "s"},
}
ODD: Any = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        2**64 - 1,
        -(2**63),
        "",
        "<null>",
        "none",
        "[",
        '{"a":',
        '["x"]',
        '{"UPN":{"a":1}}',
        "\x00",
        "a\x00b\n",
        "a\u2028b",
        "\u202e",
        "x" * 5000,
        "@",
        "User_",
        "²",
        "0001-01-01T00:00:00",
        "-a " * 99,
        "\\[" * 9,
        "[" * 300 + "]" * 300,
        [],
        {},
        [None],
        ["x"],
        [[]],
        [{}],
        {"ID": [], "Type": {}},
        {"latitude": True},
        [{"Name": {"a": 1}, "Value": [[[]]]}],
        {"user": {"id": [1]}, "app": "x"},
        [{"ID": "x", "Type": []}],
    ]
) | st.text(max_size=30)


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*above, key)
        yield from places(item, (*above, key))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_odd_values_in_odd_places_leave_a_valid_event(ocsf_faults, kind, data):
    record = copy.deepcopy(KINDS[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(list(places(record))))
        place = record
        for step in way:
            place = place[step]
        place[last] = copy.deepcopy(data.draw(ODD))
    made = normalise(orjson.dumps(record), CONTEXT)

    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags, made.unmapped
    assert ocsf_faults(made) == []
    assert bson.encode(to_document(made, 1, CONTEXT.fetched_at, timedelta(days=1)), codec_options=CODEC)
    assert 0 <= made.time_ms < 2**48
    assert not {unicodedata.category(c) for c in made.ocsf["message"]} & {"Cc", "Zl", "Zp"}
    assert len(made.ocsf["message"]) < 4200
    assert len(made.terms) <= 48
    assert len(made.actor or "") <= 256
    assert all(" " <= c <= "~" for c in header_safe(made.operation))


@each("kind", KINDS)
def test_every_kind_has_a_mapper_of_its_own(kind):
    made = normalise(orjson.dumps(KINDS[kind]), CONTEXT)

    assert isinstance(made, Event)
    assert made.mapper != "generic"
    assert made.actor
