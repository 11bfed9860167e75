"""API keys: shown once, never more than their maker has, ended at once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from aoc_common.contracts.access import Grant
from aoc_common.contracts.credentials import fingerprint, is_api_key, new_api_key
from aoc_common.store.api_keys import ApiKey
from aoc_common.store.mongo.api_keys import MongoApiKeys
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.records import TenantRecord
from each import each
from making import NOW
from signing_in import bearer, make_key
from tenant_registry import settings_of

READER = {"role": "reader", "tenants": ["contoso"]}


def wish(*grants, **more):
    return {"name": "nightly", "grants": list(grants or [READER])} | more


@pytest.fixture
async def admin(browser):
    await browser.sign_in("superadmin")
    return browser


@pytest.fixture
async def made(admin):
    """A key that reads contoso, and what was told of it."""
    answer = await admin.fetch("POST", "/api/api-keys", json=wish())
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_what_is_answered_of_a_new_key_is_what_is_read_later(admin, made) -> None:
    [listed] = (await admin.client.get("/api/api-keys")).json()["items"]

    assert made["key"] == listed


async def test_a_key_opens_what_it_was_made_for_and_nothing_else(aoc, made) -> None:
    client, headers = (await aoc.browser()).client, bearer(made["secret"])
    statuses = {
        tenant: (await client.get("/api/events", params={"tenant": tenant}, headers=headers)).status_code
        for tenant in ("contoso", "fabrikam")
    }
    collecting = await client.post(
        "/api/fetch-audit-logs",
        json={"tenant": "contoso", "start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"},
        headers=headers,
    )

    assert statuses == {"contoso": 200, "fabrikam": 403}
    assert collecting.status_code == 403
    assert (await client.get("/api/me", headers=headers)).json()["principal"] == f"key/{made['key']['id']}"


async def test_a_key_is_shown_once_and_stored_as_its_hash(admin, made, database) -> None:
    listed = (await admin.client.get("/api/api-keys")).text
    stored = str(await database["api_keys"].find().to_list(None))

    assert made["secret"] not in listed + stored
    assert made["secret"].removeprefix("aoc_") not in listed + stored
    assert made["key"]["id"] in listed
    assert fingerprint(made["secret"]).hash in stored


@each(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key[:10] + ("0" if key[10] != "0" else "1") + key[11:],
        lambda key: key.swapcase(),
        lambda key: key.removeprefix("aoc_"),
        lambda key: "aoc_",
        lambda _: new_api_key(),
    ],
)
async def test_a_key_that_was_never_made_opens_nothing(aoc, made, change) -> None:
    client = (await aoc.browser()).client
    answer = await client.get("/api/me", headers=bearer(change(made["secret"])))

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="aoc", error="invalid_token"'


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Basic {}")],
        [("Authorization", "Bearer")],
        [("Authorization", "{}")],
        [("Authorization", "Bearer {}"), ("Authorization", "Bearer {}")],
        [("X-Api-Key", "{}")],
    ],
)
async def test_a_key_counts_in_one_place_only(aoc, made, headers) -> None:
    client = (await aoc.browser()).client
    filled = [(name, value.format(made["secret"])) for name, value in headers]

    assert (await client.get("/api/me", headers=filled)).status_code in {400, 401}
    assert (await client.get("/api/me", params={"api_key": made["secret"]})).status_code == 401


async def test_a_revoked_key_opens_nothing_at_once_here_and_within_seconds_elsewhere(admin, made, installed) -> None:
    headers = bearer(made["secret"])
    elsewhere = (await (await installed()).browser()).client
    before = (await elsewhere.get("/api/me", headers=headers)).status_code
    revoked = await admin.fetch("DELETE", f"/api/api-keys/{made['key']['id']}")
    admin.client.cookies.clear()
    here = await admin.client.get("/api/me", headers=headers)
    restarted = await (await (await installed()).browser()).client.get("/api/me", headers=headers)

    assert (before, revoked.json()["state"]) == (200, "revoked")
    assert (here.status_code, restarted.status_code) == (401, 401)
    assert "revoked" in here.json()["detail"]


async def test_a_key_that_has_expired_opens_nothing(aoc, database) -> None:
    secret = await make_key(database, days=-0.01)
    answer = await (await aoc.browser()).client.get("/api/me", headers=bearer(secret))

    assert (answer.status_code, "expired" in answer.json()["detail"]) == (401, True)


@each(
    ("role", "tenant", "grant", "status"),
    [
        ("superadmin", "contoso", {"role": "superadmin", "everything": True}, 201),
        ("admin", "contoso", {"role": "admin", "everything": True}, 201),
        ("admin", "contoso", {"role": "superadmin", "everything": True}, 403),
        ("admin", "contoso", {"role": "superadmin", "tenants": ["contoso"]}, 403),
        ("analyst", "contoso", READER, 403),
        ("reader", "contoso", READER, 403),
        (None, "contoso", READER, 403),
        # fabrikam's own people are no tenant's administrators here: it is not registered, and no home tenant.
        ("superadmin", "contoso", {"role": "reader", "tenants": ["contoso"], "everything": True}, 422),
        ("superadmin", "contoso", {"role": "reader"}, 422),
        ("superadmin", "contoso", {"role": "owner", "everything": True}, 422),
        ("superadmin", "contoso", {"role": "reader", "tenants": ["A.*"]}, 422),
        ("superadmin", "contoso", {"role": "reader", "everything": True, "until": "2099-01-01T00:00:00Z"}, 422),
    ],
)
async def test_a_key_can_do_nothing_that_its_maker_cannot(browser, role, tenant, grant, status) -> None:
    await browser.sign_in(role, tenant)
    answer = await browser.fetch("POST", "/api/api-keys", json=wish(grant))

    assert answer.status_code == status, answer.text


async def test_a_key_makes_no_keys(aoc, database) -> None:
    headers = bearer(await make_key(database))
    answer = await (await aoc.browser()).client.post("/api/api-keys", json=wish(), headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")


@each("change", [{"days": 0}, {"days": 367}, {"name": ""}, {"name": "a\x1b[31m"}, {"name": "x" * 101}, {"grants": []}])
async def test_a_wish_that_cannot_be_is_refused_by_name(admin, change) -> None:
    answer = await admin.fetch("POST", "/api/api-keys", json=wish() | change)

    assert answer.status_code == 422
    assert next(iter(change)) in answer.json()["detail"]


async def test_a_key_outlives_the_roles_of_its_maker_until_a_superadmin_revokes_it(aoc, admin) -> None:
    maker, program = await aoc.browser(), (await aoc.browser()).client
    await maker.sign_in("admin")
    me = (await maker.client.get("/api/me")).json()["principal"]
    made = (await maker.fetch("POST", "/api/api-keys", json=wish())).json()
    maker.take_away("admin")
    await maker.sign_in(None)
    asked = {"params": {"tenant": "contoso"}, "headers": bearer(made["secret"])}
    meanwhile = await program.get("/api/events", **asked)
    theirs = [key["id"] for key in (await admin.client.get("/api/api-keys")).json()["items"] if key["made_by"] == me]
    revoked = await admin.fetch("DELETE", f"/api/api-keys/{theirs[0]}")

    now = (await maker.client.get("/api/me")).json()
    assert (now["principal"], now["grants"]) == (me, [])
    assert (meanwhile.status_code, theirs, revoked.json()["state"]) == (200, [made["key"]["id"]], "revoked")
    assert (await program.get("/api/events", **asked)).status_code == 401


async def test_keys_of_others_are_nobodys_business(aoc, admin, made) -> None:
    other = await aoc.browser()
    await other.sign_in("admin")
    listed = (await other.client.get("/api/api-keys")).json()["items"]
    revoked = await other.fetch("DELETE", f"/api/api-keys/{made['key']['id']}")

    assert (listed, revoked.status_code) == ([], 404)
    assert (await admin.client.get("/api/api-keys")).json()["items"][0]["state"] == "valid"


async def test_when_a_key_was_used_last_is_written_together_and_never_goes_back(aoc, made, database) -> None:
    client, headers = (await aoc.browser()).client, bearer(made["secret"])
    used = aoc.app.state.services.key_verification.used
    for _ in range(3):
        await client.get("/api/me", headers=headers)
    before = (await MongoApiKeys(database).listed())[0].used_at
    await used.write()
    after = (await MongoApiKeys(database).listed())[0].used_at
    await MongoApiKeys(database).note_used({made["key"]["id"]: datetime(2026, 1, 1, tzinfo=UTC)})

    assert before is None
    assert after is not None
    assert (await MongoApiKeys(database).listed())[0].used_at == after


async def test_a_key_that_is_put_again_is_renewed_and_one_that_was_revoked_stays_so(database) -> None:
    keys, now = MongoApiKeys(database), datetime.now(UTC).replace(microsecond=0)
    of = fingerprint(new_api_key())
    key = ApiKey(of.id, "a", (Grant("reader", everything=True),), "someone", now, now + timedelta(days=1))
    await keys.put(key, of)
    longer = ApiKey(of.id, "b", (Grant("admin", everything=True),), "other", now, now + timedelta(days=9))
    await keys.put(longer, of)
    renewed = await keys.find(of)
    await keys.revoke(of.id, "someone", now)
    await keys.put(longer, of)
    revoked = await keys.find(of)

    assert renewed is not None
    assert (renewed.name, renewed.made_by, renewed.expires_at) == ("b", "someone", longer.expires_at)
    assert revoked is not None
    assert not revoked.valid(now)


async def test_neither_logs_nor_answers_hold_a_key(aoc, made) -> None:
    client, secret = (await aoc.browser()).client, made["secret"]
    broken = secret[:-3] + "zzz"
    answers = [
        await client.get("/api/me", headers=bearer(secret)),
        await client.get("/api/nothing", headers=bearer(secret)),
        await client.get("/api/events", params={"cursor": "x"}, headers=bearer(secret)),
        await client.get("/api/me", headers=bearer(broken)),
        await client.get("/metrics", headers=bearer(secret)),
        await client.get("/health", headers=bearer(secret)),
    ]
    written = "\n".join([*map(str, aoc.logged), *(answer.text for answer in answers)])

    assert "sign_in.refused" in written
    assert not re.search(r"aoc_[0-9A-Za-z]{20}", written)
    assert is_api_key(secret)


async def test_a_key_is_ended_by_its_maker_however_many_he_has_made_since(admin, made, monkeypatch) -> None:
    async def listed(*_: object) -> list[ApiKey]:
        return []  # the newest ones only

    monkeypatch.setattr(MongoApiKeys, "listed", listed)
    assert (await admin.fetch("DELETE", f"/api/api-keys/{made['key']['id']}")).json()["state"] == "revoked"


async def test_a_key_is_not_over_another_organisation_that_has_got_a_name_since(aoc, made, database) -> None:
    headers = bearer(made["secret"])
    client = (await aoc.browser()).client
    assert (await client.get("/api/events?tenant=contoso", headers=headers)).status_code == 200
    await MongoTenantSettings(database).put(
        TenantRecord("contoso", "active", 1, NOW, NOW, settings_of("contoso", tenant_id=str(uuid4())))
    )
    key = (await MongoApiKeys(database).listed())[0]
    await MongoApiKeys(database).put(replace(key, directories={"contoso": str(uuid4())}), fingerprint(made["secret"]))
    aoc.app.state.services.registry.stored.wake()
    aoc.app.state.services.key_verification.forget(key.id)

    assert (await client.get("/api/events?tenant=contoso", headers=headers)).status_code == 403
    assert (await client.get("/api/me", headers=headers)).json()["grants"] == []


async def test_a_key_remembers_the_organisations_that_it_is_over(aoc, admin, database) -> None:
    settings = settings_of("contoso")
    await MongoTenantSettings(database).put(TenantRecord("contoso", "active", 1, NOW, NOW, settings))
    aoc.app.state.services.registry.stored.wake()
    await admin.fetch("POST", "/api/api-keys", json=wish())

    assert (await MongoApiKeys(database).listed())[0].directories == {"contoso": settings["tenant_id"]}
