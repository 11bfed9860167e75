"""The facts of each record, as the simulator that made it up knows them: kind, operation, result, actor, address.

Independent of the mappers: facts are read from the draft that a builder has just made, and the meaning of operations
is stated here a second time, after Microsoft's references.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aoc_sim.inventory import Directory
    from aoc_sim.records.base import Draft, Json

type Kind = Literal["account", "sign-in", "entity", "access", "group", "api", "file", "finding"]
type Outcome = Literal["success", "failure", "partial"]


class Facts(NamedTuple):
    """The facts of a record.

    `operation`: as the record names it; for records without one, their kind. `actor`: every id and name of the actor,
    as the record spells them; empty when only the text names the actor. `ip`: as the record spells it.
    """

    kind: Kind
    operation: str
    result: Outcome
    actor: tuple[str, ...]
    ip: str | None


#: Sources whose records have no operation of their own.
_NAMED: Final = {
    "graph-signins": "Sign-in",
    "graph-signins-noninteractive": "Non-interactive sign-in",
    "graph-signins-serviceprincipal": "Service principal sign-in",
    "graph-signins-managedidentity": "Managed identity sign-in",
    "graph-alerts": "Alert",
    "graph-risky-users": "Risky user",
    "graph-risky-serviceprincipals": "Risky service principal",
}
#: Codes with which a sign-in went on (entra-docs, reference-error-codes.md); every other one ended it.
_CONTINUED_CODES: Final = frozenset({0, 50140})
_FAILED: Final = frozenset({"failure", "failed", "false"})
_RISKS: Final = (
    "graph-risk-detections",
    "graph-risk-detections-serviceprincipal",
    "graph-risky-users",
    "graph-risky-serviceprincipals",
    "graph-pim-alerts",
)
#: What most records of a source do.
_MOSTLY: Final[Mapping[str, Kind]] = {
    "graph-intune": "entity",
    "graph-alerts": "finding",
    **dict.fromkeys(_RISKS, "finding"),
    "o365-dlp": "finding",
    "o365-exchange": "api",
    "o365-general": "api",
    "o365-sharepoint": "file",
    "o365-azuread": "entity",
    "graph-directory-audits": "entity",
}
_OTHERWISE: Final[Mapping[Kind, frozenset[str]]] = {
    "account": frozenset(
        {"Add user", "Update user", "Delete user", "Disable account", "Reset user password", "Change user password",
         "Reset password (self-service)", "User registered security info", "Admin deleted security info",
         "Admin registered security info", "Change user license",
         "Enable Strong Authentication", "Disable Strong Authentication", "Update StsRefreshTokenValidFrom Timestamp"}
    ),
    "sign-in": frozenset({"UserLoggedIn", "UserLoginFailed", "MailboxLogin", "TeamsSessionStarted"}),
    "entity": frozenset(
        {"New-InboxRule", "Set-InboxRule", "UpdateInboxRules", "Set-AdminAuditLogConfig", "Set-Mailbox",
         "Set-MailboxAuditBypassAssociation", "Set-MailboxPlan", "Set-OwaMailboxPolicy", "Set-TransportConfig",
         "Set-TransportRule", "Set-User"}
    ),
    "access": frozenset(
        {"Add member to role", "Remove member from role", "Add member to role completed (PIM activation)",
         "Consent to application", "Add app role assignment to service principal",
         "Add delegated permission grant", "Add-MailboxPermission", "SiteCollectionAdminAdded"}
    ),
    "group": frozenset({"Add group", "Add member to group", "Remove member from group", "MemberAdded", "AddedToGroup"}),
    "api": frozenset({"GroupLifecyclePolicies_Get", "ListViewed", "SearchQueryPerformed", "ClientViewSignaled"}),
    "finding": frozenset({"AlertEntityGenerated"}),
}  # fmt: skip
_KINDS: Final = {operation: kind for kind, operations in _OTHERWISE.items() for operation in operations}
_APART: Final = ("graph-signins", "graph-intune", "graph-alerts", "o365-dlp", *_RISKS)
_ADDRESSES: Final = ("ipAddress", "ClientIP", "ClientIPAddress", "ActorIpAddress", "ClientIp")


def digest(body: bytes) -> str:
    """32 hex digits that identify the exact text of a record."""
    return blake2b(body, digest_size=16).hexdigest()


#: A sign-in's text that states an open risk of medium level or higher (graph-docs, resources/signin.md).
_RISK: Final = re.compile(rb'"riskLevelDuringSignIn":"(?:medium|high)"|"riskState":"(?:atRisk|confirmedCompromised)"')


def shows_risk(body: bytes) -> bool:
    """Whether a record's text states a risk."""
    return _RISK.search(body) is not None


