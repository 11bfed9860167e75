"""What a tenant's directory says about an id: who or what it is, and what makes it worth a second look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

type EntityKind = Literal["user", "group", "service principal", "device", "role"]

#: Characters of a key: object ids, addresses and application ids are shorter.
MAX_KEY: Final = 256


@dataclass(frozen=True, slots=True)
class Entity:
    """A user, group, service principal, device or role of a tenant's directory.

    - `id`: the object id. `app_id`: a service principal's application id.
    - `enabled`, `guest`: None where the directory does not say, or the kind has none.
    - `service_account`: a user that no person signs in with.
    - `roles`: names of the directory roles held, in order. `privileged`: one of them is privileged.
    """

    id: str
    kind: EntityKind
    name: str | None = None
    upn: str | None = None
    app_id: str | None = None
    enabled: bool | None = None
    guest: bool | None = None
    department: str | None = None
    service_account: bool = False
    roles: tuple[str, ...] = ()
    privileged: bool = False


def key(text: str) -> str:
    """The spelling by which an entity is looked up: object id, application id, device id, role template id, UPN."""
    return text.strip().casefold()[:MAX_KEY]
