"""Notifications end to end: simulator, gateway, bus and collector, each as itself, over real HTTP."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aoc_common.bus.broker import jetstream, make_broker
from aoc_common.contracts import subjects
from aoc_common.contracts.webhooks import Seals
from aoc_sim.settings import DEFAULT_TENANTS

RESOURCES = {"users", "groups", "security/alerts_v2"}


@pytest.mark.slow
async def test_a_notification_makes_the_collector_look_long_before_its_turn(
    microsoft, gateways, collecting, jobs_declared, database, settled, eventually
):
    await gateways.start()
    async with collecting():
        await settled()

        async def subscribed():
            hook = await microsoft.webhook()
            return set(await microsoft.subscriptions()) == RESOURCES and bool(hook and hook["status"] == "enabled")

        await eventually(subscribed, 30)

        created = await microsoft.control("/_directory", collection="users", set={"displayName": "New"})
        assert await microsoft.notify("users", ids=[created["id"]]) == [202]
        await eventually(lambda: _there(database["directory"], {"id": created["id"]}), 20)

        # The simulator's alerts are last updated some minutes after they come: the look counts, not what it finds.
        at = datetime.now(UTC)
        assert await microsoft.notify("security/alerts_v2") == [202]
        # An empty slice is at rest as soon as it is read.
        later = {"source": "graph-alerts", "state": {"$in": ["fetched", "settled"]}, "end": {"$gte": at}}
        await eventually(lambda: _there(database["ledger_slices"], later), 20)

        await microsoft.control("/_emit", source="o365-exchange", count=2)
        assert await microsoft.notify("Audit.Exchange") == [200]
        fetched = {"source": "o365-exchange", "state": "fetched", "records": 2}
        await eventually(lambda: _there(database["ledger_slices"], fetched), 20)


async def _there(collection, query):
    return await collection.count_documents(query) > 0


@pytest.mark.slow
async def test_two_replicas_keep_one_subscription_of_each_resource_whatever_happens_to_them(
    microsoft, gateways, collecting, jobs_declared, eventually
):
    async def one_each():
        found = await microsoft.subscriptions()
        return set(found) == RESOURCES and all(len(those) == 1 for those in found.values())

    async with collecting(replicas=2, interval_s=1):
        # The gateway comes up after the collectors.
        await asyncio.sleep(1)
        assert await microsoft.subscriptions() == {}
        await gateways.start()
        await eventually(one_each, 60)
        ids = {subscription["id"] for those in (await microsoft.subscriptions()).values() for subscription in those}

        # Left alone, they stay the same.
        await asyncio.sleep(2.5)
        assert ids == {
            subscription["id"] for those in (await microsoft.subscriptions()).values() for subscription in those
        }

        # Graph removes one and says so; somebody deletes another and nobody says so; one is about to lapse.
        assert await microsoft.notify("users", lifecycle="subscriptionRemoved") == [202]
        lost = (await microsoft.subscriptions())["groups"][0]["id"]
        await microsoft.call("DELETE", f"/v1.0/subscriptions/{lost}")
        ending = (await microsoft.subscriptions())["security/alerts_v2"][0]["id"]
        soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await microsoft.call("PATCH", f"/v1.0/subscriptions/{ending}", json={"expirationDateTime": soon})

        async def mended():
            found = await microsoft.subscriptions()
            if not await one_each():
                return False
            until = datetime.fromisoformat(found["security/alerts_v2"][0]["expirationDateTime"])
            renewed = until > datetime.now(UTC) + timedelta(days=2)
            return renewed and found["security/alerts_v2"][0]["id"] == ending

        await eventually(mended, 30)


@pytest.mark.slow
async def test_a_lifecycle_event_makes_the_collector_reauthorise(
    microsoft, gateways, collecting, jobs_declared, eventually, caplog
):
    await gateways.start()
    async with collecting():

        async def subscribed():
            return set(await microsoft.subscriptions()) == RESOURCES

        await eventually(subscribed, 30)
        (mine,) = (await microsoft.subscriptions())["users"]
        assert await microsoft.notify("users", lifecycle="reauthorizationRequired") == [202]

        async def reauthorised():
            return (await microsoft.client.get("/_subscriptions/contoso")).json()["value"][mine["id"]] > 0

        await eventually(reauthorised, 20)


@pytest.mark.slow
async def test_a_new_secret_replaces_all_subscriptions_without_a_gap(
    microsoft, gateways, collecting, jobs_declared, eventually
):
    await gateways.start()
    async with collecting():

        async def subscribed():
            hook = await microsoft.webhook()
            return set(await microsoft.subscriptions()) == RESOURCES and hook is not None

        await eventually(subscribed, 30)
    old = await microsoft.subscriptions()
    old_hook = await microsoft.webhook()
    gateways.stop()
    both = {"AOC_WEBHOOKS__SECRET": "env:AOC_TEST_NEW_SECRET", "AOC_WEBHOOKS__PREVIOUS_SECRET": "env:AOC_TEST_SECRET"}
    await gateways.start(**both)
    assert await microsoft.notify("groups") == [202]

    async with collecting(secret="env:AOC_TEST_NEW_SECRET"):

        async def replaced():
            found = await microsoft.subscriptions()
            gone = {subscription["id"] for those in old.values() for subscription in those}
            left = {subscription["id"] for those in found.values() for subscription in those}
            return set(found) == RESOURCES and not gone & left

        await eventually(replaced, 30)
        assert all(len(those) == 1 for those in (await microsoft.subscriptions()).values())

        # The webhook is replaced at the next look, for which the old one is still good.
        await microsoft.control("/_emit", source="o365-exchange", count=1)
        assert await microsoft.notify("Audit.Exchange") == [200]

        async def registered_anew():
            return (await microsoft.webhook())["authId"] != old_hook["authId"]

        await eventually(registered_anew, 20)


@pytest.mark.slow
async def test_without_an_address_nothing_is_subscribed_to(microsoft, collecting, settled):
    async with collecting(public_url=None):
        await settled()

        assert await microsoft.subscriptions() == {}
        assert await microsoft.webhook() is None


@pytest.mark.slow
async def test_a_signed_and_encrypted_notification_of_the_simulator_becomes_one_job(
    microsoft, gateways, jobs_declared, nats_as, tmp_path, monkeypatch
):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encodings = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(key.private_bytes(*encodings))
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "aoc")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    der = certificate.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    await gateways.start(AOC_WEBHOOKS__DECRYPTION_KEYS=f'{{"c1": "file:{tmp_path / "key.pem"}"}}')
    contoso, url = DEFAULT_TENANTS[0], f"{gateways.url}/api/webhooks/graph"
    subscription = {
        "changeType": "updated",
        "resource": "security/alerts_v2",
        "notificationUrl": url,
        "lifecycleNotificationUrl": url,
        "expirationDateTime": (now + timedelta(days=1)).isoformat(),
        "clientState": Seals([gateways.secret]).seal("alerts", "contoso", contoso.tenant_id),
        "includeResourceData": True,
        "encryptionCertificate": b64encode(der).decode(),
        "encryptionCertificateId": "c1",
    }
    await microsoft.call("POST", "/v1.0/subscriptions", json=subscription)

    sent = await microsoft.notify("security/alerts_v2", ids=["a1"])
    again = await microsoft.notify("security/alerts_v2", again=True)

    broker = make_broker(nats_as("collector"), "collector")
    await broker.connect()
    js = jetstream(broker)
    polls = await js.pull_subscribe(subjects.ALL_POLL_JOBS, durable="collector-polls", stream=subjects.JOBS_STREAM)
    (message,) = await polls.fetch(1, timeout=5)
    await message.ack()
    third = await microsoft.notify("security/alerts_v2", again=True)
    left = (await js.stream_info(subjects.JOBS_STREAM)).state.messages
    await broker.stop()
    assert (sent, again, third) == ([202], [202], [202])
    assert message.subject == "aoc.jobs.poll.contoso.graph-alerts"
    assert left == 0
