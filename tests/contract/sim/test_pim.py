"""PIM alerts of the simulator: the scope must be named, relations are expanded, and quiet alerts are listed too."""

from __future__ import annotations

import pytest

PATH = "/beta/identityGovernance/roleManagementAlerts/alerts"
SCOPE = "scopeId eq '/' and scopeType eq 'DirectoryRole'"
SOURCE = "graph-pim-alerts"
RELATIONS = ("alertDefinition", "alertConfiguration", "alertIncidents")


async def alerts(sim, **options):
    answer = await sim.get(
        "graph", PATH, **{"$filter": SCOPE, **{f"${name}": value for name, value in options.items()}}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, 400),
        ({"$filter": "scopeId eq '/'"}, 400),
        ({"$filter": SCOPE}, 200),
        ({"$filter": SCOPE, "$expand": "*"}, 200),
        ({"$filter": SCOPE, "$expand": "owners"}, 400),
        ({"$filter": f"{SCOPE} and lastModifiedDateTime ge 2026-01-01T00:00:00Z"}, 400),
    ],
)
async def test_the_scope_must_be_named_and_nothing_unknown_is_expanded(sim, options, status):
    assert (await sim.get("graph", PATH, **options)).status_code == status


async def test_it_is_served_in_beta_only(sim):
    assert (await sim.get("graph", PATH.replace("beta", "v1.0"), **{"$filter": SCOPE})).status_code == 400


async def test_relations_are_there_when_they_are_expanded(sim):
    await sim.client.post("/_emit", json={"tenant": "contoso", "source": SOURCE, "count": 1})
    sim.clock.advance(1)
    [bare, *_], [whole, *_] = await alerts(sim), await alerts(sim, expand=",".join(RELATIONS))

    assert not set(bare) & set(RELATIONS)
    assert set(whole) == {*bare, *RELATIONS}
    assert whole["incidentCount"] == len(whole["alertIncidents"]) > 0
    assert whole["alertIncidents"][0]["@odata.type"].endswith("AlertIncident")


async def test_every_kind_of_alert_is_listed_once_and_quiet_ones_are_no_records(make_sim):
    sim = make_sim(events=0, stories=[])
    before = await alerts(sim)
    await sim.client.post("/_emit", json={"tenant": "contoso", "source": SOURCE, "count": 3})
    sim.clock.advance(1)
    after = await alerts(sim)

    assert len({one["id"] for one in before}) == len(before) == len(after) == len({one["id"] for one in after}) == 7
    assert not any(one["isActive"] for one in before)
    assert len(await sim.truth("contoso", SOURCE)) == sum(one["isActive"] for one in after) == 3
