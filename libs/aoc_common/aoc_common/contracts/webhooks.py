"""How a notification from Microsoft proves whose it is, without anything stored for a tenant.

The collector gives Microsoft a *seal* with every subscription: `clientState` for Graph, `authId` for the Management
Activity API. Microsoft sends it back with each notification, and the gateway opens it. A seal names what it is for and
holds an HMAC-SHA256 of that, so only who knows the installation's secret can make one:

    kind.tenant.tenant-id-without-dashes.mac

That is 124 characters at most; Graph takes 128 (graph-docs, resources/subscription.md).
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal, cast
from uuid import UUID

from aoc_common.contracts import subjects
from aoc_common.contracts.sources import DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

type GraphKind = Literal["users", "groups", "alerts"]
type Kind = Literal["users", "groups", "alerts", "o365"]

#: Kind -> the Graph resource that is subscribed to.
RESOURCES: Final[Mapping[GraphKind, str]] = {
    "users": "users",
    "groups": "groups",
    "alerts": "security/alerts_v2",
}
#: Kind -> what is looked at when a notification says that there is news.
POLLED: Final[Mapping[GraphKind, str]] = {"users": DIRECTORY, "groups": DIRECTORY, "alerts": "graph-alerts"}

#: Below the public address. Both endpoints of a Graph subscription (notifications and lifecycle events) are one.
GRAPH_PATH: Final = "/api/webhooks/graph"
O365_PATH: Final = "/api/webhooks/o365"

#: Characters. A shorter secret is refused.
MIN_SECRET: Final = 32

_SEAL: Final = re.compile(r"(users|groups|alerts|o365)\.([a-z0-9-]{1,40})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a seal is for. `tenant_id` is Microsoft's directory id, in lower case with dashes."""

    kind: Kind
    tenant: str
    tenant_id: str


class Seals:
    """Makes seals with the first secret and opens those of all, so that a secret can be replaced without a gap."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [secret.encode() for secret in secrets]

    @property
    def key_id(self) -> str:
        """Names the secret that new seals are made with, without telling it.

        Part of the notification address, since Graph shows an address but no `clientState`: so the collector sees
        which subscriptions have an old seal.
        """
        return hmac.digest(self._keys[0], b"aoc webhook key id", sha256).hex()[:8]

    def seal(self, kind: Kind, tenant: str, tenant_id: str) -> str:
        """The seal of a kind of notification of a tenant. Raises `Malformed` or `ValueError` for what is no tenant."""
        text = f"{kind}.{subjects.check_tenant(tenant)}.{UUID(tenant_id).hex}"
        return f"{text}.{_mac(self._keys[0], text)}"

    def open(self, seal: str) -> Sealed | None:
        """What a seal is for; None when it was not made with one of the secrets. Compares in constant time."""
        match = _SEAL.fullmatch(seal)
        if match is None:
            return None
        text, _, mac = seal.rpartition(".")
        # All keys are tried, whichever fits: how long it takes says nothing.
        fits = [hmac.compare_digest(_mac(key, text), mac) for key in self._keys]
        if not any(fits):
            return None
        return Sealed(cast("Kind", match[1]), match[2], str(UUID(match[3])))


def _mac(key: bytes, text: str) -> str:
    digest = hmac.digest(key, b"aoc webhook seal\0" + text.encode(), sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")


def same_tenant(named: str, tenant_id: str) -> bool:
    """Whether a tenant id, as Microsoft spelt it, is this one."""
    try:
        return str(UUID(named)) == tenant_id
    except ValueError:
        return False
