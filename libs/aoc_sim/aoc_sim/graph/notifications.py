"""What Graph sends to subscribers: changes, with or without resource data, and events in a subscription's life.

Sources: graph-docs, changenotificationcollection.md, change-notifications-lifecycle-events.md,
change-notifications-with-resource-data.md. Microsoft repeats what was not answered 2xx within 3 s for up to 4 h; the
simulator, which does nothing between requests, repeats only on request.
"""

from __future__ import annotations

import hmac
import os
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import orjson
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from aoc_sim.outgoing import SentRequest, post

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from aoc_sim.clock import Clock
    from aoc_sim.graph.subscription_store import Subscription, SubscriptionStore
    from aoc_sim.tokens import Tokens

type LifecycleEvent = Literal["reauthorizationRequired", "subscriptionRemoved", "missed"]

#: The application that sends change notifications.
PUBLISHER = "0bf30f3b-4a52-48df-9a82-234910c4a086"
_PATIENCE_S = 3.0
_TOKEN_LIFETIME_S = 3600


class Notifier:
    """Sends notifications to the subscribers of a tenant."""

    def __init__(self, store: SubscriptionStore, tokens: Tokens, clock: Clock) -> None:
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._sequence = 0
        self.last: list[SentRequest] = []

    async def changed(self, tenant_id: str, resource: str, ids: Sequence[str], issuer: str) -> list[SentRequest]:
        """Notify of changes of these objects. `issuer` is the base address of the tenant's tokens."""
        subscribers = self._subscribers(tenant_id, resource)
        return await self._send(
            (
                (subscription.notification_url, subscription, self._change(subscription, object_id))
                for subscription in subscribers
                for object_id in ids
            ),
            issuer,
        )

    async def lifecycle(self, tenant_id: str, resource: str, event: LifecycleEvent, issuer: str) -> list[SentRequest]:
        """Send a lifecycle event to the subscriptions of a resource; `subscriptionRemoved` removes them."""
        subscribers = [
            subscription for subscription in self._subscribers(tenant_id, resource) if subscription.lifecycle_url
        ]
        if event == "subscriptionRemoved":
            for subscription in subscribers:
                self._store.remove(subscription)
        return await self._send(
            (
                (subscription.lifecycle_url or "", subscription, _head(subscription) | {"lifecycleEvent": event})
                for subscription in subscribers
            ),
            issuer,
        )

    async def repeat(self) -> list[SentRequest]:
        """Send what was sent last once more, byte for byte."""
        return [await _deliver(delivery.url, delivery.body) for delivery in self.last]

    def reauthorized(self, tenant_id: str) -> dict[str, int]:
        """A tenant's subscriptions: id -> how often each was reauthorised."""
        return {
            subscription.id: subscription.reauthorized
            for subscription in self._store.of_tenant(tenant_id, self._clock.now())
        }

    def _subscribers(self, tenant_id: str, resource: str) -> list[Subscription]:
        held = self._store.of_tenant(tenant_id, self._clock.now())
        return [subscription for subscription in held if subscription.resource.resource == resource]

    def _change(self, subscription: Subscription, object_id: str) -> dict[str, Any]:
        self._sequence += 1
        path = f"{subscription.resource.path}/{object_id}"
        item = _head(subscription) | {
            "id": uuid4().hex,
            "changeType": "updated",
            "resource": path,
            "resourceData": {
                "@odata.type": subscription.resource.kind,
                "@odata.id": path,
                "id": object_id,
                "organizationId": subscription.tenant_id,
                "sequenceNumber": self._sequence,
            },
        }
        if subscription.key is not None:
            resource = orjson.dumps({"@odata.type": subscription.resource.kind, "id": object_id})
            item["encryptedContent"] = encrypt(resource, subscription.key) | {
                "encryptionCertificateId": subscription.certificate_id
            }
        return item

    async def _send(self, items: Iterable[tuple[str, Subscription, dict[str, Any]]], issuer: str) -> list[SentRequest]:
        """One request for each address, whatever subscriptions it has."""
        batches: dict[str, dict[str, Any]] = {}
        for url, subscription, item in items:
            batch = batches.setdefault(url, {"value": []})
            batch["value"].append(item)
            if subscription.key is not None and "validationTokens" not in batch:
                batch["validationTokens"] = [self._token(subscription, issuer)]
        self.last = [await _deliver(url, orjson.dumps(batch)) for url, batch in batches.items()]
        return self.last

    def _token(self, subscription: Subscription, issuer: str) -> str:
        now = int(self._clock.now().timestamp())
        return self._tokens.sign(
            {
                "aud": subscription.app_id,
                "iss": f"{issuer}/{subscription.tenant_id}/v2.0",
                "iat": now,
                "nbf": now,
                "exp": now + _TOKEN_LIFETIME_S,
                "azp": PUBLISHER,
                "azpacr": "2",
                "tid": subscription.tenant_id,
                "uti": uuid4().hex,
                "ver": "2.0",
            }
        )


def encrypt(resource: bytes, key: RSAPublicKey) -> dict[str, str]:
    """Resource data under a key of its own, which is wrapped with the subscriber's."""
    symmetric = os.urandom(32)
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES256(symmetric), modes.CBC(symmetric[:16])).encryptor()
    data = encryptor.update(padder.update(resource) + padder.finalize()) + encryptor.finalize()
    oaep = OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303  # as Microsoft documents it
    return {
        "data": b64encode(data).decode(),
        "dataSignature": b64encode(hmac.digest(symmetric, data, sha256)).decode(),
        "dataKey": b64encode(key.encrypt(symmetric, oaep)).decode(),
    }


def _head(subscription: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": subscription.expires.isoformat(),
        "clientState": subscription.client_state,
        "tenantId": subscription.tenant_id,
    }


async def _deliver(url: str, body: bytes) -> SentRequest:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = await post(url, body, timeout_s=_PATIENCE_S, headers=headers)
    return SentRequest(url, body, answer.status_code if answer is not None else 0)
