"""Identity Protection of the simulator: a present state of each subject, and what may be filtered on."""

from __future__ import annotations

import pytest

from aoc_sim.settings import DEFAULT_TENANTS

USERS = "identityProtection/riskyUsers"
SOURCE = "graph-risky-users"


async def test_of_somebodys_risk_the_last_state_alone_is_shown_and_expected(make_sim):
    sim = make_sim(events=0, stories=[])
    for _ in range(40):
        await sim.client.post("/_emit", json={"tenant": "contoso", "source": SOURCE, "count": 20})
        sim.clock.advance(1)
    before = [record["id"] for record in (await sim.graph(USERS, top=1000)).json()["value"]]
    expected = await sim.truth("contoso", SOURCE)
    for _ in range(10):
        await sim.client.post("/_emit", json={"tenant": "contoso", "source": SOURCE, "count": 20})
        sim.clock.advance(1)
    after = await sim.truth("contoso", SOURCE)

    assert len(before) == len(set(before)) < 800
    assert {key.partition("|")[0] for key in expected} == set(before)
    # What was shown once stays in the books, though it is not shown any more.
    assert set(expected) < set(after)


@pytest.mark.parametrize("path", ["servicePrincipalRiskDetections", "riskyServicePrincipals"])
async def test_what_is_documented_without_a_filter_by_time_has_none(sim, path):
    field = "riskLastUpdatedDateTime" if path.startswith("risky") else "activityDateTime"
    answer = await sim.graph(f"identityProtection/{path}", filter=f"{field} ge 2026-01-14T00:00:00Z")

    assert answer.status_code == 400
    assert (await sim.graph(f"identityProtection/{path}", top=5)).status_code == 200


async def test_each_collection_needs_its_own_permission(make_sim):
    plain = DEFAULT_TENANTS[0].model_copy(update={"graph_roles": ("IdentityRiskEvent.Read.All",)})
    sim = make_sim(tenants=(plain,))
    paths = ("riskDetections", "servicePrincipalRiskDetections", "riskyUsers", "riskyServicePrincipals")

    assert [(await sim.graph(f"identityProtection/{path}")).status_code for path in paths] == [200, 200, 403, 403]
