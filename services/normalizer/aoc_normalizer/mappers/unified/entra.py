"""Entra ID in the unified log: directory changes (record type 8) and sign-ins (record type 15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import LOW, SERVICE, Change, Draft, Party
from aoc_normalizer.fields import addresses, signin_errors, values
from aoc_normalizer.fields.changes import changes, names_in
from aoc_normalizer.mappers import signin_details
from aoc_normalizer.ocsf_classes import AUTHENTICATION
from aoc_normalizer.render.sentences import sign_in

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
#: Graph's names for a device's properties, and those of the unified log.
_DEVICE: Final = {
    "displayName": "displayname",
    "deviceId": "id",
    "operatingSystem": "os",
    "browser": "browsertype",
    "isCompliant": "iscompliant",
    "isManaged": "iscompliantandmanaged",
    "trustType": "trusttype",
}


def fill(record: Record, draft: Draft) -> None:
    """Actor and target lists, modified properties; sign-in errors."""
    # Graph's correlation id: in real records of both kinds (258 sign-ins, 164 changes) it is never absent.
    draft.action_id = values.text(record.get("InterSystemsId"))
    if draft.class_uid == AUTHENTICATION:
        _sign_in(record, draft)
        return
    draft.used |= {"Actor", "Target", "ModifiedProperties"}
    draft.stated = (record.get("ModifiedProperties"),)
    draft.result_stated = record.get("ResultStatus") is not None
    acting = entity(record.get("Actor"))
    if acting.known:
        own = draft.actor
        if own.name and acting.name:
            # The record calls its actor by two names, e.g. an application and `ServicePrincipal_<id>`.
            draft.search.append(own.name)
        draft.actor = Party(
            acting.name or own.name,
            acting.upn or own.upn,
            acting.uid or own.uid,
            "user",
            acting.user_type if acting.kind == "service principal" else own.user_type,
        )
        if acting.kind == "service principal":
            draft.app = Party(name=acting.name, uid=acting.uid, kind="application")
    target = entity(record.get("Target"))
    if target.known:
        named = draft.targets[0] if draft.targets and (draft.targets[0].upn or draft.targets[0].name) else target
        kind = target.kind or _kind_of(draft.operation)
        draft.targets = [Party(target.name or named.name, target.upn or named.upn, target.uid, kind)]
    draft.changes = changes(record.get("ModifiedProperties"))
    draft.words |= names_in(draft.changes)
    if role := draft.words.get("role"):
        draft.privileges = [role]
    if group := draft.words.get("group"):
        draft.targets.append(Party(name=group, uid=_id_of_group(draft.changes), kind="group"))


def _id_of_group(listed: list[Change]) -> str | None:
    change = next((one for one in listed if one.name.casefold() == "group.objectid"), None)
    return values.text(change.new or change.old) if change else None


def entity(listed: Any) -> Party:
    """One entity out of a list of its ids: `{ID, Type}`, several ids of the same one."""
    name = upn = uid = kind = None
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
            prefix, _, rest = identifier.partition("_")
            uid, kind = rest, _KINDS.get(prefix.casefold(), kind)
        elif sort == _ID or values.is_guid(identifier):
            uid = uid or identifier
        elif sort in {_NAME, _UPN}:
            name = name or identifier
        elif sort == _SPN and name is None:
            name = identifier.partition(";")[0]
    return Party(name, upn, uid, kind, SERVICE if kind == "service principal" else 1)


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


def _sign_in(record: Record, draft: Draft) -> None:
    draft.used |= {"ErrorNumber", "LogonError", "ActorIpAddress"}
    draft.address = addresses.parse(record.get("ClientIP")) or addresses.parse(record.get("ActorIpAddress"))
    number = values.text(record.get("ErrorNumber"))
    code = int(number) if number and number.isascii() and number.isdigit() else 0
    logon_error = values.text(record.get("LogonError"))
    failed = draft.operation.casefold() == "userloginfailed" or (code not in signin_errors.INTERRUPTS)
    draft.result = "failure" if failed else "success"
    if failed:
        draft.severity = LOW
    if code:
        draft.status_code = str(code)
    draft.status_detail = signin_errors.words(code) or logon_error
    acting = entity(record.get("Actor"))
    own = draft.actor
    draft.actor = Party(acting.name or own.name, acting.upn or own.upn, acting.uid or own.uid, "user", own.user_type)
    resource = values.text(record.get("ObjectId")) or values.first(
        values.mapping((values.sequence(record.get("Target")) or [{}])[0]), "ID"
    )
    draft.targets = (
        [Party(uid=resource, name=values.text(record.get("ApplicationDisplayName")), kind="service")]
        if resource
        else []
    )
    listed = {name.casefold(): value for name, value in values.pairs(record.get("DeviceProperties"))}
    if listed:
        draft.used.add("DeviceProperties")
        signin_details.device({name: listed.get(theirs) for name, theirs in _DEVICE.items()}, draft)
    draft.sentence = sign_in
