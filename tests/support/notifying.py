"""Microsoft as a sender of notifications, for tests of the gateway: it signs, seals and encrypts as documented."""

from __future__ import annotations

import hmac
import os
import uuid
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from aoc_common.contracts.webhooks import Seals
from aoc_common.errors import Unreachable

SECRET, OLD_SECRET = "s" * 40, "o" * 40
CONTOSO, FABRIKAM = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001", "fab01ca0-5a11-4d0e-9b1c-0a0c51a00002"
APP = "c0a70501-a99c-4011-8ec7-0a0c51a00011"
PUBLISHER = "0bf30f3b-4a52-48df-9a82-234910c4a086"
SUBSCRIPTION = "76619225-ff6b-4489-96ca-4ef547e78b22"
SEALS = Seals([SECRET])
AUTHORITY = "https://login.microsoftonline.com"


def make_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@dataclass
class Authority:
    """login.microsoftonline.com, as far as keys go. `away`: it does not answer."""

    keys: dict[str, rsa.RSAPrivateKey]
    asked: int = 0
    away: bool = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.away:
            return httpx.Response(503)
        assert str(request.url) == f"{AUTHORITY}/common/discovery/v2.0/keys"
        jwks = [
            {**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
            for kid, key in self.keys.items()
        ]
        return httpx.Response(200, json={"keys": jwks})

    def token(self, kid: str = "k1", key: rsa.RSAPrivateKey | None = None, **claims: Any) -> str:
        now = int(datetime.now(UTC).timestamp())
        whole = {
            "aud": APP,
            "iss": f"https://sts.windows.net/{CONTOSO}/",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "appid": PUBLISHER,
            "tid": CONTOSO,
            "ver": "1.0",
        } | claims
        given = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(given, key or self.keys[kid], algorithm="RS256", headers={"kid": kid})


def change(kind: str = "users", **members: Any) -> dict[str, Any]:
    """A genuine notification of contoso."""
    return {
        "id": uuid.uuid4().hex,
        "subscriptionId": SUBSCRIPTION,
        "subscriptionExpirationDateTime": "2026-11-26T08:00:00Z",
        "clientState": SEALS.seal(kind, "contoso", CONTOSO),
        "changeType": "updated",
        "resource": "Users/273a5506-0000-4000-8000-000000000001",
        "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": "273a5506-0000-4000-8000-000000000001"},
        "tenantId": CONTOSO,
    } | members


def lifecycle(event: str, kind: str = "users") -> dict[str, Any]:
    """An event in the life of a subscription."""
    return {
        "subscriptionId": SUBSCRIPTION,
        "subscriptionExpirationDateTime": "2026-11-26T08:00:00Z",
        "tenantId": CONTOSO,
        "clientState": SEALS.seal(kind, "contoso", CONTOSO),
        "lifecycleEvent": event,
    }


def encrypted(resource: bytes, public: rsa.RSAPublicKey, certificate: str = "cert-1") -> dict[str, str]:
    """`encryptedContent` as Microsoft makes it."""
    symmetric = os.urandom(32)
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES256(symmetric), modes.CBC(symmetric[:16])).encryptor()
    data = encryptor.update(padder.update(resource) + padder.finalize()) + encryptor.finalize()
    wrapped = public.encrypt(symmetric, OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None))
    return {
        "data": b64encode(data).decode(),
        "dataSignature": b64encode(hmac.digest(symmetric, data, "sha256")).decode(),
        "dataKey": b64encode(wrapped).decode(),
        "encryptionCertificateId": certificate,
        "encryptionCertificateThumbprint": "07293748CC064953A3052FB978C735FB89E61C3D",
    }


@dataclass
class Bus:
    """What was asked, as `kind tenant what`."""

    asked: list[str] = field(default_factory=list)
    away: bool = False

    async def __call__(self, jobs: Any) -> list[bool]:
        if self.away:
            raise Unreachable("away")
        subjects = [job.subject.removeprefix("aoc.jobs.") for job in jobs]
        new = [subject not in self.asked for subject in subjects]
        self.asked += sorted(subjects)
        return new


@dataclass
class Hooks:
    """A gateway in this process."""

    client: httpx.AsyncClient
    bus: Bus
    logged: list[Any]

    async def graph(self, *items: dict[str, Any], tokens: list[str] | None = None) -> httpx.Response:
        body = {"value": list(items)} | ({"validationTokens": tokens} if tokens is not None else {})
        return await self.client.post("/api/webhooks/graph", json=body)

    async def o365(self, body: Any, auth_id: str | None = None, **headers: str) -> httpx.Response:
        given = {"Webhook-AuthID": SEALS.seal("o365", "contoso", CONTOSO) if auth_id is None else auth_id, **headers}
        return await self.client.post("/api/webhooks/o365", json=body, headers=given)

    def refusals(self) -> list[str]:
        """Why things were refused, as logged."""
        return [
            reason
            for entry in self.logged
            if entry["event"] == "notification.refused"
            for reason in entry.get("reasons", [entry.get("reason")])
        ]
