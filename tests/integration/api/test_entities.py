"""Who or what somebody is, over HTTP: from the directory and from events."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from aoc_api import entities
from aoc_common.contracts import terms
from aoc_common.store.directories import HeldRoles, Observation, Sighting
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.directory import MongoDirectory, MongoDirectoryStates
from each import each
from making import NOW

DANA, APP, GROUP, DEVICE = (f"00aa5c1e-0000-4000-8000-00000000000{n}" for n in range(4))
UPN = "dana.reyes@contoso.example"


@pytest.fixture
async def directory(database) -> MongoDirectory:
    await ensure_indexes(database, ("directory", "directory_state"))
    await MongoDirectoryStates(database).begin("contoso", "user")
    return MongoDirectory(database)


async def put(directory, kind, object_id, *, at=NOW, generation=1, **facts) -> None:
    seen = Observation(at, generation)
    await directory.put("contoso", [Sighting(object_id, kind, facts)], seen, complete=True)


@pytest.fixture
def upon(event):
    """`upon("a", hours=1, uid=..., name=...)`: an event in which somebody was acted upon."""

    def make(record: str, hours: float = 0, thing: str = "user", uid: str = DANA, name: str = "Dana Reyes", **changes):
        ocsf = {"metadata": {"uid": record}, "class_uid": 3001, "message": record, thing: {"uid": uid, "name": name}}
        found = (*terms.id_terms(uid), *terms.name_terms(name), *terms.name_terms("kim@contoso.example"))
        return event(record, hours, ocsf=ocsf, terms=found, actor="kim@contoso.example", **changes)

    return make


def activity(answer, part: str = "actor"):
    return next(one for one in answer.json()["activities"] if one["part"] == part)


def did(event, record: str, hours: float, **changes):
    found = (*terms.name_terms(UPN), *terms.name_terms("203.0.113.9"))
    return event(record, hours, **({"actor": UPN, "terms": found} | changes))


async def test_a_user_is_told_with_what_the_directory_and_the_events_know(
    gateway, store, event, upon, directory
) -> None:
    await put(directory, "user", DANA, name="Dana Reyes", upn=UPN, department="Finance", enabled=True, guest=False)
    await directory.assign("contoso", {DANA: HeldRoles(("Exchange Administrator",), privileged=True)},
                           Observation(NOW, 2))  # fmt: skip
    await store(
        did(event, "a", 1), did(event, "b", 30, operation="Set-Mailbox", result="failure"), did(event, "c", 2),
        event("other", 1), upon("reset", 3),
    )  # fmt: skip
    answer = await gateway.get(f"/api/entities/user/{UPN}")
    whole = answer.json()
    known = whole["directory"]

    assert (known["id"], known["name"], known["user_name"], known["department"]) == (DANA, "Dana Reyes", UPN, "Finance")
    assert (known["roles"], known["privileged"], known["deleted"]) == (["Exchange Administrator"], True, False)
    assert whole["names"] == [UPN, DANA]
    acted = activity(answer)
    assert (acted["events"], acted["complete"], acted["counted_back_to"]) == (3, True, None)
    assert (acted["first_seen"], acted["last_seen"]) == ("2026-11-22T02:00:00Z", "2026-11-23T07:00:00Z")
    assert acted["operations"] == {"New-InboxRule": 2, "Set-Mailbox": 1}
    assert (acted["results"], acted["addresses"]) == ({"success": 2, "failure": 1}, {"203.0.113.9": 3})
    assert sum(bucket["count"] for bucket in acted["timeline"]) == 3
    assert activity(answer, "target")["actors"] == {"kim@contoso.example": 1}
    [entry] = await gateway.noted("entities.read")
    assert entry.event["unmapped"]["rows"] == 4


async def test_an_id_finds_what_events_know_by_the_user_name_also_by_an_earlier_one(
    gateway, store, event, directory
) -> None:
    await put(directory, "user", DANA, at=NOW - timedelta(days=2), name="Dana Vale", upn="dana.vale@contoso.example")
    await put(directory, "user", DANA, generation=2, name="Dana Reyes", upn=UPN)
    earlier = tuple(terms.name_terms("dana.vale@contoso.example"))
    await store(did(event, "a", 1), event("b", 50, actor="dana.vale@contoso.example", terms=earlier))

    for text in (DANA, DANA.upper(), UPN, "Dana.Vale@contoso.example"):
        answer = await gateway.get(f"/api/entities/user/{text}")
        assert answer.json()["directory"]["user_name"] == UPN
        assert activity(answer)["events"] == 2, text


async def test_who_was_deleted_is_told_as_he_was_last(gateway, directory) -> None:
    await put(directory, "user", DANA, at=NOW - timedelta(days=2), name="Dana Reyes", upn=UPN)
    await directory.remove("contoso", "user", [DANA], Observation(NOW, 2))
    known = (await gateway.get(f"/api/entities/user/{DANA}")).json()["directory"]

    assert (known["name"], known["deleted"]) == ("Dana Reyes", True)


async def test_of_two_who_had_a_user_name_it_is_the_one_that_is_there(gateway, directory) -> None:
    await put(directory, "user", APP, at=NOW - timedelta(days=2), name="Kim Vale", upn=UPN)
    await directory.remove("contoso", "user", [APP], Observation(NOW - timedelta(days=1), 2))
    await put(directory, "user", DANA, generation=3, name="Dana Reyes", upn=UPN)
    known = (await gateway.get(f"/api/entities/user/{UPN}")).json()["directory"]

    assert (known["id"], known["others"]) == (DANA, 1)
    assert (await gateway.get(f"/api/entities/user/{APP}")).json()["directory"]["name"] == "Kim Vale"


async def test_applications_groups_and_devices_are_told(gateway, store, event, upon, directory) -> None:
    await put(directory, "service principal", APP, name="Backup Tool", app_id=DEVICE)
    await put(directory, "group", GROUP, name="Finance")
    await put(directory, "device", DEVICE, name="LAPTOP-7", aliases=("laptop-id",))
    ocsf = {"metadata": {"uid": "a"}, "class_uid": 6003, "message": "a",
            "actor": {"app_name": "Backup Tool", "app_uid": DEVICE}}  # fmt: skip
    await store(
        event("a", 1, actor=None, ocsf=ocsf, terms=(*terms.id_terms(DEVICE), *terms.name_terms("Backup Tool"))),
        upon("member", 2, "group", GROUP, "Finance"),
        event("on", 3, actor=None, terms=terms.name_terms("LAPTOP-7")),
    )
    application = await gateway.get(f"/api/entities/application/{APP}")
    group = await gateway.get(f"/api/entities/group/{GROUP}")
    device = await gateway.get("/api/entities/device/laptop-id")

    assert application.json()["directory"]["app_id"] == DEVICE
    assert activity(application)["events"] == 1
    assert activity(group, "target")["events"] == 1
    assert device.json()["directory"]["name"] == "LAPTOP-7"
    # The application has the device's id here: what names either is found.
    assert activity(device, "named")["events"] == 2
    # One of another kind is none: here events act upon it.
    assert (await gateway.get(f"/api/entities/user/{GROUP}")).json()["directory"] is None


async def test_an_address_is_told_in_any_spelling(gateway, store, event) -> None:
    found = terms.name_terms("2001:db8::7")
    await store(event("a", 1, ip="2001:db8::7", terms=found), event("b", 2, ip="2001:db8::8", terms=("x",)))
    answer = await gateway.get(f"/api/entities/address/{quote('2001:DB8:0:0::7')}")

    assert answer.json()["directory"] is None
    assert activity(answer, "address")["actors"] == {"dana@contoso.example": 1}


async def test_more_events_than_are_counted_are_told(gateway, store, event, monkeypatch) -> None:
    monkeypatch.setattr(entities, "_MOST_EVENTS", 2)
    await store(did(event, "a", 1), did(event, "b", 2))
    whole = activity(await gateway.get(f"/api/entities/user/{UPN}"))
    await store(did(event, "c", 3))
    part = activity(await gateway.get(f"/api/entities/user/{UPN}"))

    assert (whole["events"], whole["complete"], whole["counted_back_to"]) == (2, True, None)
    assert (part["events"], part["complete"]) == (2, False)
    assert part["counted_back_to"] == "2026-11-23T06:00:00.001000Z"
    assert part["first_seen"] == "2026-11-23T06:00:00Z"


async def test_only_events_of_the_time_that_is_asked_for_count(gateway, store, event) -> None:
    await store(did(event, "a", 1), did(event, "b", 2), did(event, "c", 3))
    answer = await gateway.get(f"/api/entities/user/{UPN}", start="2026-11-23T05:30:00Z", end="2026-11-23T06:30:00Z")

    assert activity(answer)["events"] == 1


async def test_another_tenant_has_none_of_it(gateway, store, event, directory) -> None:
    await put(directory, "user", DANA, name="Dana Reyes", upn=UPN)
    await store(did(event, "a", 1))

    for text in (DANA, UPN):
        answer = await gateway.get(f"/api/entities/user/{text}", tenant="fabrikam")
        assert answer.status_code == 404
        assert "Reyes" not in answer.text


@pytest.mark.parametrize("path", ["user/nobody@contoso.example", "device/x", "group/..%2e", "address/192.0.2.1"])
async def test_who_is_not_known_is_not_found_with_advice(gateway, store, event, path) -> None:
    await store(did(event, "a", 1))
    answer = await gateway.get(f"/api/entities/{path}")

    assert answer.status_code == 404
    assert answer.json()["errors"][0]["name"] == "entity_id"
    assert "ask for" in answer.json()["errors"][0]["detail"]


@each(
    ("path", "name"),
    [
        ("address/dana", "entity_id"),
        ("address/300.1.1.1", "entity_id"),
        ("role/x", "kind"),
        (f"user/{'x' * 257}", "entity_id"),
        ("user/x?zone=Mars", "zone"),
        ("user/x?q=dana", "q"),
        ("user/x?start=2026-01-02&end=2026-01-01", "end"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(gateway, path, name) -> None:
    answer = await gateway.client.get(f"/api/entities/{path}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"] == name
