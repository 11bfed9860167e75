"""Sign-ins: downloads of the Entra portal (all four kinds), advanced hunting, and what extractors make of Graph's.

Sources: entra-docs, howto-download-logs.md (the portal's columns, `Request ID` is Graph's `id`); defender-docs,
advanced-hunting-aadsignineventsbeta-table.md; graph-docs, resources/signin.md. PowerShell's `Export-Csv` writes
`@{errorCode=0; ...}`, or the name of a type, where a value is an object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.draft import LOW
from aoc_normalizer.fields import values
from aoc_normalizer.fields.spellings import GRAPH, respelt
from aoc_normalizer.mappers.envelopes.tables import cells
from aoc_normalizer.mappers.envelopes.tables.columns import Table, needs, paths
from aoc_normalizer.mappers.graph import signins

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft
    from aoc_normalizer.mappers.base import Record

_PLACES: Final = paths(
    "id createdDateTime userDisplayName userPrincipalName userId userType userAgent appId appDisplayName ipAddress",
    "clientAppUsed correlationId conditionalAccessStatus isInteractive riskDetail riskEventTypes riskLevelAggregated",
    "riskLevelDuringSignIn riskState resourceDisplayName resourceId servicePrincipalId servicePrincipalName sessionId",
    "signInEventTypes authenticationRequirement authenticationDetails authenticationProtocol crossTenantAccessType",
    "incomingTokenType originalTransferMethod homeTenantId resourceTenantId appliedConditionalAccessPolicies",
    "uniqueTokenIdentifier autonomousSystemNumber signInIdentifier tokenIssuerType tokenIssuerName",
    "status.errorCode status.failureReason status.additionalDetails",
    "deviceDetail.deviceId deviceDetail.displayName deviceDetail.operatingSystem deviceDetail.browser",
    "deviceDetail.isCompliant deviceDetail.isManaged deviceDetail.trustType",
    "location.city location.state location.countryOrRegion",
    "location.geoCoordinates.latitude location.geoCoordinates.longitude",
    "mfaDetail.authMethod mfaDetail.authDetail",
    # Whole objects in one cell, or words in their place.
    status="status.*",
    devicedetail="deviceDetail.*",
    location="location.*",
    mfadetail="mfaDetail.*",
    # The Entra portal's own names.
    date="createdDateTime",
    requestid="id",
    user="userDisplayName",
    username="userPrincipalName",
    application="appDisplayName",
    applicationid="appId",
    resource="resourceDisplayName",
    signinerrorcode="status.errorCode",
    failurereason="status.failureReason",
    clientapp="clientAppUsed",
    deviceid="deviceDetail.deviceId",
    devicename="deviceDetail.displayName",
    browser="deviceDetail.browser",
    operatingsystem="deviceDetail.operatingSystem",
    compliant="deviceDetail.isCompliant",
    managed="deviceDetail.isManaged",
    jointype="deviceDetail.trustType",
    multifactorauthenticationauthmethod="mfaDetail.authMethod",
    multifactorauthenticationauthdetail="mfaDetail.authDetail",
    conditionalaccess="conditionalAccessStatus",
    managedidentityid="servicePrincipalId",
    managedidentityname="servicePrincipalName",
    managedidentitytype="managedIdentityType",
    # Extractors', and those of whoever selects columns.
    time="createdDateTime",
    timestamp="createdDateTime",
    signintime="createdDateTime",
    signindatetime="createdDateTime",
    signinid="id",
    upn="userPrincipalName",
    app="appDisplayName",
    appname="appDisplayName",
    clientappid="appId",
    ip="ipAddress",
    clientip="ipAddress",
    errorcode="status.errorCode",
    statuscode="status.errorCode",
    resulttype="status.errorCode",
    resultdescription="status.failureReason",
    additionaldetails="status.additionalDetails",
    city="location.city",
    state="location.state",
    country="location.countryOrRegion",
    countryorregion="location.countryOrRegion",
    latitude="location.geoCoordinates.latitude",
    longitude="location.geoCoordinates.longitude",
    locationdetails="location.*",
    devicedetaildevicename="deviceDetail.displayName",
    os="deviceDetail.operatingSystem",
    iscompliant="deviceDetail.isCompliant",
    ismanaged="deviceDetail.isManaged",
    trusttype="deviceDetail.trustType",
    authmethod="mfaDetail.authMethod",
    conditionalaccesspolicies="appliedConditionalAccessPolicies",
)
#: Advanced hunting's `AADSignInEventsBeta`, `EntraIdSignInEvents`, and the same of service principals.
_HUNTED: Final = _PLACES | paths(
    accountupn="userPrincipalName",
    accountdisplayname="userDisplayName",
    accountobjectid="userId",
    devicetrusttype="deviceDetail.trustType",
    aaddeviceid="deviceDetail.deviceId",
    entraiddeviceid="deviceDetail.deviceId",
    osplatform="deviceDetail.operatingSystem",
    riskleveldetails="riskDetail",
    risklevelduringsignin="riskLevelDuringSignIn",
)
#: Column of a table's own -> the kind of sign-in.
_LOGON_TYPES: Final = (("noninteractive", "nonInteractiveUser"), ("interactive", "interactiveUser"))
_WORD: Final = "word"
_LISTS: Final = ("authenticationDetails", "appliedConditionalAccessPolicies")
_FLAGS: Final = ("isCompliant", "isManaged")
#: Risk levels that advanced hunting tells by number.
_RISKS: Final = {"0": "none", "1": "low", "10": "low", "50": "medium", "100": "high"}
_FAILED: Final = frozenset({"failure", "failed", "error"})
_SUCCEEDED: Final = frozenset({"success", "succeeded"})


def _record(row: Record) -> Record:
    for name in ("status", "deviceDetail", "mfaDetail"):
        row[name] = _whole(row.get(name, {}))
    row["location"] = _location(row.get("location", {}))
    for name in _LISTS:
        if name in row:
            row[name] = respelt(cells.objects(row[name]), GRAPH)
    status, device = row["status"], row["deviceDetail"]
    if "errorCode" not in status and (word := status.get(_WORD)) and word.isascii() and word.isdigit():
        status["errorCode"] = word
    device |= {name: cells.flag(device[name]) for name in _FLAGS if name in device}
    for name in ("authenticationRequirement", "conditionalAccessStatus"):
        if said := cells.text(row.get(name)):
            row[name] = cells.camel(said)
    level = cells.text(row.get("riskLevelDuringSignIn")) or ""
    row["riskLevelDuringSignIn"] = _RISKS.get(level, level)
    _kind(row)
    return row


def _kind(row: Record) -> None:
    """Which of the four kinds of sign-in it is, as far as the columns tell."""
    if kinds := cells.listed(row.get("signInEventTypes")):
        row["signInEventTypes"] = kinds
    elif (interactive := cells.flag(row.get("isInteractive"))) is not None:
        row["isInteractive"] = interactive
    elif not (cells.text(row.get("userPrincipalName")) or cells.text(row.get("userId"))):
        managed = cells.text(row.get("managedIdentityType"))
        row["signInEventTypes"] = ["managedIdentity" if managed else "servicePrincipal"]


def _whole(parts: Record) -> Record:
    """An object whose whole is in one cell, and whose parts may be in others. A word in its place is `_WORD`."""
    said = parts.pop("*", None)
    found = respelt(dict(cells.mapping(said)), GRAPH)
    word = None if found else cells.text(said)
    return {**found, **parts} | ({_WORD: word} if word else {})


def _location(parts: Record) -> Record | str | None:
    found = respelt(cells.place(parts.pop("*", None)), GRAPH)
    if isinstance(found, str):
        return {"countryOrRegion": found, **parts} if parts else found
    where = {**(found or {}), **parts}
    point = values.mapping(where.get("geoCoordinates"))
    where["geoCoordinates"] = {name: cells.number(value) for name, value in point.items()}
    return where


def _outcome(row: Record, draft: Draft) -> None:
    """A word for how it ended counts where there is no code; of hunting, the table's times have decimals."""
    word = (row["status"].get(_WORD) or "").casefold()
    if draft.result == "unknown" and word in _FAILED:
        draft.result, draft.severity = "failure", max(draft.severity, LOW)
        draft.status_detail = cells.text(row["status"].get("failureReason"))
    elif draft.result == "unknown" and word in _SUCCEEDED:
        draft.result = "success"
    signins.by_second(draft)


