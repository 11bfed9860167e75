"""What the message of a second event says of the first."""

from __future__ import annotations

import json
from uuid import UUID

from aoc_common.contracts.twins import ADDS, HEADER, marked, twin_of
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from both_lanes import AUDIT, CHANGE, LOGON, NOW, SIGN_IN
from each import each


def test_a_message_is_asked_whose_twin_it_is() -> None:
    first = UUID(int=5)

    assert twin_of({HEADER: str(first)}) == first
    assert twin_of({HEADER: "nonsense"}) is None
    assert twin_of({}) is twin_of(None) is None


def test_the_body_of_a_second_event_says_so_beside_what_else_is_known() -> None:
    body = json.dumps({"metadata": {"uid": "r"}, "enrichments": [{"name": "x", "value": "y", "data": {}}]}).encode()
    added = json.loads(marked(body, UUID(int=5))[0])["enrichments"]

    assert [one["name"] for one in added] == ["x", "metadata.uid"]
    assert added[1] == {
        "name": "metadata.uid",
        "value": "r",
        "type": "twin",
        "data": {"twin_of": "00000000-0000-0000-0000-000000000005"},
    }


@each("record", [AUDIT, CHANGE, SIGN_IN, LOGON], ids=["audit", "change", "sign-in", "logon"])
def test_a_second_event_is_valid_ocsf(record, schema_faults) -> None:
    event = normalise(json.dumps(record).encode(), RecordContext("contoso", "any", NOW))

    assert schema_faults(json.loads(marked(event.message(), UUID(int=5))[0])) == []


def test_a_second_event_that_says_what_the_first_never_does_is_passed_over_by_nobody() -> None:
    first = UUID(int=5)
    risky = SIGN_IN | {"status": {"errorCode": 0}, "riskState": "atRisk", "riskLevelDuringSignIn": "high"}
    plain, risk = (
        normalise(json.dumps(one).encode(), RecordContext("contoso", "any", NOW)) for one in (SIGN_IN, risky)
    )

    assert twin_of(marked(plain.message(), first)[1]) == first
    assert marked(risk.message(), first)[1] == {HEADER: str(first), ADDS: "risk"}
    assert marked(plain.message(), first, later=True)[1] == {HEADER: str(first), ADDS: "version"}
    assert twin_of(marked(risk.message(), first)[1]) is None
    assert twin_of(marked(plain.message(), first, later=True)[1]) is None
