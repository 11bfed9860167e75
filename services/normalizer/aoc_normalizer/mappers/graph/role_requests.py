"""Requests of Privileged Identity Management as Graph lists them: who wants, gives or takes which role.

Assignments and those to be activated have the same fields; `@odata.type`, or what a schedule is called, tells them
apart. Sources: graph-docs, resources/unifiedroleassignmentschedulerequest.md, unifiedroleeligibilityschedulerequest.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.contracts.built_in_roles import PRIVILEGED
from aoc_normalizer.draft import HIGH, LOW, MEDIUM, Draft, Party
from aoc_normalizer.fields import times, values
from aoc_normalizer.mappers.base import Mapper, Record, user_party
from aoc_normalizer.ocsf_classes import USER_ACCESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.contracts.results import Result

_GRANTED, _REVOKED = 1, 2
#: Action in lower case -> activity, severity and words; `{who}` is whoever gets or loses the role.
_ACTIONS: Final[Mapping[str, tuple[int, int, str]]] = {
    "selfactivate": (_GRANTED, MEDIUM, "activated role {role}"),
    "selfdeactivate": (_REVOKED, LOW, "gave up role {role}"),
    "selfextend": (_GRANTED, MEDIUM, "asked for role {role} for longer"),
    "selfrenew": (_GRANTED, MEDIUM, "asked for role {role} once more"),
    "adminassign": (_GRANTED, HIGH, "{gave}"),
    "adminupdate": (_GRANTED, HIGH, "changed how {who} has role {role}"),
    "adminextend": (_GRANTED, MEDIUM, "let {who} have role {role} for longer"),
    "adminrenew": (_GRANTED, MEDIUM, "gave {who} role {role} once more"),
    "adminremove": (_REVOKED, MEDIUM, "took role {role} from {who}"),
}
_FAILED: Final = frozenset({"failed", "denied", "adminapprovaldenied", "failedasresourceislocked", "invalid"})
_DONE: Final = frozenset({"provisioned", "granted", "revoked", "schedulecreated", "provisioningstarted", "accepted"})


def recognises(record: Record) -> bool:
    """A request names an action, a principal and a role."""
    return "roleDefinitionId" in record and "principalId" in record and "action" in record


def fill(record: Record, draft: Draft) -> None:
    """Who asked, for whom, for which role, and what became of it."""
    draft.used |= {"id", "status", "action", "createdDateTime", "createdBy", "principalId", "principal",
                   "roleDefinitionId", "roleDefinition", "justification"}  # fmt: skip
    draft.product, draft.service, draft.log_name = "Microsoft Entra PIM", "entra", "PIM requests"
    draft.family, draft.record_id = "pim-request", values.text(record.get("id"))
    draft.original_time = values.first(record, "createdDateTime", "completedDateTime")
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.operation = values.text(record.get("action")) or "PIM request"
    activity, severity, words = _ACTIONS.get(draft.operation.casefold(), (_GRANTED, MEDIUM, "asked for role {role}"))
    draft.class_uid, draft.activity_id, draft.severity = USER_ACCESS, activity, severity
    status = values.text(record.get("status")) or ""
    draft.result = _result(status)
    draft.status_detail = status if draft.result == "failure" else None
    whose = {**values.mapping(record.get("principal"))}
    who = user_party({"id": record.get("principalId"), **whose})
    uid = values.text(record.get("roleDefinitionId"))
    named = values.first(values.mapping(record.get("roleDefinition")), "displayName")
    role = Party(named or PRIVILEGED.get((uid or "").casefold()), uid=uid, kind="role")
    asked = values.mapping(values.mapping(record.get("createdBy")).get("user"))
    draft.actor = user_party(dict(asked)) if asked else who
    if draft.actor.uid == who.uid:
        draft.actor = who
    draft.targets = [who, role]
    eligible = "eligib" in (values.first(record, "@odata.type", "@odata.context") or "").casefold()
    gave = "made {who} eligible for role {role}" if eligible else "gave {who} role {role}"
    draft.phrase = words.replace("{gave}", gave).replace("{who}", "{target}")
    if why := values.text(record.get("justification")):
        draft.remark = f"\N{LEFT DOUBLE QUOTATION MARK}{why}\N{RIGHT DOUBLE QUOTATION MARK}"
    scope = values.text(record.get("directoryScopeId"))
    draft.search += [scope] if scope and scope != "/" else []


def _result(status: str) -> Result:
    folded = status.casefold()
    return "failure" if folded in _FAILED else "success" if folded in _DONE else "unknown"


MAPPER: Final = Mapper("pim-request", 1, recognises, fill)