def facts(draft: Draft) -> Facts:
    """The facts of a draft."""
    body, source = draft.body, draft.source
    operation = _NAMED.get(source) or _operation(body)
    return Facts(_kind(source, operation), operation, _result(source, body), tuple(_actor(body)), _address(body))


def _operation(body: Json) -> str:
    if "alertDefinitionId" in body:
        return str(body["id"]).rpartition("_")[2]
    return str(
        body.get("Operation") or body.get("riskEventType") or body.get("activityDisplayName") or body["activityType"]
    )


def _kind(source: str, operation: str) -> Kind:
    if source.startswith("graph-signins"):
        return "sign-in"
    kind = None if source.startswith(_APART) else _KINDS.get(operation.removesuffix("."))
    return kind or _MOSTLY[source]


def _result(source: str, body: Json) -> Outcome:
    if source.startswith("graph-signins"):
        return "success" if body["status"]["errorCode"] in _CONTINUED_CODES else "failure"
    if source == "graph-alerts" or source in _RISKS:
        return "success"  # nothing was tried: it is found
    if body.get("Operation") in {"UserLoggedIn", "UserLoginFailed"}:
        # Its status is unreliable (see `records.azuread`).
        return "success" if body["Operation"] == "UserLoggedIn" else "failure"
    stated = str(body.get("result") or body.get("activityResult") or body.get("ResultStatus") or "").casefold()
    return "failure" if stated in _FAILED else "partial" if stated.startswith("partial") else "success"


def _actor(body: Json) -> Iterator[str]:
    """All ids and names that the record gives its actor."""
    names: list[Any] = [body.get(name) for name in ("UserId", "UserKey", "userPrincipalName", "userId")]
    names += [body.get(name) for name in ("userDisplayName", "servicePrincipalName", "servicePrincipalId")]
    names += [body.get("servicePrincipalDisplayName")]
    if "alertDefinitionId" in body:  # a PIM alert: it raises it, or somebody's roles do
        who = [value for one in body["alertIncidents"] for name, value in one.items() if name.startswith("assignee")]
        names += who or ["Privileged Identity Management"]
    if "servicePrincipalType" in body:  # a risky service principal
        names += [body["displayName"], body["id"]]
    elif "riskLastUpdatedDateTime" in body:  # a risky user
        names.append(body["id"])
    names += [entry["ID"] for entry in body.get("Actor") or ()]
    for who in (body.get("initiatedBy") or {}).values():
        names += [value for name, value in (who or {}).items() if name != "ipAddress"]
    actor = body.get("actor") or {}
    names += [actor.get(name) for name in ("userPrincipalName", "userId", "applicationDisplayName", "applicationId")]
    if not any(names):
        names = [body.get("appDisplayName"), body.get("appId")]
    return (name for name in dict.fromkeys(names) if isinstance(name, str) and name)


def _address(body: Json) -> str | None:
    initiator = ((body.get("initiatedBy") or {}).get("user") or {}).get("ipAddress")
    address = next((body[name] for name in _ADDRESSES if body.get(name)), initiator)
    return address if isinstance(address, str) and address else None


class Identities:
    """Ids and names in a tenant -> all ids and names of the same person or application."""

    def __init__(self, directory: Directory) -> None:
        self._known: dict[str, frozenset[str]] = {}
        for person in (*directory.people, *directory.guests):
            named = (person.id, person.upn, person.name, person.puid, person.sid)
            self._add((*named, f"User_{person.id}"))
        for app in (*directory.apps, *directory.identities):
            self._add((app.id, app.app_id, app.name, f"ServicePrincipal_{app.id}"))
        self._people = [person.upn.lower() for person in (*directory.people, *directory.guests)]

    def _add(self, names: tuple[str, ...]) -> None:
        lower = frozenset(name.lower() for name in names if name)
        for name in lower:
            # Applications may share a display name, as people may.
            self._known[name] = self._known.get(name, frozenset()) | lower

    def names(self, record: Facts, body: bytes) -> list[str]:
        """All valid names of the actor, in lower case; for a finding, of every user whom it names."""
        called = {name.lower() for name in record.actor}
        if record.kind == "finding":
            text = body.lower().decode()
            called |= {upn for upn in self._people if upn in text}
        return sorted(called.union(*(self._known.get(name, ()) for name in called)))
