"""One action as Graph and the unified log tell it: a change of the directory, and a sign-in."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
WHO, WHOM, APP = (f"{number:08d}-5a11-4d0e-9b1c-0a0c51a00001" for number in (1, 2, 3))
AUDIT = {
    "id": "Directory_1",
    "activityDisplayName": "Add member to role",
    "activityDateTime": "2026-11-23T07:30:10.25Z",
    "loggedByService": "Core Directory",
    "correlationId": "C1",
    "result": "success",
    "initiatedBy": {"user": {"id": WHO, "userPrincipalName": "dana@contoso.example"}},
    "targetResources": [
        {"id": "r1", "type": "Role", "displayName": "Helpdesk", "modifiedProperties": []},
        {
            "id": WHOM,
            "type": "User",
            "modifiedProperties": [{"displayName": "Enabled", "oldValue": None, "newValue": "[true]"}],
        },
    ],
}
CHANGE = {
    "Id": "u1",
    "CreationTime": "2026-11-23T07:30:11",
    "Operation": "Add member to role.",
    "RecordType": 8,
    "Workload": "AzureActiveDirectory",
    "AzureActiveDirectoryEventType": 1,
    "UserId": "DANA@contoso.example",
    "InterSystemsId": "c1",
    "ResultStatus": "Success",
    "ModifiedProperties": [{"Name": "enabled", "OldValue": "", "NewValue": "[\r\n  true\r\n]"}],
    "Actor": [{"ID": f"User_{WHO.upper()}", "Type": 2}, {"ID": "User", "Type": 2}],
    "Target": [{"ID": f"User_{WHOM}", "Type": 2}, {"ID": "User", "Type": 2}],
}
SIGN_IN = {
    "id": "s1",
    "createdDateTime": "2026-11-23T07:30:10Z",
    "userPrincipalName": "dana@contoso.example",
    "userId": WHO,
    "appId": APP,
    "appDisplayName": "Portal",
    "ipAddress": "203.0.113.9",
    "correlationId": "c2",
    "signInEventTypes": ["interactiveUser"],
    "status": {"errorCode": 50126},
}
LOGON = {
    "Id": "u2",
    "CreationTime": "2026-11-23T07:30:12",
    "Operation": "UserLoginFailed",
    "RecordType": 15,
    "Workload": "AzureActiveDirectory",
    "AzureActiveDirectoryEventType": 1,
    "UserId": "Dana@contoso.example",
    "UserKey": WHO,
    "ClientIP": "::ffff:203.0.113.9",
    "InterSystemsId": "c2",
    "ApplicationId": APP,
    "ErrorNumber": "50126",
    "ResultStatus": "Success",
    "Actor": [{"ID": WHO, "Type": 0}, {"ID": "dana@contoso.example", "Type": 5}],
    "Target": [{"ID": "Unknown", "Type": 0}],
}
