"""What a tenant's directory says about an id: who or what it is, and what makes it worth a second look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

type EntityKind = Literal["user", "group", "service principal", "device", "role"]
KINDS: Final[tuple[EntityKind, ...]] = get_args(EntityKind.__value__)

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


_WORDS: Final = re.compile(r"[^a-z0-9]+")
#: Words of a user name's local part that say "no person".
_SERVICE_WORDS: Final = frozenset({"svc", "service", "srv", "serviceaccount", "svcaccount", "daemon", "robot", "rpa"})
#: The same, but only as its first word, since somebody may be called so.
_SERVICE_PREFIXES: Final = frozenset({"sa", "sync"})
_SERVICE_PHRASE: Final = re.compile(r"\b(?:service|svc) account\b")


def is_service_account(upn: str | None, name: str | None, *, licensed: bool | None, guest: bool | None) -> bool:
    """Whether a user is, by all that the directory says, one that no person signs in with.

    No field of Entra says so. The rule: a member without any licence (people have a mailbox or apps), and either the
    display name says "service account", or the local part of the user name holds one of `svc`, `service`, `srv`,
    `daemon`, `robot`, `rpa` as a whole word, or begins with the word `sa` or `sync` (Entra Connect's own account is
    `Sync_SERVER_0123456789ab@...`). Words end at whatever is no letter or digit: `svc-backup` is one, `svcetlana` none.
    A user whose licences are not known is taken for a person.
    """
    if guest or licensed is not False:
        return False
    words = [word for word in _WORDS.split((upn or "").partition("@")[0].casefold()) if word]
    named = not _SERVICE_WORDS.isdisjoint(words) or (len(words) > 1 and words[0] in _SERVICE_PREFIXES)
    return named or _SERVICE_PHRASE.search((name or "").casefold()) is not None
