from __future__ import annotations

REAL = {"enabled": True}


async def test_the_sixth_audit_request_within_ten_seconds_answers_429_and_says_when(make_sim):
    sim = make_sim(throttle=REAL)
    statuses = []
    for path in ("auditLogs/signIns", "auditLogs/directoryAudits") * 3:
        answer = await sim.graph(path, top=1)
        statuses.append(answer.status_code)

    assert statuses == [200] * 5 + [429]
    assert answer.json()["error"]["code"] == "TooManyRequests"
    assert answer.headers["Retry-After"] == "10"
    assert answer.headers["x-ms-throttle-limit-percentage"] == "1.0"


async def test_waiting_as_long_as_retry_after_says_is_enough(make_sim):
    sim = make_sim(throttle=REAL)
    for _ in range(5):
        await sim.graph("auditLogs/signIns", top=1)
        sim.clock.advance(1)
    refused = await sim.graph("auditLogs/signIns", top=1)
    sim.clock.advance(int(refused.headers["Retry-After"]))

    assert refused.headers["Retry-After"] == "5"
    assert (await sim.graph("auditLogs/signIns", top=1)).status_code == 200


async def test_tenants_and_families_have_limits_of_their_own(make_sim):
    sim = make_sim(throttle=REAL)
    for _ in range(6):
        last = await sim.graph("auditLogs/signIns", top=1)

    assert last.status_code == 429
    assert (await sim.graph("auditLogs/signIns", "fabrikam", top=1)).status_code == 200
    assert (await sim.graph("deviceManagement/auditEvents", top=1)).status_code == 200
    assert (await sim.graph("security/alerts_v2", top=1)).status_code == 200
    assert (await sim.get("activity", f"{sim.feed()}/subscriptions/list")).status_code == 200


async def test_identity_protection_takes_one_request_a_second_of_a_tenant(make_sim):
    sim = make_sim(throttle=REAL)
    first = await sim.graph("identityProtection/riskyUsers", top=1)
    second = await sim.graph("identityProtection/riskDetections", top=1)
    elsewhere = await sim.graph("identityProtection/riskDetections", "fabrikam", top=1)
    sim.clock.advance(1.001)
    third = await sim.graph("identityProtection/riskDetections", top=1)

    assert [answer.status_code for answer in (first, second, elsewhere, third)] == [200, 429, 200, 200]
    assert second.headers["x-ms-throttle-scope"] == "Tenant/IdentityProtection"


async def test_refused_requests_do_not_prolong_the_wait(make_sim):
    sim = make_sim(throttle=REAL)
    for _ in range(5):
        await sim.graph("auditLogs/signIns", top=1)
    sim.clock.advance(9)
    assert (await sim.graph("auditLogs/signIns", top=1)).status_code == 429
    sim.clock.advance(1)

    assert (await sim.graph("auditLogs/signIns", top=1)).status_code == 200


async def test_the_management_api_answers_af429_with_the_publisher(make_sim):
    sim = make_sim(throttle={"activity_requests": 3})
    for _ in range(4):
        answer = await sim.get("activity", f"{sim.feed()}/subscriptions/list", PublisherIdentifier="pub-1")

    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "AF429")
    assert "pub-1" in answer.json()["error"]["message"]
    assert answer.headers["Retry-After"] == "60"


async def test_the_whole_of_graph_has_a_limit_over_all_tenants_of_an_app(make_sim):
    sim = make_sim(throttle={"graph_all_requests": 2})
    statuses = [(await sim.graph("deviceManagement/auditEvents", top=1)).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]
