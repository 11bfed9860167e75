"""Graph subscriptions: resources, app roles, lifetimes, and the stored subscriptions.

Sources: graph-docs, resources/subscription.md, subscription-post-subscriptions.md, change-notifications-overview.md
(paths and lifetimes), change-notifications-with-resource-data.md. Microsoft's table lists `/security/alerts` and not
yet `/security/alerts_v2`, and no resource data for any of the three; the simulator serves both, so that consumers can
be tested.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from aoc_sim.graph import errors
from aoc_sim.outgoing import is_loopback_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_sim.tokens import Caller

_DAYS_29 = timedelta(minutes=41_760)
_DAYS_30 = timedelta(minutes=43_200)
#: "Any value under 45 minutes after the time of the request is automatically set to 45 minutes".
_SHORTEST = timedelta(minutes=45)
#: "Per app and tenant combination: 100 total subscriptions".
_MOST = 100
_LONGEST_STATE = 128


@dataclass(frozen=True, slots=True)
class Subscribable:
    """A resource: for how long, with which app roles (one suffices), to which changes."""

    resource: str
    longest: timedelta
    roles: frozenset[str]
    changes: frozenset[str]
    kind: str
    path: str


RESOURCES = {
    resource.resource: resource
    for resource in (
        Subscribable(
            "users",
            _DAYS_29,
            frozenset({"User.Read.All", "Directory.Read.All"}),
            frozenset({"updated", "deleted"}),
            "#Microsoft.Graph.User",
            "Users",
        ),
        Subscribable(
            "groups",
            _DAYS_29,
            frozenset({"Group.Read.All", "Directory.Read.All"}),
            frozenset({"updated", "deleted"}),
            "#Microsoft.Graph.Group",
            "Groups",
        ),
        Subscribable(
            "security/alerts_v2",
            _DAYS_30,
            frozenset({"SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"}),
            frozenset({"created", "updated"}),
            "#Microsoft.Graph.Security.Alert",
            "security/alerts_v2",
        ),
    )
}
ROLES = tuple(sorted({role for resource in RESOURCES.values() for role in resource.roles}))


@dataclass(slots=True)
class Subscription:
    """One subscription of an app in a tenant."""

    id: str
    tenant_id: str
    app_id: str
    resource: Subscribable
    change_type: str
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires: datetime
    key: RSAPublicKey | None = None
    certificate_id: str | None = None
    reauthorized: int = 0

    def shown(self, *, state: bool = False) -> dict[str, Any]:
        """As Graph shows it; `clientState` only in answer to its creation."""
        return {
            "id": self.id,
            "resource": self.resource.resource,
            "applicationId": self.app_id,
            "changeType": self.change_type,
            "clientState": self.client_state if state else None,
            "notificationUrl": self.notification_url,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": _time(self.expires),
            "creatorId": self.app_id,
            "includeResourceData": self.key is not None,
            "encryptionCertificateId": self.certificate_id,
            "latestSupportedTlsVersion": "v1_2",
        }


class SubscriptionStore:
    """All subscriptions, in the order of their creation. Expired ones are removed."""

    def __init__(self) -> None:
        self._held: dict[str, Subscription] = {}

    def of_tenant(self, tenant_id: str, now: datetime) -> list[Subscription]:
        """A tenant's subscriptions."""
        self._held = {key: subscription for key, subscription in self._held.items() if subscription.expires > now}
        return [subscription for subscription in self._held.values() if subscription.tenant_id == tenant_id]

    def of(self, caller: Caller, now: datetime) -> list[Subscription]:
        """An app's subscriptions in a tenant."""
        return [
            subscription
            for subscription in self.of_tenant(caller.tenant_id, now)
            if subscription.app_id == caller.app_id
        ]

    def find(self, subscription_id: str, caller: Caller, now: datetime) -> Subscription:
        """The app's subscription with that id; 404 if there is none (any more)."""
        subscription = next((candidate for candidate in self.of(caller, now) if candidate.id == subscription_id), None)
        if subscription is None:
            raise errors.GraphError(404, "ResourceNotFound", "The object was not found.")
        return subscription

    def add(self, subscription: Subscription) -> None:
        """Store a subscription."""
        self._held[subscription.id] = subscription

    def remove(self, subscription: Subscription) -> None:
        """Remove a subscription."""
        self._held.pop(subscription.id, None)


