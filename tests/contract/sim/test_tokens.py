from __future__ import annotations

import datetime as dt
from base64 import urlsafe_b64encode
from uuid import uuid4

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from aoc_sim.settings import DEFAULT_TENANTS
from each import each


@each(
    ("tenant", "form", "status", "error", "number"),
    [
        ("nobody.example", {}, 400, "invalid_request", 90002),
        (None, {"client_secret": "guess"}, 401, "invalid_client", 7000215),
        (None, {"client_secret": ""}, 401, "invalid_client", 7000218),
        (None, {"client_id": str(uuid4())}, 400, "unauthorized_client", 700016),
        (None, {"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        (None, {"grant_type": ""}, 400, "invalid_request", 900144),
        (None, {"scope": "https://graph.microsoft.com/User.Read"}, 400, "invalid_scope", 70011),
        (None, {"scope": ""}, 400, "invalid_scope", 70011),
        (
            None,
            {"scope": "https://graph.microsoft.com/.default https://manage.office.com/.default"},
            400,
            "invalid_scope",
            70011,
        ),
        (None, {"scope": "https://vault.azure.net/.default"}, 400, "invalid_resource", 500011),
    ],
)
async def test_a_bad_token_request_is_refused_with_entras_number(sim, tenant, form, status, error, number):
    answer = await sim.ask_token(tenant, **form)

    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= body.keys()


async def test_a_token_is_a_jwt_that_the_published_keys_verify(sim):
    token = await sim.token("graph")
    configuration = (await sim.client.get("/contoso.example/v2.0/.well-known/openid-configuration")).json()
    keys = (await sim.client.get(configuration["jwks_uri"])).json()

    header = jwt.get_unverified_header(token)
    key = next(k for k in keys["keys"] if k["kid"] == header["kid"])
    claims = jwt.decode(
        token,
        jwt.PyJWK(key),
        algorithms=["RS256"],
        audience="https://graph.microsoft.com",
        issuer=configuration["issuer"],
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )
    assert claims["tid"] == sim.tenant().tenant_id
    assert claims["appid"] == sim.tenant().client_id
    assert "AuditLog.Read.All" in claims["roles"]
    assert claims["exp"] - claims["iat"] == sim.settings.token_lifetime_s


async def test_the_domain_names_the_tenant_as_well_as_its_id(sim):
    assert (await sim.ask_token("contoso.example")).status_code == 200


async def test_the_simulators_own_address_is_a_scope_for_both_apis(sim):
    token = (await sim.ask_token(scope="http://sim.test/.default")).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    graph = await sim.client.get("/v1.0/auditLogs/signIns?$top=1", headers=headers)
    activity = await sim.client.get(f"{sim.feed()}/subscriptions/list", headers=headers)
    assert (graph.status_code, activity.status_code) == (200, 200)


async def test_instance_discovery_vouches_for_this_host(sim):
    answer = await sim.client.get(
        "/common/discovery/instance",
        params={
            "api-version": "1.1",
            "authorization_endpoint": "http://sim.test/contoso.example/oauth2/v2.0/authorize",
        },
    )

    body = answer.json()
    assert body["metadata"][0]["aliases"] == ["sim.test"]
    assert (await sim.client.get(body["tenant_discovery_endpoint"])).status_code == 200


async def test_without_roles_the_token_has_no_roles_claim_and_the_apis_answer_403(make_sim):
    tenant = DEFAULT_TENANTS[0].model_copy(update={"graph_roles": (), "activity_roles": ()})
    sim = make_sim(tenants=(tenant,))

    claims = jwt.decode(await sim.token("graph"), options={"verify_signature": False})
    graph = await sim.graph("auditLogs/directoryAudits")
    activity = await sim.get("activity", f"{sim.feed()}/subscriptions/list")
    assert "roles" not in claims
    assert (graph.status_code, graph.json()["error"]["code"]) == (403, "Authentication_MSGraphPermissionMissing")
    assert (activity.status_code, activity.json()["error"]["code"]) == (403, "AF10001")


async def test_dlp_content_needs_a_role_of_its_own(make_sim):
    plain = DEFAULT_TENANTS[0].model_copy(update={"activity_roles": ("ActivityFeed.Read",)})
    sim = make_sim(tenants=(plain,))

    assert (await sim.start("Audit.General")).status_code == 200
    assert (await sim.start("DLP.All")).json()["error"]["code"] == "AF10001"


async def test_missing_foreign_forged_and_expired_tokens_answer_401(sim, signing_key):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    genuine = await sim.token("graph")
    forged = jwt.encode(jwt.decode(genuine, options={"verify_signature": False}), other, algorithm="RS256")

    async def graph(authorization):
        headers = {"Authorization": authorization} if authorization else {}
        return await sim.client.get("/v1.0/auditLogs/signIns", headers=headers)

    for authorization in (None, "Bearer", "Bearer x.y.z", f"Bearer {forged}", f"Bearer {await sim.token('activity')}"):
        answer = await graph(authorization)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert (await graph(f"Bearer {genuine}")).status_code == 200
    sim.clock.advance(3600)
    assert (await graph(f"Bearer {genuine}")).status_code == 401
    answer = await sim.client.get(f"{sim.feed()}/subscriptions/list", headers={"Authorization": f"Bearer {genuine}"})
    assert answer.status_code == 401
    assert "Message" in answer.json()


@pytest.fixture(scope="module")
def credential():
    """A key, its self-signed certificate in PEM, and the SHA-256 thumbprint."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AOC collector")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
        .sign(key, hashes.SHA256())
    )
    thumbprint = urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    return key, certificate.public_bytes(serialization.Encoding.PEM).decode(), thumbprint


@pytest.fixture
def certified(make_sim, credential):
    return make_sim(tenants=(DEFAULT_TENANTS[0].model_copy(update={"client_certificate_pem": credential[1]}),))


def assertion(sim, key, thumbprint, **changes):
    tenant = sim.tenant()
    now = int(sim.clock.now().timestamp())
    claims = {
        "aud": f"http://sim.test/{tenant.tenant_id}/oauth2/v2.0/token",
        "iss": tenant.client_id,
        "sub": tenant.client_id,
        "jti": str(uuid4()),
        "nbf": now,
        "exp": now + 600,
    } | changes
    return jwt.encode(claims, key, algorithm="PS256", headers={"x5t#S256": thumbprint})


async def with_assertion(sim, text):
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return await sim.ask_token(client_secret="", client_assertion_type=kind, client_assertion=text)


async def test_an_assertion_signed_with_the_registered_certificate_is_accepted(certified, credential):
    key, _, thumbprint = credential

    assert (await with_assertion(certified, assertion(certified, key, thumbprint))).status_code == 200


async def test_a_bad_assertion_is_refused(certified, credential):
    key, _, thumbprint = credential
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(certified.clock.now().timestamp())
    cases = [
        (assertion(certified, stranger, thumbprint), 700027),
        (assertion(certified, key, "AAAA"), 700027),
        ("no jwt", 700027),
        (assertion(certified, key, thumbprint, exp=now - 1), 700024),
        (assertion(certified, key, thumbprint, aud="https://elsewhere.example"), 700023),
        (assertion(certified, key, thumbprint, sub="somebody else"), 700021),
    ]

    answers = [(await with_assertion(certified, text)).json()["error_codes"] for text, _ in cases]

    assert answers == [[number] for _, number in cases]


async def test_an_assertion_without_a_registered_certificate_is_refused(sim, credential):
    key, _, thumbprint = credential

    answer = await with_assertion(sim, assertion(sim, key, thumbprint))
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [700027])
