"""Sign-ins as Graph lists them, all four kinds."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import LOW, MEDIUM, SERVICE, Draft, Party
from aoc_normalizer.fields import addresses, signin_errors, times, values
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers import signin_details
from aoc_normalizer.mappers.base import Mapper, Record, user_party
from aoc_normalizer.mappers.shared import location, severity_of
from aoc_normalizer.ocsf_classes import AUTHENTICATION
from aoc_normalizer.render.sentences import sign_in

_USED: Final = frozenset(
    {"id", "createdDateTime", "userId", "userPrincipalName", "userDisplayName", "appId", "appDisplayName", "ipAddress",
     "status", "location", "resourceId", "resourceDisplayName", "correlationId", "userAgent", "servicePrincipalId",
     "servicePrincipalName", "signInEventTypes"}
) | signin_details.USED  # fmt: skip
#: What tells a sign-in apart where a tool has left its time to the envelope.
_OF_STATUS: Final = frozenset({"status", "isInteractive", "conditionalAccessStatus", "authenticationRequirement"})
_SECOND_MS: Final = 1000
#: Where a sign-in without a `status` has its code.
_CODES: Final = ("errorCode", "resultType", "resultSignature")
_KINDS: Final = {
    "interactiveUser": "Sign-in",
    "nonInteractiveUser": "Non-interactive sign-in",
    "servicePrincipal": "Service principal sign-in",
    "managedIdentity": "Managed identity sign-in",
}
#: States of a risk that is not dealt with (graph-docs, resources/signin.md).
_AT_RISK: Final = frozenset({"atRisk", "confirmedCompromised"})


def recognises(record: Record) -> bool:
    """A sign-in has an application and a status, and a time of its own or what was signed in to."""
    if "appDisplayName" not in record and "appId" not in record:
        return False
    if "createdDateTime" in record and ("status" in record or "signInEventTypes" in record):
        return True
    return (
        "resourceDisplayName" in record
        and not _OF_STATUS.isdisjoint(record)
        and ("userPrincipalName" in record or "servicePrincipalId" in record)
    )


def fill(record: Record, draft: Draft) -> None:
    """Who, from where, to what, and how it ended."""
    draft.used |= _USED
    draft.family, draft.record_id = "sign-in", values.text(record.get("id"))
    draft.product, draft.service, draft.log_name = "Microsoft Entra ID", "entra", "Sign-ins"
    draft.original_time = values.text(record.get("createdDateTime"))
    draft.time_ms = times.parse_ms(draft.original_time)
    draft.correlation_id = draft.action_id = values.text(record.get("correlationId"))
    draft.class_uid, draft.activity_id = AUTHENTICATION, 1
    draft.operation, draft.exact_elsewhere = _kind(record), True
    draft.app = Party(
        values.text(record.get("appDisplayName")), uid=values.text(record.get("appId")), kind="application"
    )
    draft.actor = _who(record)
    draft.address = addresses.parse(record.get("ipAddress"))
    draft.location = location(record.get("location"))
    draft.user_agent = values.text(record.get("userAgent"))
    resource = values.first(record, "resourceDisplayName")
    draft.targets = [Party(resource or draft.app.name, uid=values.text(record.get("resourceId")), kind="service")]
    _outcome(record, draft)
    signin_details.fill(record, draft)


def by_second(draft: Draft) -> None:
    """Note that Graph lists the same sign-in with its time to the second; envelopes and tables have decimals."""
    if draft.time_ms is not None and draft.time_ms % _SECOND_MS:
        draft.coarse_ms = draft.time_ms - draft.time_ms % _SECOND_MS


def _outcome(record: Record, draft: Draft) -> None:
    status = values.mapping(record.get("status"))
    settle(draft, values.text(status.get("errorCode")), values.text(status.get("failureReason")))
    if draft.result == "unknown":
        # Of a sign-in without a code: what an envelope or a table's row has beside it.
        settle(draft, values.first(record, *_CODES), values.text(record.get("resultDescription")))
    risk = severity_of(values.first(record, "riskLevelDuringSignIn", "riskLevelAggregated"), 1)
    risky = values.text(record.get("riskState")) in _AT_RISK
    draft.severity = max(draft.severity, risk, MEDIUM if risky else 1)
    draft.sentence = sign_in


def settle(draft: Draft, code: str | None, reason: str | None) -> None:
    """How a sign-in ended, by its error code; by a word, where one stands in the code's place."""
    number = code if code is not None and code.isascii() and code.isdigit() else None
    if number is None:
        draft.result = of_word(code)
        draft.status_detail = reason if draft.result == "failure" else None
    else:
        failed = int(number) not in signin_errors.INTERRUPTS
        draft.result = "failure" if failed else "success"
        draft.status_detail = signin_errors.words(int(number)) or (None if int(number) == 0 else reason)
    draft.status_code = number or (code if draft.result == "unknown" else None)
    if draft.result == "failure":
        draft.severity = max(draft.severity, LOW)


def _who(record: Record) -> Party:
    user = user_party(record)
    if user.upn or values.text(record.get("userId")):
        return Party(values.text(record.get("userDisplayName")), user.upn, values.text(record.get("userId")), "user")
    name = values.first(record, "servicePrincipalName", "appDisplayName")
    return Party(
        name, uid=values.first(record, "servicePrincipalId", "appId"), kind="service principal", user_type=SERVICE
    )


def _kind(record: Record) -> str:
    kinds = values.sequence(record.get("signInEventTypes"))
    for kind in kinds:
        if isinstance(kind, str) and kind in _KINDS:
            return _KINDS[kind]
    return "Sign-in" if record.get("isInteractive") is not False else "Non-interactive sign-in"


MAPPER: Final = Mapper("signins", 4, recognises, fill)
