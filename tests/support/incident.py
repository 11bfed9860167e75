"""One incident as three tools export it: Purview's search, Graph PowerShell, and Sentinel with Defender's hunting.

An attacker guesses a password, signs in from 198.51.100.77, hides mail with an inbox rule, takes files, lets an
application read the mailbox, and makes a second account an administrator. Around it others do their work.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from pathlib import Path

ATTACKER = "198.51.100.77"
VICTIM = "dana.reyes@contoso.example"
BEGAN = datetime(2025, 3, 4, 8, tzinfo=UTC)
_TENANT = "0a1b2c3d-0000-4000-8000-000000000017"
_WRONG_PASSWORD = "Error validating credentials due to invalid username or password."


def _id(number: int) -> str:
    return str(UUID(int=(0xA0C << 100) + number, version=4))


def _at(minute: float) -> str:
    return f"{BEGAN + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


def _sign_in(number: int, minute: float, user: str, ip: str, country: str, error: int = 0) -> dict[str, Any]:
    name = user.partition("@")[0].replace(".", " ").title()
    reason = _WRONG_PASSWORD if error else "Other."
    return {
        "id": _id(number),
        "createdDateTime": _at(minute),
        "userDisplayName": name,
        "userPrincipalName": user,
        "userId": _id(9_000 + sum(user.encode())),
        "appId": "de8bc8b5-d9f9-48b1-a8ad-b748da725064",
        "appDisplayName": "Office 365 Exchange Online",
        "ipAddress": ip,
        "clientAppUsed": "Browser",
        "correlationId": _id(1_000 + number),
        "conditionalAccessStatus": "notApplied",
        "isInteractive": True,
        "resourceDisplayName": "Microsoft Graph",
        "status": {"errorCode": error, "failureReason": reason, "additionalDetails": None},
        "deviceDetail": {"deviceId": "", "displayName": "", "operatingSystem": "Windows10", "browser": "Edge 124.0"},
        "location": {"city": "", "state": "", "countryOrRegion": country, "geoCoordinates": {}},
    }


def _audit(number: int, minute: float, activity: str, category: str, target: dict[str, Any]) -> dict[str, Any]:
    user = {"id": _id(9_001), "displayName": "Dana Reyes", "userPrincipalName": VICTIM, "ipAddress": ATTACKER}
    return {
        "id": f"Directory_{_id(number)}_{number}",
        "activityDateTime": _at(minute),
        "activityDisplayName": activity,
        "category": category,
        "correlationId": _id(1_000 + number),
        "loggedByService": "Core Directory",
        "operationType": "Assign",
        "result": "success",
        "resultReason": "",
        "initiatedBy": {"user": user, "app": None},
        "targetResources": [target],
        "additionalDetails": [{"key": "User-Agent", "value": "Mozilla/5.0"}],
    }


def _unified(
    number: int, minute: float, operation: str, workload: str, record_type: int, **more: Any
) -> dict[str, Any]:
    return {
        "Id": _id(number),
        "CreationTime": _at(minute).removesuffix("Z"),
        "Operation": operation,
        "OrganizationId": _TENANT,
        "RecordType": record_type,
        "Workload": workload,
        "UserType": 0,
        "UserId": VICTIM,
        "ClientIP": ATTACKER,
        **more,
    }


_COLLEAGUES = [f"{name}@contoso.example" for name in ("ana.cruz", "ben.ito", "cleo.marsh")]
SIGN_INS = [
    *(
        _sign_in(number, -120 + 8 * number, _COLLEAGUES[number % 3], f"203.0.113.{number}", "NL")
        for number in range(24)
    ),
    *(_sign_in(30 + number, 2 + number / 2, VICTIM, ATTACKER, "RU", 50126) for number in range(3)),
    _sign_in(40, 10, VICTIM, ATTACKER, "RU"),
]
_ADMINISTRATOR = {"displayName": "Role.DisplayName", "oldValue": None, "newValue": '"Global Administrator"'}
AUDITS = [
    _audit(
        50, 21, "Consent to application", "ApplicationManagement",
        {"id": _id(9_100), "displayName": "Mail Sync Pro", "type": "ServicePrincipal", "modifiedProperties": []},
    ),
    _audit(
        51, 40, "Add member to role", "RoleManagement",
        {"id": _id(9_101), "displayName": "Backup", "type": "User", "userPrincipalName": "backup@contoso.example",
         "modifiedProperties": [_ADMINISTRATOR]},
    ),
]  # fmt: skip
_RULE = {"Name": "..", "MoveToFolder": "RSS Feeds", "SubjectContainsWords": "invoice", "MarkAsRead": "True"}
UNIFIED = [
    _unified(
        60, 15, "New-InboxRule", "Exchange", 1, ResultStatus="True", ObjectId="dana.reyes\\..",
        Parameters=[{"Name": name, "Value": value} for name, value in _RULE.items()],
    ),
    *(
        _unified(
            61 + number, 30 + number, "FileDownloaded", "SharePoint", 6, ItemType="File",
            SiteUrl="https://contoso.example/sites/finance/", SourceFileName=f"payroll-{number}.xlsx",
            ObjectId=f"https://contoso.example/sites/finance/payroll-{number}.xlsx",
        )
        for number in range(5)
    ),
]  # fmt: skip
#: How many different records there are.
RECORDS = len(SIGN_INS) + len(AUDITS) + len(UNIFIED)


def write_exports(folder: Path) -> None:
    """Write `purview.zip`, `graph/` and `sentinel/`, each as its tool does."""
    for name in ("graph", "sentinel"):
        (folder / name).mkdir(parents=True)
    _write_purview(folder / "purview.zip")
    for name, records in (("sign-ins.json", SIGN_INS), ("directory-audits.json", AUDITS)):
        (folder / "graph" / name).write_text(json.dumps([_pascal(record) for record in records], indent=2))
    _write_sentinel(folder / "sentinel")
    (folder / "sentinel" / "README.txt").write_text("Exported from the workspace on Tuesday.")


def _write_purview(path: Path) -> None:
    rows = [
        {"RecordId": record["Id"], "CreationDate": record["CreationTime"] + "Z", "RecordType": record["RecordType"],
         "Operation": record["Operation"], "UserId": record["UserId"], "AuditData": json.dumps(record)}
        for record in UNIFIED
    ]  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("AuditLog.csv", "\ufeff" + _table(rows))


def _write_sentinel(folder: Path) -> None:
    sign_ins = [
        {"TimeGenerated [UTC]": _portal(record["createdDateTime"]), "ResultType": record["status"]["errorCode"],
         "ResultDescription": record["status"]["failureReason"], "Identity": record["userDisplayName"],
         "UserPrincipalName": record["userPrincipalName"], "UserDisplayName": record["userDisplayName"],
         "UserId": record["userId"], "AppDisplayName": record["appDisplayName"], "AppId": record["appId"],
         "IPAddress": record["ipAddress"], "Id": record["id"],
         "CreatedDateTime [UTC]": _portal(record["createdDateTime"]), "Status": json.dumps(record["status"]),
         "DeviceDetail": json.dumps(record["deviceDetail"]), "LocationDetails": json.dumps(record["location"]),
         "CorrelationId": record["correlationId"], "Type": "SigninLogs"}
        for record in SIGN_INS
    ]  # fmt: skip
    audits = [
        {"TimeGenerated [UTC]": _portal(record["activityDateTime"]), "OperationName": record["activityDisplayName"],
         "AADOperationType": record["operationType"], "Category": record["category"], "ResultSignature": "None",
         "Result": record["result"], "ResultDescription": "", "Identity": "Dana Reyes",
         "CorrelationId": record["correlationId"], "LoggedByService": record["loggedByService"], "Id": record["id"],
         "ActivityDateTime [UTC]": _portal(record["activityDateTime"]),
         "ActivityDisplayName": record["activityDisplayName"], "InitiatedBy": json.dumps(record["initiatedBy"]),
         "TargetResources": json.dumps(record["targetResources"]),
         "AdditionalDetails": json.dumps(record["additionalDetails"]), "TenantId": _TENANT,
         "SourceSystem": "Azure AD", "Type": "AuditLogs"}
        for record in AUDITS
    ]  # fmt: skip
    hunted = [
        {"Timestamp": record["CreationTime"] + "Z", "ActionType": record["Operation"],
         "Application": "Microsoft 365", "RawEventData": json.dumps(record), "ReportId": record["Id"]}
        for record in UNIFIED
    ]  # fmt: skip
    for name, rows in (("SigninLogs.csv", sign_ins), ("AuditLogs.csv", audits), ("CloudAppEvents.csv", hunted)):
        (folder / name).write_text(_table(rows), encoding="utf-8-sig")


def _table(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _portal(moment: str) -> str:
    """As the portal writes a time of its grid."""
    at = datetime.fromisoformat(moment)
    return f"{at.month}/{at.day}/{at.year}, {at.hour % 12 or 12}:{at:%M:%S}.000 {'PM' if at.hour >= 12 else 'AM'}"


def _pascal(value: Any) -> Any:
    """As PowerShell writes objects of the Graph SDK."""
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: _pascal(inner) for name, inner in value.items()}
    return [_pascal(inner) for inner in value] if isinstance(value, list) else value
