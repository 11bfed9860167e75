"""The keys that reports are checked with, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt

from aoc_cli.reports.form import public_bytes, sign
from aoc_common.contracts.report_keys import jwk, thumbprint
from aoc_common.store.mongo.report_keys import MongoKeyRegister
from reporting import OURS, THEIRS, TOLD

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


async def test_keys_are_published_as_a_jwk_set_with_those_that_were_retired(gateway, database) -> None:
    register = MongoKeyRegister(database)
    old, new = public_bytes(THEIRS), public_bytes(OURS)
    await register.publish(old, NOW)
    await register.retire(thumbprint(old), NOW + timedelta(hours=1))
    await register.publish(new, NOW + timedelta(hours=1))
    answer = await gateway.get("/api/report-keys")

    common = {"alg": "EdDSA", "use": "sig"}
    assert answer.status_code == 200
    assert answer.json() == {
        "keys": [
            {**jwk(new), **common, "kid": thumbprint(new), "published_at": "2026-11-23T09:00:00Z", "retired_at": None},
            {
                **jwk(old),
                **common,
                "kid": thumbprint(old),
                "published_at": "2026-11-23T08:00:00Z",
                "retired_at": "2026-11-23T09:00:00Z",
            },
        ]
    }


async def test_a_library_checks_a_report_with_what_the_gateway_publishes(gateway, database) -> None:
    await MongoKeyRegister(database).publish(public_bytes(OURS), NOW)
    signed = sign(TOLD, OURS).strip()
    keys = jwt.PyJWKSet.from_dict((await gateway.get("/api/report-keys")).json())
    read = jwt.PyJWS().decode_complete(signed, keys[jwt.get_unverified_header(signed)["kid"]], ["EdDSA"])

    assert read["payload"].startswith(b'{"at":"2026-11-23T08:00:00Z"')


async def test_an_installation_that_signed_nothing_has_no_keys(gateway) -> None:
    assert (await gateway.get("/api/report-keys")).json() == {"keys": []}


async def test_a_parameter_that_the_route_does_not_have_is_refused(gateway) -> None:
    assert (await gateway.get("/api/report-keys", tenant="contoso")).status_code == 422