def _hunted(row: Record) -> Record:
    kinds = " ".join(cells.listed(row.pop("logonType", None))).casefold().replace("-", "")
    if found := [kind for mark, kind in _LOGON_TYPES if mark in kinds]:
        row["signInEventTypes"] = found[:1]
    elif cells.flag(row.pop("isManagedIdentity", None)):
        row["managedIdentityType"] = "managed"
    return _record(row)


_WHO: Final = (
    "userprincipalname username user userid upn userdisplayname serviceprincipalid serviceprincipalname "
    "managedidentityid managedidentityname"
)
_WHERE: Final = "ipaddress ip clientip location city country countryorregion locationcity useragent"
_WHICH: Final = "appdisplayname application appid applicationid app appname resourcedisplayname resource"
_CODES: Final = (
    "status statuserrorcode statuscode signinerrorcode errorcode resulttype failurereason statusfailurereason"
)

TABLES: Final = (
    Table(
        "AADSignInEventsBeta",
        needs(
            "timestamp timegenerated",
            "errorcode",
            "requestid",
            "accountupn accountobjectid serviceprincipalid",
            "logontype endpointcall correlationid",
        ),
        _HUNTED
        | {"logontype": "logonType", "ismanagedidentity": "isManagedIdentity", "timegenerated": "createdDateTime"},
        signins.MAPPER,
        record=_hunted,
        more=_outcome,
    ),
    Table(
        "Entra sign-ins",
        needs("createddatetime date time timestamp signintime signindatetime", _WHO, _WHICH, _CODES, _WHERE),
        _PLACES,
        signins.MAPPER,
        lacks=frozenset({"activity", "activitytype", "actiontype", "operation", "riskeventtype", "detectiontype"}),
        record=_record,
        more=_outcome,
    ),
)
