"""Entries of every shape, whose messages stand in golden files in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts.audit import AuditEntry, Chain, Head
from aoc_exporter.entry import Entry
from made_events import KIM, KIM_ID, SAM, SAM_ID, audit, person, unified
from siem_entries import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable

USER_TARGET = {
    "id": SAM_ID,
    "displayName": "Sam",
    "userPrincipalName": SAM,
    "type": "User",
    "modifiedProperties": [{"displayName": "AccountEnabled", "oldValue": "[]", "newValue": "[true]"}],
}
SIGN_IN = {
    "id": "sign-in-1",
    "createdDateTime": "2026-11-23T07:30:00Z",
    "userDisplayName": "Kim Vale",
    "userPrincipalName": KIM,
    "userId": KIM_ID,
    "appId": "00000003-0000-0ff1-ce00-000000000000",
    "appDisplayName": "Office 365 SharePoint Online",
    "ipAddress": "2001:db8::17",
    "correlationId": "eeeeeeee-5555-4555-8555-00000000000e",
    "isInteractive": True,
    "resourceDisplayName": "Office 365 Exchange Online",
    "status": {"errorCode": 50126, "failureReason": "Invalid username or password = wrong | denied"},
    "deviceDetail": {"deviceId": "", "displayName": "KIM-PC", "operatingSystem": "Windows 11"},
    "location": {"city": "Utrecht", "countryOrRegion": "NL", "geoCoordinates": {"latitude": 52.09, "longitude": 5.12}},
    "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
}


def audit_entry() -> Entry:
    """Somebody could not sign in to AOC."""
    event = {
        "class_uid": 3002, "category_uid": 3, "activity_id": 1, "type_uid": 300201, "severity_id": 1,
        "time": 1_795_419_000_000, "status_id": 2, "status": "Failure", "message": "Kim Vale could not sign in",
        "metadata": {"version": "1.8.0", "product": {"name": "AOC", "vendor_name": "AOC"}},
        "actor": {"user": {"uid": KIM_ID, "name": "Kim Vale", "email_addr": KIM}},
        "user": {"uid": KIM_ID, "name": "Kim Vale", "email_addr": KIM},
        "unmapped": {"action": "session.begin"},
    }  # fmt: skip
    return Entry.of_audit(AuditEntry.following(Head.none(Chain("contoso", "gateway-1")), event))


CASES: dict[str, Callable[[], Entry]] = {
    "user-created": lambda: entry_of(audit("Add user", USER_TARGET)),
    "sign-in-failed": lambda: entry_of(SIGN_IN),
    "inbox-rule": lambda: entry_of(
        unified(
            "New-InboxRule", "Exchange", 1, ObjectId="Sam\\a=b|c", ClientIP="198.51.100.7:443", ResultStatus="True",
            Parameters=[{"Name": "Name", "Value": "..\n\t\"'=|\\"}, {"Name": "ForwardTo", "Value": "x@evil.example"}],
        )
    ),
    "file-downloaded": lambda: entry_of(
        unified(
            "FileDownloaded", "SharePoint", 6, ItemType="File", SourceFileName="Löhne 💶.xlsx",
            ObjectId="https://contoso.example/sites/hr/Löhne 💶.xlsx", SiteUrl="https://contoso.example/sites/hr/",
            ClientIP="198.51.100.7", UserAgent="curl/8",
        )
    ),
    "role-granted": lambda: entry_of(
        unified(
            "Add member to role.", Actor=person(), Target=person(SAM, SAM_ID), ObjectId=SAM,
            ModifiedProperties=[{"Name": "Role.DisplayName", "NewValue": '"Global Administrator"', "OldValue": ""}],
        )
    ),
    "audit-trail": audit_entry,
}  # fmt: skip
#: Where Microsoft's records among them come from.
SOURCES: dict[str, str] = {
    "user-created": "graph-directory-audits",
    "sign-in-failed": "graph-signins",
    "inbox-rule": "o365-exchange",
    "file-downloaded": "o365-sharepoint",
    "role-granted": "o365-azuread",
}
