"""What is said wrongly, and records that are hard to carry: each fault can be switched on alone."""

from __future__ import annotations

import httpx
import pytest

from aoc_sim.faults import EXTRAS
from aoc_sim.malformed_responses import WAITS, with_broken_host, with_default_port, with_newline, with_upper_host
from aoc_sim.settings import SimSettings
from each import each


async def test_retry_after_says_what_nobody_means_until_the_allowance_is_spent(make_sim):
    sim = make_sim(faults={"retry_after_lie_rate": 1, "max_per_kind": 60})
    graph = [await sim.graph("auditLogs/signIns", top=1) for _ in range(30)]
    activity = [await sim.start("Audit.Exchange") for _ in range(30)]

    values = {answer.headers["Retry-After"] for answer in graph + activity}
    assert values == set(WAITS)
    assert {answer.status_code for answer in graph} == {answer.status_code for answer in activity} == {429, 503}
    assert (await sim.graph("auditLogs/signIns", top=1)).status_code == 200


async def test_a_blob_comes_with_a_bom_every_time(make_sim):
    sim = make_sim(faults={"bom_rate": 0.5})
    await sim.start("Audit.Exchange")
    bodies = [
        [(await sim.get("activity", item["contentUri"])).content for _ in range(2)]
        for item in await sim.listing("Audit.Exchange")
    ]

    marked = [first.startswith(b"\xef\xbb\xbf[") for first, _ in bodies]
    assert {True, False} == set(marked)
    assert all(first == second for first, second in bodies)
    assert (await sim.client.get("/_truth?summary=1")).json()["faults_injected"]["bom"] == sum(marked)


async def test_an_address_that_is_spelt_oddly_leads_to_the_same_blob(make_sim):
    sim = make_sim(faults={"odd_link_rate": 1})
    await sim.start("Audit.Exchange")
    links = [item["contentUri"] for item in await sim.listing("Audit.Exchange")]
    answers = [await sim.get("activity", link) for link in links]

    assert {link.split("/api/")[0] for link in links} == {"http://sim.test:80", "http://SIM.TEST", "HTTP://sim.test"}
    assert {answer.status_code for answer in answers} == {200}
    assert (await sim.client.get("/_truth")).json()["tenants"]["contoso"]["o365-exchange"]["excused"] == []


async def test_records_of_a_blob_without_an_address_are_in_the_truth_as_such(make_sim):
    sim = make_sim(faults={"dead_link_rate": 0.3})
    await sim.start("Audit.Exchange")
    records, dead = set(), {}
    for item in await sim.listing("Audit.Exchange"):
        try:
            answer = await sim.get("activity", item["contentUri"])
        except httpx.InvalidURL:
            dead[item["contentId"]] = item
        else:
            records |= {record["Id"] for record in answer.json()}

    truth = (await sim.client.get("/_truth")).json()["tenants"]["contoso"]["o365-exchange"]
    excused = {record["id"]: record for record in truth["excused"]}
    assert excused
    assert set(truth["records"]) - records == set(excused)
    assert {record["blob"] for record in excused.values()} == set(dead)
    assert all(record["at"] == dead[record["blob"]]["contentCreated"] for record in excused.values())


async def test_records_of_a_dead_blob_that_is_listed_again_well_are_not_excused(make_sim):
    sim = make_sim(faults={"dead_link_rate": 0.5, "resend_rate": 1})
    await sim.start("Audit.Exchange")
    await sim.listing("Audit.Exchange")
    once = (await sim.client.get("/_truth")).json()["tenants"]["contoso"]["o365-exchange"]["excused"]
    sim.clock.advance(60)
    await sim.listing("Audit.Exchange")
    twice = (await sim.client.get("/_truth")).json()["tenants"]["contoso"]["o365-exchange"]["excused"]

    assert 0 < len(twice) < len(once)


@pytest.mark.parametrize("break_", [with_newline, with_broken_host])
def test_a_dead_address_is_none(break_):
    with pytest.raises((httpx.InvalidURL, ValueError)):
        httpx.URL(break_("https://manage.office.com/api/v1.0/tenant/activity/feed/audit/1$2"))


@pytest.mark.parametrize(
    ("spell", "spelt"),
    [
        (with_default_port, "https://manage.office.com:443/api/Audit"),
        (with_upper_host, "https://MANAGE.OFFICE.COM/api/Audit"),
    ],
)
def test_an_odd_address_differs_in_nothing_that_counts(spell, spelt):
    assert spell("https://manage.office.com/api/Audit") == spelt


