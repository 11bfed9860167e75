"""What a mapper is, and what several of them need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import spelling
from aoc_normalizer import operations
from aoc_normalizer.bounds import cuts
from aoc_normalizer.draft import ADMIN, SERVICE, SYSTEM, USER, Draft, Party
from aoc_normalizer.fields import identities, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_normalizer.operations.scopes import Scope

_SYSTEM: Final = re.compile(r"(?i)^(nt authority|system)\b|\\system$")

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mapper:
    """Takes the records of one shape.

    `recognises` looks at a few keys only. `fill` writes what it finds into a draft; it may raise: the record then
    becomes a generic event that says so. `version` grows when its output changes, so that stored records can be mapped
    again.
    """

    name: str
    version: int
    recognises: Callable[[Record], bool]
    fill: Callable[[Record, Draft], None]


def user_party(record: Record) -> Party:
    """A Graph user identity: `id`, `displayName`, `userPrincipalName`."""
    upn = values.first(record, "userPrincipalName", "upn", "UPN")
    name = values.first(record, "displayName", "userDisplayName", "name")
    return Party(name=name, upn=upn.lower() if upn else None, uid=values.first(record, "id", "userId"), kind="user")


@lru_cache(maxsize=8192)
def named_party(identity: str | None, kind: str = "user") -> Party:
    """A party out of one string: an address, a GUID, a name, or one of the forms of `fields.identities`."""
    if identity is None:
        return Party(kind=kind)
    if (found := identities.parse(identity)) is not None:
        return Party(found.name, found.upn, found.uid, kind, found.user_type)
    if values.is_email(identity):
        return Party(upn=identity.lower(), kind=kind, user_type=USER)
    if values.is_guid(identity):
        return Party(uid=identity, kind=kind)
    system = _SYSTEM.search(identity) is not None
    service = identity.startswith("Certificate") or "serviceprincipal" in identity.lower()
    return Party(name=identity, kind=kind, user_type=SYSTEM if system else SERVICE if service else USER)


def admin(party: Party) -> Party:
    """The same party, as an administrator."""
    return Party(party.name, party.upn, party.uid, party.kind, ADMIN)


#: Tag of an event whose operation is one of another service than its record's.
FOREIGN_OPERATION: Final = "foreign-operation"


def apply_operation(draft: Draft, operation: str | None, scope: Scope = None) -> None:
    """Set operation, class, activity, severity and phrase from the tables. `scope`: whose operations can be meant."""
    text = operation or ""
    draft.operation = operations.shown(text)
    if not spelling.is_plain(text):
        draft.spelt = text
    if len(text) > spelling.LONGEST_OPERATION:
        cuts.note("cut-operation")
    found = operations.meaning(draft.operation, scope)
    if found.phrase is None and operations.is_foreign(draft.operation, scope) and operations.is_special(text):
        draft.tags.append(FOREIGN_OPERATION)
    draft.class_uid, draft.activity_id, draft.severity = found.class_uid, found.activity_id, found.severity
    draft.phrase, draft.otherwise = found.phrase, found.otherwise
