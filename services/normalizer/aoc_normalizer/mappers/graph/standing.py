"""What stands in a tenant, as Graph, PowerShell and responders' tools list it: consents, policies, applications.

No events: each says how something is, and at most since when. They lie beside audit logs, and who investigates a
consent or a secret looks for them there. Sources: graph-docs, resources/oauth2permissiongrant.md,
conditionalaccesspolicy.md, serviceprincipal.md, application.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aoc_normalizer.draft import MEDIUM, Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.fields.spellings import GRAPH, letters, respelt
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.ocsf_classes import ENTITY_MANAGEMENT
from aoc_normalizer.render.sentences import listed_few

if TYPE_CHECKING:
    from collections.abc import Callable

_READ: Final = 2
_MOST_NAMES: Final = 200
_EVERYBODY: Final = "allprincipals"
#: What a record of something that happened has.
_OF_EVENTS: Final = frozenset({"activitydatetime", "operation", "operationname", "activitydisplayname", "initiatedby"})
_TIMES: Final = ("modifiedDateTime", "createdDateTime")


class _Kind(NamedTuple):
    """A kind of object: names of its own, of which it has all, and one of which it has; and what is read of it."""

    name: str
    needs: frozenset[str]
    one_of: frozenset[str]
    read: Callable[[Record, Draft], str]


def _grant(record: Record, draft: Draft) -> str:
    """`Delegated permissions of <client> to <resource>: Mail.Read and offline_access, for everybody`."""
    client, resource = values.text(record.get("clientId")), values.text(record.get("resourceId"))
    whose = values.text(record.get("principalId"))
    for uid, kind in ((client, "service principal"), (resource, "service principal"), (whose, "user")):
        if uid:
            draft.targets.append(Party(uid=uid, kind=kind))
    draft.privileges = (values.text(record.get("scope")) or "").split()[:100]
    everybody = (values.text(record.get("consentType")) or "").casefold() == _EVERYBODY
    draft.severity = MEDIUM if everybody else draft.severity
    names = f": {listed_few(draft.privileges)}" if draft.privileges else ""
    return (
        f"Delegated permissions of {client or 'an application'}"
        + (f" to {resource}" if resource else "")
        + f"{names}, for {'everybody' if everybody else whose or 'one person'}"
    )


def _policy(record: Record, draft: Draft) -> str:
    name, state = values.first(record, "displayName", "id"), values.text(record.get("state"))
    draft.targets = [Party(name, uid=values.text(record.get("id")), kind="policy")]
    return f"Conditional access policy {name or 'without a name'}" + (f": {state}" if state else "")


def _application(record: Record, draft: Draft) -> str:
    """`Service principal Ledger Sync, with a password (backdoor, until 2099-01-01)`."""
    kind = "service principal" if record.get("servicePrincipalType") is not None else "application"
    name = values.first(record, "displayName", "appId")
    draft.targets = [Party(name, uid=values.text(record.get("id")), kind=kind)]
    draft.search += [text for text in (values.text(record.get("appId")),) if text]
    keys = [
        f"a {word} ({', '.join(filter(None, (_named(item), _until(item))))})"
        for field, word in (("passwordCredentials", "password"), ("keyCredentials", "certificate"))
        for item in respelt(values.objects(record.get(field)), GRAPH)[:50]
    ]
    draft.search += keys
    return f"{kind.capitalize()} {name or 'without a name'}" + (f", with {listed_few(keys)}" if keys else "")


def _named(item: Record) -> str:
    return values.first(item, "displayName", "keyId", "KeyId") or "without a name"


def _until(item: Record) -> str | None:
    ends = values.first(item, "endDateTime", "EndDateTime", "endDate", "EndDate")
    return f"until {ends[:10]}" if ends else None


_KINDS: Final = (
    _Kind("delegated permissions", frozenset({"clientid", "consenttype", "scope"}), frozenset({"resourceid"}), _grant),
    _Kind(
        "conditional access policy",
        frozenset({"displayname", "state", "conditions"}),
        frozenset({"grantcontrols", "sessioncontrols"}),
        _policy,
    ),
    _Kind(
        "application",
        frozenset({"appid", "displayname"}),
        frozenset({"passwordcredentials", "keycredentials"}),
        _application,
    ),
)


def recognises(record: Record) -> bool:
    """An object with the names of one of these kinds, in any spelling, and none of an event."""
    return _kind(record) is not None


def _kind(record: Record) -> _Kind | None:
    if len(record) > _MOST_NAMES:
        return None
    keys = {letters(name) for name in record}
    if not keys.isdisjoint(_OF_EVENTS):
        return None
    return next((kind for kind in _KINDS if keys >= kind.needs and not keys.isdisjoint(kind.one_of)), None)


def fill(record: Record, draft: Draft) -> None:
    """What it is, and how it stands."""
    kind = _kind(record)
    if kind is None:
        raise ValueError("no object of a known kind")
    found = {GRAPH.get(letters(name), name): value for name, value in record.items()}
    draft.used |= set(record)
    draft.product, draft.service, draft.log_name = "Microsoft Entra ID", "entra", "Inventory"
    draft.family, draft.record_id = f"standing-{kind.name.replace(' ', '-')}", values.text(found.get("id"))
    draft.original_time = values.first(found, *_TIMES)
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.operation, draft.result = f"Inventory {kind.name}", "success"
    draft.class_uid, draft.activity_id = ENTITY_MANAGEMENT, _READ
    said = kind.read(found, draft)
    draft.sentence = lambda _done: said


MAPPER: Final = Mapper("standing", 1, recognises, fill)
