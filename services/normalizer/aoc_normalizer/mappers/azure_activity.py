"""Azure's activity log: what was done to resources and subscriptions through Azure Resource Manager.

Source: azure-monitor-docs, activity-log-schema.md. The shape is that of its REST interface (`eventDataId`,
`{"value": ..., "localizedValue": ...}` for words); event hubs, Log Analytics, PowerShell and the portal's download are
rewritten to it. `operationName` is `<provider>/<type>/<verb>`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import HIGH, INFORMATIONAL, LOW, MEDIUM, SERVICE, Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers.base import Mapper, Record, named_party
from aoc_normalizer.mappers.shared import severity_of
from aoc_normalizer.ocsf_classes import API_ACTIVITY, DETECTION_FINDING, OTHER, USER_ACCESS
from aoc_normalizer.operations.base import Meaning

if TYPE_CHECKING:
    from collections.abc import Mapping

_USED: Final = frozenset(
    {"eventDataId", "eventTimestamp", "operationName", "caller", "claims", "httpRequest", "callerIpAddress", "status",
     "subStatus", "resourceId", "resourceGroupName", "subscriptionId", "correlationId", "category", "authorization",
     "eventName", "level", "tenantId"}
)  # fmt: skip
_CLAIMS: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_OBJECT_ID: Final = "http://schemas.microsoft.com/identity/claims/objectidentifier"
#: Operations that matter more than their verb says, in lower case. `{target}` is the resource.
_MEANINGS: Final[Mapping[str, Meaning]] = {
    "microsoft.authorization/roleassignments/write": Meaning(USER_ACCESS, 1, HIGH, "assigned {role} over {scope}"),
    "microsoft.authorization/roleassignments/delete": Meaning(
        USER_ACCESS, 2, MEDIUM, "removed an assignment of {role} over {scope}"
    ),
    "microsoft.authorization/elevateaccess/action": Meaning(
        USER_ACCESS, 1, HIGH, "gave themselves User Access Administrator over all Azure resources"
    ),
    "microsoft.authorization/roledefinitions/write": Meaning(USER_ACCESS, 1, HIGH, "changed Azure role {target}"),
    "microsoft.authorization/policyassignments/delete": Meaning(
        API_ACTIVITY, 4, MEDIUM, "removed Azure policy assignment {target}"
    ),
    "microsoft.insights/diagnosticsettings/delete": Meaning(
        API_ACTIVITY, 4, HIGH, "deleted diagnostic setting {target}: logs are no longer sent"
    ),
    "microsoft.operationalinsights/workspaces/delete": Meaning(API_ACTIVITY, 4, HIGH, "deleted log workspace {target}"),
    "microsoft.security/pricings/write": Meaning(
        API_ACTIVITY, 3, MEDIUM, "changed plan {target} of Defender for Cloud"
    ),
    "microsoft.compute/virtualmachines/runcommand/action": Meaning(
        API_ACTIVITY, OTHER, HIGH, "ordered a command on virtual machine {target}"
    ),
    "microsoft.compute/virtualmachines/extensions/write": Meaning(
        API_ACTIVITY, 3, MEDIUM, "installed extension {target} on a virtual machine"
    ),
    "microsoft.compute/disks/begingetaccess/action": Meaning(
        API_ACTIVITY, 2, MEDIUM, "asked for a link to disk {target}"
    ),
    "microsoft.storage/storageaccounts/listkeys/action": Meaning(
        API_ACTIVITY, 2, MEDIUM, "read the keys of storage account {target}"
    ),
    "microsoft.keyvault/vaults/accesspolicies/write": Meaning(
        API_ACTIVITY, 3, HIGH, "changed who may use key vault {target}"
    ),
    "microsoft.network/networksecuritygroups/securityrules/write": Meaning(
        API_ACTIVITY, 3, MEDIUM, "changed network security rule {target}"
    ),
    "microsoft.recoveryservices/vaults/backupfabrics/protectioncontainers/protecteditems/delete": Meaning(
        API_ACTIVITY, 4, HIGH, "deleted backup {target}"
    ),
}
#: Azure's own roles that grant the most (azure-docs, built-in-roles.md).
_ROLES: Final[Mapping[str, str]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
}
#: What a scope ends with, two parts from the end -> how it is called.
_SCOPES: Final[Mapping[str, str]] = {
    "subscriptions": "subscription",
    "resourcegroups": "resource group",
    "managementgroups": "management group",
}
_ASSIGNED_BY: Final = "/providers/microsoft.authorization"
_OF_ROLES: Final = "microsoft.authorization/role"
#: Last part of an operation -> activity of OCSF's API Activity, past tense, severity.
_VERBS: Final[Mapping[str, tuple[int, str, int]]] = {
    "write": (3, "created or changed", INFORMATIONAL),
    "delete": (4, "deleted", LOW),
    "read": (2, "read", INFORMATIONAL),
}
#: Types whose words run together where Log Analytics has written all letters alike.
_TYPES: Final[Mapping[str, str]] = {
    "".join(words.split()): words
    for words in (
        "automation accounts", "blob services", "container groups", "container registries", "database accounts",
        "dns zones", "firewall rules", "key vaults", "load balancers", "managed clusters", "management locks",
        "network interfaces", "network security groups", "policy assignments", "policy definitions",
        "public ip addresses", "resource groups", "role assignments", "role definitions", "route tables",
        "security rules", "service principals", "storage accounts", "user assigned identities",
        "virtual machine scale sets", "virtual machines", "virtual networks", "virtual network peerings",
    )
}  # fmt: skip
#: The category of alerts.
_ALERTS: Final = "security"
_STARTED: Final = frozenset({"start", "started", "accept", "accepted", "inprogress", "in progress", "active"})
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def recognises(record: Record) -> bool:
    """An event of Resource Manager has an id of its own, a time and an operation."""
    return "eventDataId" in record and "operationName" in record and "eventTimestamp" in record


def fill(record: Record, draft: Draft) -> None:
    """Who did what to which resource, and how far it came: a long operation has an event for each of its steps."""
    draft.used |= _USED
    draft.family, draft.record_id = "azure-activity", values.text(record.get("eventDataId"))
    draft.product, draft.service = "Azure Resource Manager", "azure"
    draft.log_name = f"Azure activity log: {word(record.get('category')) or 'Administrative'}"
    draft.organisation = values.text(record.get("tenantId"))
    draft.original_time = values.text(record.get("eventTimestamp"))
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.correlation_id = values.text(record.get("correlationId"))
    draft.operation = word(record.get("operationName")) or ""
    claims = values.mapping(record.get("claims"))
    claims = values.mapping(claims.get("Content")) or claims  # as PowerShell has it
    draft.actor, draft.app = _caller(record, claims)
    request = values.mapping(record.get("httpRequest"))
    draft.address = (
        addresses.parse(values.text(record.get("callerIpAddress")))
        or addresses.parse(values.text(request.get("clientIpAddress")))
        or addresses.parse(values.text(claims.get("ipaddr")))
    )
    resource = values.text(record.get("resourceId"))
    name = _name(resource) or values.text(record.get("resourceGroupName")) or values.text(record.get("subscriptionId"))
    draft.targets = [Party(name, uid=resource, kind="resource")] if name or resource else []
    draft.search = [
        found for field in ("resourceGroupName", "subscriptionId") if (found := values.text(record.get(field)))
    ]
    _outcome(record, draft)
    if draft.operation.casefold().startswith(_OF_ROLES):
        _role(record, resource, draft)
    if (word(record.get("category")) or "").casefold() == _ALERTS:
        _alert(record, draft)
        return
    meant = _meaning(draft.operation)
    draft.class_uid, draft.activity_id, draft.severity = meant.class_uid, meant.activity_id, meant.severity
    draft.sentence = partial(_sentence, meant.phrase or "did something to {target}")


def _alert(record: Record, draft: Draft) -> None:
    """An alert of Defender for Cloud, which the activity log has, too."""
    properties = values.mapping(record.get("properties"))
    said = values.text(record.get("description"))
    title = (
        values.first(properties, "displayName", "alertDisplayName", "eventName", "title")
        or (said.partition(". ")[0].removesuffix(".") if said else None)
        or word(record.get("eventName"))
        or "Untitled alert"
    )
    draft.class_uid, draft.activity_id = DETECTION_FINDING, 1
    draft.severity = severity_of(values.text(properties.get("severity")), MEDIUM)
    draft.result = "success"
    draft.remark = None
    draft.targets.insert(0, Party(title, uid=draft.record_id, kind="alert"))
    about = values.first(properties, "compromisedEntity", "compromisedHost", "userName")
    if about:
        draft.targets.append(named_party(about, "object"))
    draft.search += [said] if said else []
    draft.sentence = partial(_tell, f"Alert: {title}" + (f" ({about})" if about else ""))


def _tell(text: str, _draft: Draft) -> str:
    return text


def word(value: Any) -> str | None:
    """A word, bare or as `{"value": ..., "localizedValue": ...}`."""
    found = values.mapping(value)
    return values.first(found, "value", "localizedValue", "Value", "LocalizedValue") if found else values.text(value)


def _caller(record: Record, claims: Mapping[str, Any]) -> tuple[Party, Party]:
    caller = values.text(record.get("caller")) or values.first(claims, f"{_CLAIMS}upn", f"{_CLAIMS}name", "name")
    uid = values.text(claims.get(_OBJECT_ID))
    person = named_party(caller)
    app = Party(uid=values.first(claims, "appid", "appId"), kind="application")
    if person.upn is None and values.text(claims.get("idtyp")) != "user":
        name = values.first(claims, "app_displayname") or person.name
        return Party(name, uid=person.uid or uid, kind="service principal", user_type=SERVICE), app
    return Party(values.text(claims.get("name")), person.upn, uid or person.uid, "user"), app


def _role(record: Record, resource: str | None, draft: Draft) -> None:
    """Which role over what, and to whom: the request says it, where the log has kept that."""
    draft.words["scope"] = _scope(resource)
    draft.words["role"] = "an Azure role"
    body = values.mapping(values.mapping(record.get("properties")).get("requestbody"))
    asked = values.mapping(body.get("Properties")) or values.mapping(body.get("properties"))
    definition = values.first(asked, "RoleDefinitionId", "roleDefinitionId")
    if definition is not None:
        uid = definition.rpartition("/")[2].lower()
        draft.words["role"] = _ROLES.get(uid, f"Azure role {uid}")
        draft.privileges = [draft.words["role"]]
    if principal := values.first(asked, "PrincipalId", "principalId"):
        kind = (values.first(asked, "PrincipalType", "principalType") or "object").casefold()
        draft.targets.insert(0, Party(uid=principal, kind=kind))


def _scope(resource: str | None) -> str:
    """`resource group web` of `/subscriptions/s/resourceGroups/web/providers/Microsoft.Authorization/...`."""
    path = resource or ""
    end = path.casefold().rfind(_ASSIGNED_BY)
    *_, kind, name = ["", "", *(path[:end] if end >= 0 else path).strip("/").split("/")]
    return f"{_SCOPES.get(kind.casefold(), 'resource')} {name}" if name else "all resources"


def _outcome(record: Record, draft: Draft) -> None:
    status = (word(record.get("status")) or "").casefold()
    detail = word(record.get("subStatus"))
    draft.result = of_word(status) if status not in _STARTED else "unknown"
    if draft.result == "failure":
        draft.status_detail = detail
    elif status in _STARTED:
        draft.remark = "started" if status.startswith("start") else "accepted"


def _meaning(operation: str) -> Meaning:
    known = _MEANINGS.get(operation.casefold())
    if known is not None:
        return known
    *kinds, verb = operation.split("/")
    activity, past, severity = _VERBS.get(verb.casefold(), (OTHER, "", INFORMATIONAL))
    kind = _singular(_spaced(kinds[-1])) if len(kinds) > 1 else "resource"
    if past:
        return Meaning(API_ACTIVITY, activity, severity, f"{past} {kind} {{target}}")
    if verb.casefold() == "action" and len(kinds) > 2:  # noqa: PLR2004  # provider, type, what was called
        return Meaning(
            API_ACTIVITY, OTHER, INFORMATIONAL,
            f"called {_spaced(kinds[-1])} of {_singular(_spaced(kinds[-2]))} {{target}}",
        )  # fmt: skip
    return Meaning(API_ACTIVITY, OTHER, INFORMATIONAL, _free(operation))


def _free(operation: str) -> str | None:
    """The portal's own words (`Create or Update Virtual Machine`) as what was asked for."""
    shown = operation.replace("{", "(").replace("}", ")")
    return f"asked for {shown} on {{target}}" if shown else None


