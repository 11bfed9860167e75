"""Records that change after they were served, and records that come again in other letters."""

from __future__ import annotations

from aoc_sim.spelling import padded, with_offset
from each import each

RISKS = ("identityProtection/riskDetections", "identityProtection/servicePrincipalRiskDetections")
YOUNG = {"again_age_s": 24 * 3600}


async def signins(sim):
    return {record["id"]: record for record in (await sim.graph("auditLogs/signIns", top=1000)).json()["value"]}


async def changes(sim, source):
    return (await sim.client.get("/_truth/changes")).json()["tenants"]["contoso"][source]


async def test_a_signin_changes_only_after_it_was_served_and_the_truth_holds_every_state(make_sim):
    sim = make_sim(faults={"change_rate": 1, "change_after_s": 4, **YOUNG})
    sim.clock.advance(60)
    first = await signins(sim)
    sim.clock.advance(5)
    second = await signins(sim)
    sim.clock.advance(5)
    third = await signins(sim)
    truth = await changes(sim, "graph-signins")

    assert {record["riskLevelAggregated"] for record in second.values()} == {"high"}
    assert all(record["authenticationDetails"] for record in second.values())
    assert not any("authenticationDetails" in record for record in first.values())
    for key, states in truth.items():
        assert [state["record"] for state in states[:2]] == [first[key], second[key]]
        assert states[-1]["record"] == third[key]
        assert all(state["served"] for state in states)


async def test_some_signins_become_again_what_they_were(make_sim):
    sim = make_sim(faults={"change_rate": 1, **YOUNG})
    await signins(sim)
    sim.clock.advance(60)
    await signins(sim)

    ends = [states for states in (await changes(sim, "graph-signins")).values() if len(states) == 3]
    back = [states for states in ends if states[0]["record"] == states[2]["record"]]
    assert 0 < len(back) < len(ends)


async def test_an_alert_that_is_worked_on_is_found_by_its_last_update(make_sim):
    sim = make_sim(faults={"change_rate": 1}, events=3000)
    path, noon = "security/alerts_v2", "2026-01-14T15:00:01Z"
    before = (await sim.graph(path)).json()["value"]
    sim.clock.advance(60)
    moved = (await sim.graph(path, filter=f"lastUpdateDateTime ge {noon}")).json()["value"]

    assert {alert["id"] for alert in moved} == {alert["id"] for alert in before}
    assert {alert["status"] for alert in before} == {"new"}
    assert {alert["status"] for alert in moved} <= {"inProgress", "resolved"}


async def test_a_risk_that_was_dealt_with_is_found_by_its_last_update(make_sim):
    sim = make_sim(faults={"change_rate": 1}, events=6000)
    before = (await sim.graph(RISKS[0])).json()["value"]
    sim.clock.advance(60)
    moved = (await sim.graph(RISKS[0], filter="lastUpdatedDateTime ge 2026-01-14T15:00:01Z")).json()["value"]

    assert {one["id"] for one in moved} == {one["id"] for one in before}
    assert {one["riskState"] for one in before} == {"atRisk"}
    assert {one["riskState"] for one in moved} <= {"remediated", "dismissed"}
    assert "none" not in {one["riskDetail"] for one in moved}


async def test_records_are_all_available_only_when_the_last_has_changed(make_sim):
    sim = make_sim(faults={"change_rate": 1, **YOUNG})
    before = (await sim.client.get("/_truth?summary=1")).json()
    for path in ("signIns", "signIns?$filter=signInEventTypes/any(t: t eq 'nonInteractiveUser')"):
        for slug in ("contoso", "fabrikam"):
            await sim.get("graph", f"/beta/auditLogs/{path}", slug)
            for collection in RISKS:
                await sim.graph(collection, slug)
            await sim.graph("security/alerts_v2", slug)
    sim.clock.advance(60)
    after = (await sim.client.get("/_truth?summary=1")).json()

    assert (before["all_available"], after["all_available"]) == (False, True)
    assert before["changing"] > after["changing"] == 0
    assert after["total"] == before["total"] == sim.settings.events
    assert after["faults_injected"]["changed"] >= before["changing"]


async def test_an_id_comes_in_the_other_case_the_second_time(make_sim):
    sim = make_sim(faults={"recase_rate": 1})
    first, second, third = [list(await signins(sim)) for _ in range(3)]

    assert second == third == [key.upper() for key in first]
    assert set(first) == set(await sim.truth("contoso", "graph-signins"))


async def test_the_records_of_a_blob_that_is_listed_again_are_spelt_otherwise(make_sim):
    sim = make_sim(faults={"recase_rate": 1, "respell_rate": 1, "resend_rate": 1})
    await sim.start("Audit.Exchange")
    listed = await sim.listing("Audit.Exchange")
    first = [record for item in listed for record in (await sim.get("activity", item["contentUri"])).json()]
    sim.clock.advance(60)
    known = {item["contentId"] for item in listed}
    relisted = [item for item in await sim.listing("Audit.Exchange") if item["contentId"] not in known]
    second = [record for item in relisted for record in (await sim.get("activity", item["contentUri"])).json()]

    lower = {record["Id"]: record for record in first}
    assert {record["Id"].lower() for record in second} == set(lower)
    for record in second:
        before = lower[record["Id"].lower()]
        assert record["CreationTime"] != before["CreationTime"]
        assert {**record, "Id": 0, "CreationTime": 0} == {**before, "Id": 0, "CreationTime": 0}


@each(
    ("text", "spelt"),
    [
        ("2026-01-14T15:00:00Z", "2026-01-14T15:00:00.0000000Z"),
        ("2026-01-14T15:00:00.12Z", "2026-01-14T15:00:00.1200000Z"),
        ("2026-01-14T15:00:00", "2026-01-14T15:00:00.0000000"),
        ("2026-01-14T15:00:00.5-08:00", "2026-01-14T15:00:00.5000000-08:00"),
        ("no time", "no time"),
    ],
)
def test_a_time_is_padded(text, spelt):
    assert padded(text) == spelt


@each(
    ("text", "hours", "spelt"),
    [
        ("2026-01-14T15:00:00Z", 0, "2026-01-14T15:00:00+00:00"),
        ("2026-01-14T23:30:00.1234567Z", 2, "2026-01-15T01:30:00.1234567+02:00"),
        ("2026-01-14T15:00:00", -8, "2026-01-14T07:00:00-08:00"),
        ("2026-01-14T15:00:00-08:00", 2, "2026-01-15T01:00:00+02:00"),
        ("2026-01-14T15:00:00+05:30", 0, "2026-01-14T09:30:00+00:00"),
        ("no time", 2, "no time"),
    ],
)
def test_an_instant_is_the_same_with_another_offset(text, hours, spelt):
    assert with_offset(text, hours) == spelt
