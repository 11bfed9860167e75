"""Lists of `{ID, Type}` in the unified log: ids of one entity, and of two where a service acted for a person."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from aoc_normalizer.draft import NOBODY, SERVICE, USER, Party
from aoc_normalizer.fields import services, values

#: Who writes the names of a record otherwise (`fields.spellings`) has other ones here.
_IDS: Final = ("ID", "Id", "id")
_UPN, _PUID, _NAME, _ID, _SPN = "5", "3", "1", "2", "4"
_NOT_NAMES: Final = frozenset(
    {"user", "serviceprincipal", "group", "application", "device", "role", "other", "not available"}
)
_KINDS: Final = {
    "user": "user",
    "serviceprincipal": "service principal",
    "group": "group",
    "application": "application",
    "device": "device",
    "role": "role",
}
_PREFIXES: Final = ("user_", "serviceprincipal_", "group_", "application_", "device_", "role_")


class Acting(NamedTuple):
    """Who acted, and what he or she acted through: a person's portal is no person."""

    who: Party
    through: Party


def acting(listed: Any) -> Acting:
    """Who acted, of a list of ids: a person's, and beside them those of the service that acted for the person.

    In real records a person's list is UPN, PUID, [service's name], [service's id], `User_<id>`, id, `User`.
    """
    found = entity(listed)
    if found.kind != "user" or found.upn is None:
        return Acting(found, NOBODY)
    others = [
        identifier
        for item in values.objects(listed)
        if (identifier := values.first(item, *_IDS)) and values.is_guid(identifier) and identifier != found.uid
    ]
    if not others and found.name is not None and not services.is_known(found.name):
        return Acting(found, NOBODY)  # the person's own name
    through = Party(found.name, uid=others[0] if others else None, kind="application")
    return Acting(found._replace(name=None), through)


def entity(listed: Any) -> Party:
    """One entity out of a list of its ids: `{ID, Type}`, several ids of the same one."""
    name = upn = uid = kind = None
    prefixed: str | None = None
    for item in values.objects(listed):
        identifier, sort = values.first(item, *_IDS), values.first(item, "Type", "type")
        if identifier is None:
            continue
        folded = identifier.casefold()
        if folded in _NOT_NAMES:
            kind = _KINDS.get(folded, kind)
        elif sort == _UPN and values.is_email(identifier):
            upn = identifier.lower()
        elif folded.startswith(_PREFIXES):
            prefix, _, prefixed = identifier.partition("_")
            kind = _KINDS.get(prefix.casefold(), kind)
        elif sort == _ID or values.is_guid(identifier):
            uid = uid or identifier
        elif sort in {_NAME, _UPN}:
            name = name or identifier
        elif sort == _SPN and name is None:
            name = identifier.partition(";")[0]
    return Party(name, upn, prefixed or uid, kind, SERVICE if kind == "service principal" else USER)
