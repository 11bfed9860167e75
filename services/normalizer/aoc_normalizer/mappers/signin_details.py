"""The finer points of a sign-in: how it was proved, which policies applied, from which device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import Device, Draft, Fact
from aoc_normalizer.fields import clients, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_normalizer.mappers.base import Record

#: What a sign-in that needed no new proof says.
_NO_METHODS: Final = frozenset({"previously satisfied", "none"})
#: Results of policies that had no say (graph-docs, appliedconditionalaccesspolicy.md).
_IDLE: Final = frozenset({"notapplied", "notenabled", "reportonlynotapplied", "unknown", "unknownfuturevalue"})
_REFUSED: Final = "failure"
_MAX_POLICIES: Final = 50

USED: Final = frozenset(
    {"authenticationDetails", "mfaDetail", "authenticationRequirement", "conditionalAccessStatus", "deviceDetail",
     "appliedConditionalAccessPolicies", "sessionId"}
)  # fmt: skip


def fill(record: Record, draft: Draft) -> None:
    """Factors, conditional access and device of a sign-in in Graph's names."""
    draft.session_uid = values.text(record.get("sessionId"))
    if way := clients.way(record):
        draft.words["way"] = way
    requirement = values.text(record.get("authenticationRequirement"))
    draft.mfa = requirement == "multiFactorAuthentication" if requirement else None
    draft.factors = _factors(record)
    _conditional_access(record, draft)
    device(values.mapping(record.get("deviceDetail")), draft)


def _factors(record: Record) -> list[str]:
    steps = values.objects(record.get("authenticationDetails"))
    methods = [method for step in steps if (method := values.text(step.get("authenticationMethod")))]
    if detail := values.text(values.mapping(record.get("mfaDetail")).get("authMethod")):
        methods.append(detail)
    return list(dict.fromkeys(method for method in methods if method.casefold() not in _NO_METHODS))


def _conditional_access(record: Record, draft: Draft) -> None:
    status = values.text(record.get("conditionalAccessStatus"))
    policies = [
        {
            "name": values.text(policy.get("displayName")),
            "uid": values.text(policy.get("id")),
            "result": values.text(policy.get("result")),
            "controls": [
                text
                for name in ("enforcedGrantControls", "enforcedSessionControls")
                for control in values.sequence(policy.get(name))
                if (text := values.text(control))
            ],
        }
        for policy in values.objects(record.get("appliedConditionalAccessPolicies"))
        if (values.text(policy.get("result")) or "unknown").casefold() not in _IDLE
    ]
    if len(policies) > _MAX_POLICIES:
        draft.tags.append("truncated")
    if status or policies:
        data = {"policies": policies[:_MAX_POLICIES]} if policies else {}
        draft.facts.append(Fact("status", status or "unknown", "conditional access", data, "Microsoft Entra ID"))
    refusing = [str(policy["name"] or policy["uid"]) for policy in policies if policy["result"] == _REFUSED]
    draft.search += refusing
    if refusing and draft.result == "failure":
        draft.remark = f"policy {refusing[0]}" if len(refusing) == 1 else f"policies {', '.join(refusing[:3])}"


def device(detail: Mapping[str, Any], draft: Draft) -> None:
    """What the actor sits at, in the names of Graph's `deviceDetail`."""
    name, uid = values.text(detail.get("displayName")), values.text(detail.get("deviceId"))
    system = values.text(detail.get("operatingSystem"))
    if name or uid or system:
        draft.device = Device(name, uid, system)
    fields = {
        "compliant": values.flag(detail.get("isCompliant")),
        "managed": values.flag(detail.get("isManaged")),
        "trust": values.text(detail.get("trustType")),
        "browser": values.text(detail.get("browser")),
    }
    known = {key: value for key, value in fields.items() if value is not None}
    # Graph gives a browser to every sign-in; alone it says nothing that the user agent does not.
    if known.keys() - {"browser"} and (about := name or uid or system or values.text(detail.get("browser"))):
        draft.facts.append(Fact("src_endpoint", about, "device", known, "Microsoft Entra ID"))
