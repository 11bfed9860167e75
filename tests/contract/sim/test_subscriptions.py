"""Graph subscriptions and their notifications, by real HTTP to this machine."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from datetime import timedelta

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aoc_sim.settings import DEFAULT_TENANTS
from each import each
from listening import listening


class Receiver:
    """An endpoint on this machine. `handshake` and `status` say how it answers; `got` is what came."""

    def __init__(self):
        self.url = ""
        self.handshakes, self.got, self.headers = [], [], []
        self.handshake = PlainTextResponse
        self.status = 202

    async def __call__(self, request):
        token = request.query_params.get("validationToken")
        if token is not None:
            self.handshakes.append(dict(request.query_params))
            return self.handshake(token)
        self.got.append(await request.body())
        self.headers.append(request.headers)
        return Response(status_code=self.status)

    def items(self):
        return [item for body in self.got for item in json.loads(body)["value"]]


@pytest.fixture
async def receiver():
    receiver = Receiver()
    async with listening(Starlette(routes=[Route("/hook", receiver.__call__, methods=["POST"])])) as where:
        receiver.url = f"{where}/hook?key=1"
        yield receiver


async def call(sim, method, path="", slug="contoso", **kwargs):
    headers = {"Authorization": f"Bearer {await sim.token('graph', slug)}"}
    return await sim.client.request(method, f"/v1.0/subscriptions{path}", headers=headers, **kwargs)


def wish(sim, url, **changes):
    return {
        "changeType": "updated,deleted",
        "notificationUrl": url,
        "lifecycleNotificationUrl": url,
        "resource": "users",
        "expirationDateTime": later(sim, days=3),
        "clientState": "secret",
    } | changes


def later(sim, **delta):
    return (sim.clock.now() + timedelta(**delta)).isoformat()


async def subscribe(sim, receiver, slug="contoso", **changes):
    answer = await call(sim, "POST", slug=slug, json=wish(sim, receiver.url, **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def notify(sim, **body):
    answer = await sim.client.post("/_notify", json={"tenant": "contoso", "resource": "users", **body})
    return [delivery["status"] for delivery in answer.json()["deliveries"]]


@each(
    ("changes", "status", "code"),
    [
        ({"resource": "me/messages"}, 400, "InvalidRequest"),
        ({"resource": None}, 400, "InvalidRequest"),
        ({"changeType": "created"}, 400, "InvalidRequest"),
        ({"changeType": ""}, 400, "InvalidRequest"),
        ({"clientState": "x" * 129}, 400, "InvalidRequest"),
        ({"notificationUrl": "https://aoc.example/hook"}, 400, "InvalidRequest"),
        ({"notificationUrl": None}, 400, "InvalidRequest"),
        ({"lifecycleNotificationUrl": "http://10.0.0.1/"}, 400, "InvalidRequest"),
        ({"expirationDateTime": "2026-01-14T15:00:00Z"}, 400, "InvalidRequest"),
        ({"expirationDateTime": "2026-01-15T15:00:00"}, 400, "InvalidRequest"),
        ({"expirationDateTime": "soon"}, 400, "InvalidRequest"),
        ({"includeResourceData": True}, 400, "InvalidRequest"),
        ({"includeResourceData": True, "encryptionCertificateId": "c", "encryptionCertificate": "AA=="}, 400, None),
        ({"notificationUrl": "http://127.0.0.1:1/"}, 400, "ValidationError"),
    ],
)
async def test_what_cannot_be_subscribed_to_is_refused(sim, receiver, changes, status, code):
    answer = await call(sim, "POST", json=wish(sim, receiver.url, **changes))

    assert status == answer.status_code
    assert code in {None, answer.json()["error"]["code"]}
    assert (await call(sim, "GET")).json()["value"] == []


@pytest.mark.parametrize(("resource", "most"), [("users", 41_760), ("groups", 41_760), ("/security/alerts_v2", 43_200)])
async def test_a_subscription_may_not_live_longer_than_microsoft_lets_it(sim, receiver, resource, most):
    longest = {"resource": resource, "changeType": "updated", "expirationDateTime": later(sim, minutes=most)}
    refused = await call(
        sim, "POST", json=wish(sim, receiver.url, **longest | {"expirationDateTime": later(sim, minutes=most + 1)})
    )

    assert refused.status_code == 400
    assert f"{most} minutes" in refused.json()["error"]["message"]
    assert (await subscribe(sim, receiver, **longest))["expirationDateTime"].startswith("2026-02-1")


async def test_a_short_life_becomes_45_minutes(sim, receiver):
    made = await subscribe(sim, receiver, expirationDateTime=later(sim, minutes=1))

    assert made["expirationDateTime"] == "2026-01-14T15:45:00.0000000Z"


@pytest.mark.parametrize(
    "handshake",
    [
        lambda token: PlainTextResponse(token, 202),
        lambda token: PlainTextResponse(token.replace(" ", "+")),
        lambda token: Response(token, media_type="text/html"),
        lambda token: PlainTextResponse(""),
    ],
)
async def test_an_endpoint_that_does_not_give_the_token_back_is_refused(sim, receiver, handshake):
    receiver.handshake = handshake
    answer = await call(sim, "POST", json=wish(sim, receiver.url))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ValidationError")


async def test_both_endpoints_are_asked_and_their_own_parameters_stay(sim, receiver):
    await subscribe(sim, receiver)

    assert [handshake["key"] for handshake in receiver.handshakes] == ["1", "1"]


async def test_the_app_role_of_the_resource_is_needed(make_sim, receiver):
    roles = tuple(role for role in DEFAULT_TENANTS[0].graph_roles if not role.startswith("SecurityAlert"))
    sim = make_sim(tenants=(DEFAULT_TENANTS[0].model_copy(update={"graph_roles": roles}),))
    refused = await call(sim, "POST", json=wish(sim, receiver.url, resource="security/alerts_v2", changeType="updated"))

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Authorization_RequestDenied")


async def test_a_subscription_is_listed_renewed_reauthorised_and_deleted(sim, receiver):
    made = await subscribe(sim, receiver)
    path = f"/{made['id']}"
    renewed = await call(sim, "PATCH", path, json={"expirationDateTime": later(sim, days=5)})
    listed = (await call(sim, "GET")).json()["value"]
    reauthorized = await call(sim, "POST", path + "/reauthorize")
    foreign = await call(sim, "GET", path, slug="fabrikam")
    deleted = await call(sim, "DELETE", path)
    repeated = [(await call(sim, method, path)).status_code for method in ("GET", "DELETE")]

    assert made["clientState"] == "secret"
    assert (renewed.status_code, renewed.json()["expirationDateTime"]) == (200, "2026-01-19T15:00:00.0000000Z")
    assert [(item["id"], item["clientState"]) for item in listed] == [(made["id"], None)]
    assert (reauthorized.status_code, deleted.status_code, repeated) == (204, 204, [404, 404])
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (404, "ResourceNotFound")


@pytest.mark.parametrize("body", [{}, {"clientState": "x"}, {"expirationDateTime": "2020-01-01T00:00:00Z"}, []])
async def test_what_cannot_be_changed_is_refused(sim, receiver, body):
    made = await subscribe(sim, receiver)

    assert (await call(sim, "PATCH", f"/{made['id']}", json=body)).status_code == 400


async def test_a_subscription_that_lapsed_is_gone(sim, receiver):
    made = await subscribe(sim, receiver)
    sim.clock.advance(3 * 86_400)

    assert (await sim.ask_token()).status_code == 200
    sim._tokens.clear()
    assert (await call(sim, "GET", f"/{made['id']}")).status_code == 404
    assert await notify(sim) == []


async def test_a_change_is_told_once_for_each_subscription_in_one_request(sim, receiver):
    first, second = await subscribe(sim, receiver), await subscribe(sim, receiver)
    await subscribe(sim, receiver, resource="groups")
    await subscribe(sim, receiver, slug="fabrikam")

    assert await notify(sim, ids=["u1"]) == [202]
    items = receiver.items()
    assert [item["subscriptionId"] for item in items] == [first["id"], second["id"]]
    assert {(item["clientState"], item["resource"], item["changeType"]) for item in items} == {
        ("secret", "Users/u1", "updated")
    }
    assert {item["tenantId"] for item in items} == {sim.tenant().tenant_id}
    assert len({item["id"] for item in items}) == 2


async def test_a_replay_is_the_same_byte_for_byte(sim, receiver):
    await subscribe(sim, receiver)
    receiver.status = 503

    assert (await notify(sim), await notify(sim, again=True)) == ([503], [503])
    assert receiver.got[0] == receiver.got[1]


async def test_lifecycle_events_go_to_those_who_want_them_and_removal_removes(sim, receiver):
    await subscribe(sim, receiver)
    await subscribe(sim, receiver, lifecycleNotificationUrl=None)
    for event in ("missed", "reauthorizationRequired", "subscriptionRemoved", "missed"):
        await notify(sim, lifecycle=event)

    events = ["missed", "reauthorizationRequired", "subscriptionRemoved"]
    assert [item["lifecycleEvent"] for item in receiver.items()] == events
    assert "resource" not in receiver.items()[0]
    assert len((await call(sim, "GET")).json()["value"]) == 1


async def test_resource_data_is_encrypted_for_the_subscriber_and_signed_by_the_authority(sim, receiver):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "aoc")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, sim.clock.now(), sim.clock.now() + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    rich = {"includeResourceData": True, "encryptionCertificateId": "c1"}
    made = await subscribe(
        sim,
        receiver,
        **rich,
        resource="security/alerts_v2",
        changeType="updated",
        encryptionCertificate=b64encode(certificate).decode(),
    )
    await notify(sim, resource="security/alerts_v2", ids=["a1"])
    (item,), content = receiver.items(), receiver.items()[0]["encryptedContent"]
    symmetric = key.decrypt(b64decode(content["dataKey"]), OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None))
    data = b64decode(content["data"])
    decryptor = Cipher(algorithms.AES256(symmetric), modes.CBC(symmetric[:16])).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    plain = unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()

    assert (item["subscriptionId"], content["encryptionCertificateId"]) == (made["id"], "c1")
    assert hmac.digest(symmetric, data, "sha256") == b64decode(content["dataSignature"])
    assert json.loads(plain)["id"] == "a1"
    (token,) = json.loads(receiver.got[0])["validationTokens"]
    jwks = jwt.PyJWKSet.from_dict((await sim.client.get("/common/discovery/v2.0/keys")).json())
    claims = jwt.decode(token, jwks.keys[0], ["RS256"], options={"verify_exp": False, "verify_aud": False})
    assert (claims["aud"], claims["azp"]) == (sim.tenant().client_id, "0bf30f3b-4a52-48df-9a82-234910c4a086")
    assert claims["iss"] == f"http://sim.test/{sim.tenant().tenant_id}/v2.0"


@pytest.mark.parametrize("body", [{"tenant": "x", "resource": "users"}, {"tenant": "contoso", "resource": "me"}])
async def test_there_is_nobody_to_notify_of_what_is_unknown(sim, body):
    assert (await sim.client.post("/_notify", json=body)).status_code == 404


async def test_a_management_webhook_is_told_of_content_until_it_has_failed_three_times(sim, receiver):
    hook = {"webhook": {"address": receiver.url, "authId": "ours", "expiration": ""}}
    receiver.status = 200
    await sim.start("Audit.Exchange", json=hook)
    first = await notify(sim, resource="Audit.Exchange")
    receiver.status = 500
    later_ones = [await notify(sim, resource="Audit.Exchange") for _ in range(4)]
    listed = (await sim.get("activity", f"{sim.feed()}/subscriptions/list")).json()

    assert (first, later_ones) == ([200], [[500], [500], [500], []])
    assert (listed[0]["status"], listed[0]["webhook"]["status"]) == ("enabled", "disabled")
    items = json.loads(receiver.got[1])
    shape = {"tenantId", "clientId", "contentType", "contentId", "contentUri", "contentCreated", "contentExpiration"}
    assert [set(item) for item in items] == [shape] * 10
    assert receiver.headers[1]["Webhook-AuthID"] == "ours"


async def test_a_management_webhook_whose_time_is_over_is_told_nothing(sim, receiver):
    hook = {"webhook": {"address": receiver.url, "authId": "ours", "expiration": "2026-01-14T16:00:00Z"}}
    receiver.status = 200
    await sim.start("Audit.Exchange", json=hook)
    sim.clock.advance(3601)

    assert await notify(sim, resource="Audit.Exchange") == []
