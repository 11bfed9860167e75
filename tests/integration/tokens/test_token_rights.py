"""Whose tokens count, and for what: directories, scopes, app roles, groups."""

from __future__ import annotations

from signing import BASE, CUSTOMER, HOME, SILENT

CONTOSO = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"
STRANGER = "11111111-2222-4333-8444-555555555555"


async def test_a_persons_token_without_our_scope_is_refused(gateway, entra):
    for scopes in ["", "User.Read", "access_as_user.evil", "ACCESS_AS_USER", "x,access_as_user"]:
        answer = await gateway.get(entra.token({"scp": scopes}))

        assert answer.status_code == 403
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="aoc", error="insufficient_scope"'


async def test_a_directory_that_is_not_known_or_a_person_without_an_id_is_refused(entra, refused):
    for changes in [
        {"tid": STRANGER},
        {"tid": STRANGER, "iss": f"{BASE}/{STRANGER}/v2.0"},
        {"tid": CONTOSO.upper(), "iss": f"{BASE}/{CONTOSO.upper()}/v2.0"},
        {"tid": "9188040d-6c67-4c5b-b112-36a304b66dad", "iss": f"{BASE}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"},
        {"tid": "common", "iss": f"{BASE}/common/v2.0"},
        {"tid": "{tenantid}", "iss": f"{BASE}/{{tenantid}}/v2.0"},
        {"tid": None},
        {"tid": [CONTOSO]},
        {"oid": None},
        {"oid": "dana"},
        {"oid": "../superadmin"},
    ]:
        assert await refused(entra.token(changes)) == SILENT


async def test_a_customers_token_with_our_directorys_id_is_refused(entra, refused):
    await refused(entra.token({"tid": CONTOSO}, role="superadmin", tenant=CUSTOMER))


async def test_a_customers_own_superadmin_is_admin_of_that_customer_alone(gateway, entra):
    token = entra.token(role="superadmin", tenant=CUSTOMER)

    assert await gateway.status(token, tenant=CUSTOMER) == 200
    assert await gateway.status(token, tenant=HOME) == 403
    (grant,) = (await gateway.get(token, "/api/me")).json()["grants"]
    assert (grant["role"], grant["tenants"], grant["everything"]) == ("admin", [CUSTOMER], False)


async def test_a_superadmin_of_our_own_directory_is_one_over_all_tenants(gateway, entra):
    token = entra.token(role="superadmin")

    (grant,) = (await gateway.get(token, "/api/me")).json()["grants"]
    assert (grant["role"], grant["everything"]) == ("superadmin", True)
    assert await gateway.status(token, tenant=CUSTOMER) == 200


async def test_a_customer_that_is_not_registered_any_more_is_refused_at_once(gateway, entra):
    token = entra.token(role="admin", tenant=CUSTOMER)
    assert await gateway.status(token, tenant=CUSTOMER) == 200
    gateway.registry.registered.clear()

    assert await gateway.status(token, tenant=CUSTOMER) == 401


async def test_more_groups_than_a_token_holds_open_nothing_and_the_answer_says_what_to_do(gateway, entra):
    for changes in [
        {"groups": None, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x"}}},
        {"_claim_names": {"groups": "src1"}},
        {"_claim_names": {"roles": "src1"}},
        {"_claim_names": "groups"},
        {"_claim_names": ["groups"]},
        {"hasgroups": True},
        {"hasgroups": "true"},
        {"hasgroups": 1},
        {"groups:src1": "https://x", "hasgroups": "yes"},
    ]:
        answer = await gateway.get(entra.token(changes, role="superadmin"))

        assert answer.status_code == 403
        assert "too many" in answer.json()["detail"]


async def test_roles_that_are_no_list_of_names_are_refused(entra, refused):
    for roles in ["aoc.superadmin", {"aoc.superadmin": 1}, [1], [["aoc.superadmin"]], ["r" * 300]]:
        await refused(entra.token({"roles": roles}))


async def test_roles_that_are_not_ours_grant_nothing(gateway, entra):
    for roles in [[], ["superadmin"], ["AOC.SUPERADMIN"], ["aoc.superadmin "], ["other.reader"]]:
        assert await gateway.status(entra.token({"roles": roles})) == 403
