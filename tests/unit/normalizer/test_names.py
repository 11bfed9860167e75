"""Names for ids, places for addresses, and what else is known beyond the record."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from aoc_common.contracts.directory import Entity
from aoc_common.contracts.event import Event
from aoc_normalizer.enrich.identify import keys
from aoc_normalizer.enrich.lookup import NO_ENRICHMENT, EnrichmentData, Place
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import Reading, RecordContext, read
from remembering import always, by_key

CONTEXT = RecordContext("contoso", "graph-directory-audits", datetime(2026, 11, 23, 8, tzinfo=UTC))
DANA, SAM, LEADS, ROBOT = (f"0000000{n}-aaaa-4bbb-8ccc-000000000000" for n in range(1, 5))
ADMIN_ROLE = "62e90394-69f5-4237-9190-012177145e10"
ENTITIES = (
    Entity(DANA, "user", "Dana Reyes", "dana@contoso.example", enabled=True, guest=False, department="IT",
           roles=("Global Administrator",), privileged=True),
    Entity(SAM, "user", "Sam Ortiz", "sam_ext@contoso.example", enabled=False, guest=True),
    Entity(LEADS, "group", "Finance Leads"),
    Entity(ROBOT, "service principal", "Night Robot", app_id="0000000a-aaaa-4bbb-8ccc-000000000000"),
)  # fmt: skip
KNOWN = EnrichmentData(
    by_key(*map(always, ENTITIES)),
    {"203.0.113.9": Place({"city": "Lisbon", "country": "PT"}, {"number": 64500, "name": "Example Net"})}.get,
)


def audit(by: dict[str, object], *targets: dict[str, object]) -> bytes:
    return orjson.dumps(
        {
            "id": "d-1",
            "activityDisplayName": "Add member to group",
            "activityDateTime": "2026-11-23T07:30:00Z",
            "result": "success",
            "initiatedBy": {"user": by},
            "targetResources": list(targets),
        }
    )


def event(raw: bytes, known: EnrichmentData = KNOWN) -> Event:
    made = normalise(raw, CONTEXT, known)
    assert isinstance(made, Event)
    assert "mapper-error" not in made.tags
    return made


def test_ids_of_actor_and_targets_become_names_in_sentence_facets_and_search(ocsf_faults) -> None:
    made = event(audit({"id": DANA.upper()}, {"id": SAM, "type": "User"}, {"id": LEADS, "type": "Group"}))

    assert ocsf_faults(made) == []
    assert made.ocsf["message"] == "Dana Reyes added Sam Ortiz to group Finance Leads"
    assert made.actor == "dana@contoso.example"
    assert {"dana", "reyes", "ortiz", "finance"} <= set(made.terms)
    assert made.ocsf["actor"]["user"] == {
        "type_id": 2,
        "type": "Admin",
        "email_addr": "dana@contoso.example",
        "name": "Dana Reyes",
        "uid": DANA.upper(),
    }
    assert made.unnamed == ()


def test_an_event_says_what_alerts_ask_of_a_user() -> None:
    made = event(audit({"userPrincipalName": "Dana@contoso.example"}, {"id": SAM, "type": "User"}))

    assert [(fact["name"], fact["value"], fact["data"]) for fact in made.ocsf["enrichments"]] == [
        (
            "actor.user",
            "dana@contoso.example",
            {
                "uid": DANA,
                "kind": "user",
                "name": "Dana Reyes",
                "upn": "dana@contoso.example",
                "known": "at the time",
                "by": "user name",
                "privileged": True,
                "roles": ["Global Administrator"],
                "guest": False,
                "enabled": True,
                "service_account": False,
                "department": "IT",
            },
        ),
        (
            "target",
            "sam_ext@contoso.example",
            {
                "uid": SAM,
                "kind": "user",
                "name": "Sam Ortiz",
                "upn": "sam_ext@contoso.example",
                "known": "at the time",
                "privileged": False,
                "roles": [],
                "guest": True,
                "enabled": False,
                "service_account": False,
            },
        ),
    ]


def test_an_id_that_nobody_knows_stays_an_id_and_is_remembered() -> None:
    made = event(audit({"id": DANA}, {"id": SAM, "type": "User"}), NO_ENRICHMENT)

    assert made.ocsf["message"] == f"{DANA} added {SAM} to a group"
    assert made.unnamed == (DANA, SAM)


def test_the_record_s_own_name_wins_over_the_directory_s() -> None:
    made = event(audit({"id": DANA, "displayName": "Dana R."}, {"id": SAM, "type": "User"}))

    assert made.ocsf["message"].startswith("Dana R. ")


def test_a_service_account_and_an_application_are_recognised() -> None:
    robot = Entity(DANA, "user", "svc-backup", "svc-backup@contoso.example", service_account=True)
    raw = orjson.dumps(
        {
            "id": "d-2",
            "activityDisplayName": "Update user",
            "activityDateTime": "2026-11-23T07:30:00Z",
            "initiatedBy": {"user": {"id": DANA}, "app": {"appId": "0000000a-aaaa-4bbb-8ccc-000000000000"}},
            "targetResources": [],
        }
    )
    made = event(raw, EnrichmentData({**KNOWN.histories, DANA: (always(robot),)}, KNOWN.locate))

    assert made.ocsf["actor"]["user"]["type"] == "Service"
    assert made.ocsf["actor"]["app_name"] == "Night Robot"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.9", ({"city": "Lisbon", "country": "PT"}, {"number": 64500, "name": "Example Net"})),
        ("198.51.100.7", (None, None)),
    ],
)
def test_an_address_without_a_place_gets_one_from_the_database(ocsf_faults, address, place) -> None:
    made = event(audit({"id": DANA, "ipAddress": address}))
    endpoint = made.ocsf["src_endpoint"]

    assert (endpoint.get("location"), endpoint.get("autonomous_system")) == place
    assert ocsf_faults(made) == []


def test_a_place_that_the_record_says_stays_and_gets_its_network(ocsf_faults) -> None:
    record = {"id": "s-1", "userId": DANA, "appId": "a-1", "status": {"errorCode": 0}, "ipAddress": "203.0.113.9"}
    made = event(orjson.dumps(record | {"location": {"city": "Porto"}, "createdDateTime": "2026-11-23T07:30:00Z"}))

    assert made.ocsf["src_endpoint"]["location"] == {"city": "Porto"}
    assert made.ocsf["src_endpoint"]["autonomous_system"]["number"] == 64500
    assert ocsf_faults(made) == []


def test_only_what_a_directory_can_know_is_looked_up() -> None:
    reading = read(
        audit(
            {"id": "not-a-guid", "userPrincipalName": "Kim@contoso.example"},
            {"id": LEADS, "type": "Group"},
            {"id": SAM, "type": "Policy"},
        ),
        CONTEXT,
    )
    assert isinstance(reading, Reading)

    assert set(keys(reading.draft)) == {"kim@contoso.example", LEADS}