def read_subscription(body: Mapping[str, Any], caller: Caller, held: int, now: datetime) -> Subscription:
    """The subscription that a request describes; 400 for what is wrong with it, 403 for what is not allowed."""
    resource = RESOURCES.get(str(body.get("resource", "")).strip("/"))
    if resource is None:
        raise refused(f"The resource '{body.get('resource')}' cannot be subscribed to.")
    if not caller.roles & resource.roles:
        raise errors.not_permitted("Authorization_RequestDenied", tuple(sorted(resource.roles)))
    if held >= _MOST:
        raise errors.GraphError(
            403, "Forbidden", f"The app has {_MOST} subscriptions in this tenant, which is the limit."
        )
    change_type = str(body.get("changeType", ""))
    if not change_type or not {resource.strip() for resource in change_type.split(",")} <= resource.changes:
        raise refused(f"changeType: of {', '.join(sorted(resource.changes))}.")
    state = body.get("clientState")
    if state is not None and (not isinstance(state, str) or len(state) > _LONGEST_STATE):
        raise refused(f"clientState: at most {_LONGEST_STATE} characters.")
    lifecycle = body.get("lifecycleNotificationUrl")
    key = _certificate(body) if body.get("includeResourceData") else None
    return Subscription(
        id=str(uuid4()),
        tenant_id=caller.tenant_id,
        app_id=caller.app_id,
        resource=resource,
        change_type=change_type,
        notification_url=read_url(body.get("notificationUrl"), "notificationUrl"),
        lifecycle_url=read_url(lifecycle, "lifecycleNotificationUrl") if lifecycle else None,
        client_state=state,
        expires=read_expiration(body.get("expirationDateTime"), resource, now),
        key=key,
        certificate_id=str(body["encryptionCertificateId"]) if key else None,
    )


def read_url(value: Any, name: str) -> str:
    """An address to call: of this machine only, where http will do."""
    if not isinstance(value, str) or not is_loopback_url(value):
        raise refused(f"{name}: the simulator calls nobody but this machine.")
    return value


def read_expiration(value: Any, resource: Subscribable, now: datetime) -> datetime:
    """When a subscription lapses."""
    try:
        # Graph takes and writes seven decimals; Python reads six.
        at = datetime.fromisoformat(str(value))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise refused("expirationDateTime: a time with its zone is needed.")
    if at <= now:
        raise refused("expirationDateTime: lies in the past.")
    if at - now > resource.longest:
        minutes = int(resource.longest.total_seconds() // 60)
        raise refused(f"Subscription expiration can only be {minutes} minutes in the future.")
    return max(at, now + _SHORTEST)


def _certificate(body: Mapping[str, Any]) -> RSAPublicKey:
    if not body.get("encryptionCertificateId"):
        raise refused("encryptionCertificateId: needed with includeResourceData.")
    try:
        der = b64decode(str(body.get("encryptionCertificate", "")), validate=True)
        loaded = (
            x509.load_pem_x509_certificate(der) if der.startswith(b"-----") else x509.load_der_x509_certificate(der)
        )
        key = loaded.public_key()
    except ValueError:
        raise refused("encryptionCertificate: no certificate in Base64.") from None
    if not isinstance(key, RSAPublicKey):
        raise refused("encryptionCertificate: the key must be RSA.")
    return key


def refused(message: str) -> errors.GraphError:
    """400."""
    return errors.GraphError(400, "InvalidRequest", message)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}0Z"