async def test_huge_records_are_served_whole_and_are_in_the_truth_as_such(make_sim):
    sim = make_sim(faults={"huge_rate": 0.01, "huge_most": 5}, events=2000)
    truth = (await sim.client.get("/_truth")).json()
    excused = [
        (slug, source, item["id"], item["bytes"])
        for slug, sources in truth["tenants"].items()
        for source, content in sources.items()
        for item in content["excused"]
    ]

    assert len(excused) == truth["faults_injected"]["huge"] == 5
    assert all(900_000 <= size < 1_600_000 for *_, size in excused)
    for slug, source, key, size in excused:
        lines = (await sim.client.get(f"/_truth/{slug}/{source}")).content.splitlines()
        assert size in [len(line) for line in lines if key.encode() in line]


async def test_two_records_share_id_and_time_and_differ_in_operation(make_sim):
    sim = make_sim(faults={"other_operation_rate": 0.2})
    await sim.start("Audit.SharePoint")
    records = [
        record
        for item in await sim.listing("Audit.SharePoint")
        for record in (await sim.get("activity", item["contentUri"])).json()
    ]
    pairs = {}
    for record in records:
        pairs.setdefault((record["Id"], record["CreationTime"]), []).append(record["Operation"])

    shared = {key: operations for key, operations in pairs.items() if len(operations) > 1}
    assert shared
    assert all(len(set(operations)) == 2 for operations in shared.values())
    keys = {f"{key}|{operation}" for (key, _), operations in shared.items() for operation in operations}
    assert keys <= set(await sim.truth("contoso", "o365-sharepoint"))


async def test_the_clock_can_be_stepped_and_set_right_again(make_sim):
    sim = make_sim(throttle={"enabled": True, "graph_audit_requests": 3})
    await sim.client.put("/_clock", json={"ahead_s": 3 * 86400})
    ahead = (await sim.client.get("/_health")).json()["now"]
    for _ in range(3):
        await sim.graph("auditLogs/signIns", top=1)
    await sim.client.put("/_clock", json={"ahead_s": 0})
    sim.later(0)

    assert ahead == "2026-01-17T15:00:00.000Z"
    assert (await sim.client.get("/_health")).json()["now"] == "2026-01-14T15:00:00.000Z"
    # What was counted in the future is forgotten: nobody is throttled for three days.
    assert (await sim.graph("auditLogs/signIns", top=1)).status_code == 200
    assert (await sim.client.put("/_clock", json={"ahead_s": "soon"})).status_code == 422


async def test_a_subscription_that_was_started_while_the_clock_was_ahead_lists_as_any_other(sim):
    await sim.client.put("/_clock", json={"ahead_s": 3 * 86400})
    await sim.start("Audit.Exchange")
    await sim.client.put("/_clock", json={"ahead_s": 0})
    sim.later(1)

    assert await sim.listing("Audit.Exchange")


async def test_a_subscription_that_was_started_again_while_the_clock_was_ahead_hides_nothing_afterwards(sim):
    await sim.start("Audit.Exchange")
    await sim.stop("Audit.Exchange")
    await sim.client.put("/_clock", json={"ahead_s": 3 * 86400})
    sim.later(0)
    await sim.start("Audit.Exchange")
    await sim.client.put("/_clock", json={"ahead_s": 0})
    sim.later(60)
    emission = {"tenant": "contoso", "source": "o365-exchange", "count": 3}
    made = (await sim.client.post("/_emit", json=emission)).json()["records"]["o365-exchange"]
    sim.later(60)

    assert set(made) <= set(await sim.truth("contoso", "o365-exchange"))


async def test_a_record_that_was_served_while_the_clock_was_ahead_changes_soon(make_sim):
    sim = make_sim(faults={"change_rate": 1, "change_after_s": 4, "again_age_s": 7 * 86400})
    await sim.client.put("/_clock", json={"ahead_s": 3 * 86400})
    served = (await sim.graph("security/alerts_v2")).json()["value"]
    await sim.client.put("/_clock", json={"ahead_s": 0})
    sim.later(60)
    now = {alert["id"]: alert["status"] for alert in (await sim.graph("security/alerts_v2")).json()["value"]}

    assert served
    assert {now[alert["id"]] for alert in served} <= {"inProgress", "resolved"}


@each("name", EXTRAS)
def test_each_extra_fault_is_switched_on_alone(name):
    plain = SimSettings(faults_profile="verify")
    with_it = SimSettings(faults_profile="verify", faults_extra=(name,))

    changed = {field for field, value in with_it.starting_faults() if value != getattr(plain.starting_faults(), field)}
    assert changed
    assert changed <= set(EXTRAS[name])


def test_a_fault_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="no such fault: gremlins"):
        SimSettings(faults_extra=("gremlins",))


async def test_without_extra_faults_a_seed_makes_the_same_records_as_ever(make_sim):
    plain, odd = make_sim(), make_sim(faults={"recase_rate": 1, "bom_rate": 1, "odd_link_rate": 1, "change_rate": 1})

    for source in ("graph-signins", "o365-exchange"):
        assert await plain.truth("contoso", source) == await odd.truth("contoso", source)
