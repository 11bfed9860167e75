"""Entra ID in the unified log: directory changes (record type 8). Sign-ins (record type 15) are in `sign_ins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aoc_normalizer.draft import NOBODY, SERVICE, USER, Draft, Party
from aoc_normalizer.fields import services, values
from aoc_normalizer.fields.changes import changes, names_in
from aoc_normalizer.mappers import relations
from aoc_normalizer.mappers.unified import sign_ins
from aoc_normalizer.ocsf_classes import AUTHENTICATION

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Record

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


def fill(record: Record, draft: Draft) -> None:
    """Who acted, on whom or what, and to whom or what that now belongs."""
    # Graph's correlation id: in real records of both kinds (258 sign-ins, 164 changes) it is never absent.
    draft.action_id = values.text(record.get("InterSystemsId"))
    if draft.class_uid == AUTHENTICATION:
        sign_ins.fill(record, draft, acting(record.get("Actor")).who)
        return
    draft.used |= {"Actor", "Target", "ModifiedProperties"}
    draft.stated = (record.get("ModifiedProperties"),)
    draft.result_stated = record.get("ResultStatus") is not None
    _actor(record, draft)
    target = entity(record.get("Target"))
    if target.known:
        named = draft.targets[0] if draft.targets and (draft.targets[0].upn or draft.targets[0].name) else target
        kind = target.kind or _kind_of(draft.operation)
        draft.targets = [Party(target.name or named.name, target.upn or named.upn, target.uid, kind)]
    draft.changes = changes(record.get("ModifiedProperties"))
    draft.words |= names_in(draft.changes)
    relations.add(draft)


def _actor(record: Record, draft: Draft) -> None:
    found, through = acting(record.get("Actor"))
    if not found.known:
        return
    own = draft.actor
    if own.name and found.name:
        # The record calls its actor by two names, e.g. an application and `Certificate`.
        draft.search.append(own.name)
    service = found.kind == "service principal"
    draft.actor = Party(
        found.name or own.name,
        found.upn or own.upn,
        found.uid or own.uid,
        "user",
        found.user_type if service else own.user_type,
    )
    if service:
        through = found._replace(kind="application", user_type=USER)
    if through.known:
        # What acts for itself is named by its list alone; a person's record can name the application elsewhere too.
        app = draft.app
        draft.app = Party(through.name or app.name, uid=through.uid or app.uid, kind="application")


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
        if (identifier := values.text(item.get("ID"))) and values.is_guid(identifier) and identifier != found.uid
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
        identifier, sort = values.text(item.get("ID")), values.text(item.get("Type"))
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


def _kind_of(operation: str) -> str | None:
    words = operation.casefold()
    return next(
        (
            kind
            for word, kind in (
                ("service principal", "service principal"),
                ("application", "application"),
                ("group", "group"),
                ("device", "device"),
                ("user", "user"),
                ("member", "user"),
            )
            if word in words
        ),
        None,
    )
