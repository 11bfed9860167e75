"""What is taken from a tenant's app at run time, and how Microsoft answers then."""

from __future__ import annotations

import pytest

PIM = "identityGovernance/roleManagementAlerts/alerts"


@pytest.fixture
def switch(sim):
    """`await switch(premium=False)`: contoso's switches."""

    async def put(**body):
        answer = await sim.client.put("/_switches", json={"tenant": "contoso", **body})
        assert answer.status_code == 200, answer.text

    return put


async def test_a_token_that_is_held_loses_a_revoked_role_after_a_while(sim, switch) -> None:
    await sim.graph("auditLogs/directoryAudits", top=1)
    await switch(revoked=["AuditLog.Read.All"], kept_s=600)
    before = await sim.graph("auditLogs/directoryAudits", top=1)
    sim.clock.advance(601)
    after = await sim.graph("auditLogs/directoryAudits", top=1)
    other = await sim.graph("security/alerts_v2", top=1)

    assert [answer.status_code for answer in (before, after, other)] == [200, 403, 200]
    assert after.json()["error"]["code"] == "Authentication_MSGraphPermissionMissing"


async def test_another_tenant_keeps_its_roles(sim, switch) -> None:
    await switch(revoked=["AuditLog.Read.All"])

    assert (await sim.graph("auditLogs/directoryAudits", "fabrikam", top=1)).status_code == 200


async def test_without_the_licence_sign_ins_are_refused(sim, switch) -> None:
    await switch(premium=False)

    answer = await sim.graph("auditLogs/signIns", top=1)
    assert answer.json()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"


async def test_without_the_licence_risks_are_refused_in_identity_protections_words(sim, switch) -> None:
    await switch(premium=False)

    answer = await sim.graph("identityProtection/riskyUsers", top=1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Forbidden")
    assert "not licensed" in answer.json()["error"]["message"]


async def test_without_the_licence_pim_alerts_are_refused_with_a_400(sim, switch) -> None:
    await switch(premium=False)

    answer = await sim.get("graph", f"/beta/{PIM}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "AadPremiumLicenseRequired")


@pytest.mark.parametrize(
    ("state", "number"),
    [("expired", 7000222), ("unknown app", 700016), ("app disabled", 7000112), ("consent revoked", 65001)],
)
async def test_the_token_endpoint_refuses_and_then_grants_again(sim, switch, state, number) -> None:
    await switch(credentials=state)
    refused = await sim.ask_token()
    await switch()

    assert refused.json()["error_codes"] == [number]
    assert (await sim.ask_token()).status_code == 200


async def test_a_disabled_subscription_lists_nothing_and_does_not_start(sim, switch) -> None:
    await sim.start("Audit.Exchange")
    await switch(disabled=["Audit.Exchange"])
    listed = await sim.get("activity", f"{sim.feed()}/subscriptions/list")
    content = await sim.get("activity", f"{sim.feed()}/subscriptions/content", contentType="Audit.Exchange")
    started = await sim.start("Audit.Exchange")

    assert [item["status"] for item in listed.json()] == ["disabled"]
    assert {answer.json()["error"]["code"] for answer in (content, started)} == {"AF20023"}


async def test_the_app_sees_when_its_secret_expires(sim, switch) -> None:
    await switch(secret_ends="2026-02-01T00:00:00Z")
    path = f"applications(appId='{sim.tenant().client_id}')"
    seen = (await sim.graph(path, select="passwordCredentials,keyCredentials")).json()
    await switch(revoked=["Application.Read.All", "Directory.Read.All"])

    assert [credential["endDateTime"][:10] for credential in seen["passwordCredentials"]] == ["2026-02-01"]
    assert seen["keyCredentials"] == []
    assert (await sim.graph(path)).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"tenant": "nobody"}, 404),
        ({"tenant": "contoso", "disabled": ["Audit.Nothing"]}, 422),
        ({"tenant": "contoso", "typo": True}, 422),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(sim, body, status) -> None:
    assert (await sim.client.put("/_switches", json=body)).status_code == status