def _spaced(name: str) -> str:
    plain = name.replace("{", "(").replace("}", ")")
    return _TYPES.get(plain.casefold()) or _WORDS.sub(" ", plain).lower()


def _singular(words: str) -> str:
    if words.endswith("ies"):
        return f"{words[:-3]}y"
    if words.endswith("sses"):
        return words[:-2]
    return words[:-1] if words.endswith("s") and not words.endswith("ss") else words


def _name(resource: str | None) -> str | None:
    """The last part of a resource's path."""
    return values.text(resource.rstrip("/").rpartition("/")[2]) if resource else None


def _sentence(phrase: str, draft: Draft) -> str:
    target = draft.targets[0].spoken if draft.targets else "a resource"
    actor = draft.actor.spoken if draft.actor.known else draft.app.spoken if draft.app.known else "Azure"
    for name, said in {"target": target, **draft.words}.items():
        phrase = phrase.replace(f"{{{name}}}", said)
    to = f" to {draft.targets[0].spoken}" if "role" in draft.words and len(draft.targets) > 1 else ""
    text = f"{actor} {phrase}{to}" + (f", {draft.remark}" if draft.remark else "")
    detail = f": {draft.status_detail}" if draft.status_detail else ""
    return f"Failed: {text}{detail}" if draft.result == "failure" else text


MAPPER: Final = Mapper("azure-activity", 1, recognises, fill)
