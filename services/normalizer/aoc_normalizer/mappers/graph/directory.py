"""Entra directory audits as Graph lists them (`directoryAudit`)."""

from __future__ import annotations

from typing import Final

from aoc_normalizer import bounds
from aoc_normalizer.draft import SERVICE, Draft, Party
from aoc_normalizer.fields import addresses, evidence, services, times, values
from aoc_normalizer.fields.changes import changes, names_in
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers import relations
from aoc_normalizer.mappers.base import Mapper, Record, apply_operation, named_party, user_party
from aoc_normalizer.operations.scopes import SCOPES

_MAX_TARGETS: Final = 500
#: Where it says how it ended, the record's own word before those of the envelope that some keep beside it.
_RESULTS: Final = ("result", "resultType", "resultSignature")
_SERVICE: Final = "service principal"
_SCOPE: Final = SCOPES["entra"]
_METHODS: Final = "Authentication Methods"
_KINDS: Final = {
    "serviceprincipal": "service principal",
    "device": "device",
    "user": "user",
    "group": "group",
    "role": "role",
    "application": "application",
    "policy": "policy",
}


def recognises(record: Record) -> bool:
    """A directory audit names its activity and lists targets."""
    return "activityDisplayName" in record and (
        "targetResources" in record or "initiatedBy" in record or "loggedByService" in record
    )


def fill(record: Record, draft: Draft) -> None:
    """Initiator (a user or an application), targets with their kinds, role and group out of modified properties."""
    draft.used |= {
        "id",
        "activityDisplayName",
        "activityDateTime",
        "result",
        "resultReason",
        "correlationId",
        "initiatedBy",
        "targetResources",
    }
    draft.family, draft.record_id = "directory-audit", values.text(record.get("id"))
    draft.product, draft.service, draft.log_name = "Microsoft Entra ID", "entra", "Directory audits"
    draft.original_time = values.first(record, "activityDateTime")
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.correlation_id = draft.action_id = values.text(record.get("correlationId"))
    apply_operation(draft, values.text(record.get("activityDisplayName")), _SCOPE)
    draft.result = next(
        (found for name in _RESULTS if (found := of_word(values.text(record.get(name)))) != "unknown"), "unknown"
    )
    draft.status_detail = _reason(record) if draft.result != "success" else None
    said = evidence.details(record)
    _initiator(record, draft)
    draft.address = draft.address or evidence.address(record, said)
    draft.user_agent = evidence.agent(record, said)
    if draft.app.uid is None and (app := evidence.application(said)) is not None:
        draft.app = draft.app._replace(uid=app, kind="application")
    _targets(record, draft)
    reason = _reason(record)
    if reason and draft.result == "success" and record.get("loggedByService") == _METHODS:
        # Which method it was stands nowhere else.
        draft.remark = reason.removeprefix("User ").removeprefix("registered ")


def _reason(record: Record) -> str | None:
    return values.first(record, "resultReason", "resultDescription")


def _initiator(record: Record, draft: Draft) -> None:
    """A person before the application that acted for the person; at last who stands beside the record."""
    initiated = values.mapping(record.get("initiatedBy"))
    user, app = values.mapping(initiated.get("user")), values.mapping(initiated.get("app"))
    if user:
        draft.actor = user_party(dict(user))
        draft.address = addresses.parse(user.get("ipAddress"))
        service = draft.actor.name
        if service and draft.actor.upn and services.is_known(service):
            # The service through which the person did it stands where the person's name should.
            draft.actor = draft.actor._replace(name=None)
            draft.app = Party(service, kind="application")
    if app:
        name = values.first(app, "displayName", "servicePrincipalName")
        draft.app = Party(name, uid=values.first(app, "appId", "servicePrincipalId"), kind="application")
        if not draft.actor.known:
            draft.actor = Party(name, uid=values.first(app, "servicePrincipalId", "appId"), kind=_SERVICE)
            draft.actor = draft.actor._replace(user_type=SERVICE)
        draft.address = draft.address or addresses.parse(app.get("ipAddress"))
    if not draft.actor.known:
        named(values.text(record.get("identity")), draft)


def named(identity: str | None, draft: Draft) -> None:
    """Whoever stands beside a record that names nobody: a person by an address, a service by a name of Microsoft's."""
    if identity is None or values.is_guid(identity):
        return
    if values.is_email(identity):
        draft.actor = named_party(identity)
    elif services.is_known(identity):
        draft.actor = Party(identity, kind=_SERVICE, user_type=SERVICE)
        draft.app = draft.app if draft.app.known else Party(identity, kind="application")
    else:
        draft.actor = Party(identity, kind="user")


def _targets(record: Record, draft: Draft) -> None:
    listed = values.objects(record.get("targetResources"))
    if len(listed) > _MAX_TARGETS:
        draft.tags.append("truncated")
    draft.stated = tuple([resource.get("modifiedProperties") for resource in listed])
    for resource in listed[:_MAX_TARGETS]:
        party = user_party(resource)
        sort = (values.first(resource, "type", "Type") or "").casefold()
        kind = _KINDS.get(sort, sort or None)
        draft.targets.append(Party(party.name, party.upn, party.uid, kind))
        draft.changes += changes(resource.get("modifiedProperties"), bounds.ITEMS - len(draft.changes))
    draft.words |= names_in(draft.changes)
    # A group among the targets often has no name of its own; the member's modified properties give it.
    draft.targets = [
        Party(draft.words.get(target.kind), target.upn, target.uid, target.kind)
        if target.kind in {"group", "role"} and target.name is None
        else target
        for target in draft.targets
    ]
    relations.add(draft)


MAPPER: Final = Mapper("directory", 6, recognises, fill)
