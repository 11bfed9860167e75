"""Which table of advanced hunting a bare row is from: an export of the portal does not say, its columns do.

Source: defender-docs, the reference of each table (advanced-hunting-*-table.md). A query may have left columns out; a
table is known by what no other table has.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

type _Groups = tuple[frozenset[str], ...]


def _sign(table: str, *groups: str, lacks: str = "") -> tuple[str, _Groups, frozenset[str]]:
    return table, tuple(frozenset(group.split()) for group in groups), frozenset(lacks.split())


#: Table, groups of columns of each of which it has at least one, and columns that it lacks; tried in order.
_SIGNS: Final = (
    _sign("EmailPostDeliveryEvents", "NetworkMessageId InternetMessageId", "ActionTrigger ActionResult"),
    _sign("UrlClickEvents", "Url", "IsClickedThrough UrlChain ActionType", "AccountUpn IsClickedThrough Workload"),
    _sign("EmailUrlInfo", "NetworkMessageId", "Url UrlDomain UrlLocation"),
    _sign("EmailAttachmentInfo", "NetworkMessageId", "FileName FileType SHA256"),
    _sign(
        "EmailEvents",
        "NetworkMessageId InternetMessageId",
        "RecipientEmailAddress SenderFromAddress",
        "EmailDirection DeliveryAction DeliveryLocation SenderMailFromAddress SenderIPv4 Subject",
    ),
    _sign("AlertEvidence", "AlertId", "EvidenceRole EvidenceDirection EntityType"),
    _sign("AlertInfo", "AlertId", "Title", "Severity Category DetectionSource ServiceSource"),
    _sign(
        "CloudAppEvents",
        "ActionType",
        "ApplicationId AppInstanceId RawEventData ActivityType ActivityObjects IsAdminOperation",
    ),
    _sign("IdentityQueryEvents", "ActionType", "QueryType QueryTarget Query"),
    _sign(
        "DeviceLogonEvents",
        "ActionType",
        "DeviceId LogonId IsLocalAdmin",
        "LogonType LogonId IsLocalAdmin",
        lacks="RegistryKey",
    ),
    _sign(
        "IdentityLogonEvents",
        "ActionType",
        "LogonType",
        "AccountUpn AccountObjectId AccountSid AccountName AccountDisplayName",
    ),
    _sign(
        "IdentityDirectoryEvents",
        "ActionType",
        "TargetAccountUpn TargetAccountDisplayName DestinationDeviceName TargetDeviceName",
        lacks="DeviceId",
    ),
    _sign(
        "DeviceRegistryEvents",
        "RegistryKey PreviousRegistryKey",
        "RegistryValueType PreviousRegistryKey",
        lacks="ProcessCommandLine RemoteIP",
    ),
    _sign(
        "DeviceProcessEvents",
        "ProcessCommandLine",
        "ProcessIntegrityLevel ProcessVersionInfoCompanyName",
        lacks="RemoteIP",
    ),
    _sign("DeviceNetworkEvents", "RemoteIP RemoteUrl", "RemoteIPType LocalIPType Protocol", lacks="RegistryKey"),
    _sign(
        "DeviceFileEvents",
        "FileName FolderPath",
        "PreviousFileName FileOriginUrl RequestProtocol IsAzureInfoProtectionApplied",
        lacks="RegistryKey",
    ),
)
#: Columns and characters of a header that is looked at: whoever writes a record chooses its names.
_MAX_COLUMNS: Final = 200
_MAX_CHARACTERS: Final = 8192


def table_of(row: Mapping[str, Any]) -> str | None:
    """The table that a row is from; None when that cannot be told."""
    if len(row) > _MAX_COLUMNS or sum(map(len, row)) > _MAX_CHARACTERS:
        return None
    return _table_of(tuple(row))


@lru_cache(maxsize=256)
def _table_of(header: tuple[str, ...]) -> str | None:
    columns = frozenset(header)
    for table, groups, lacks in _SIGNS:
        if lacks.isdisjoint(columns) and not any(group.isdisjoint(columns) for group in groups):
            return table
    return None


_OTHERS: Final = (  # noqa: SIM905  # names read better as words
    "Timestamp ReportId Application AccountName AccountDomain AccountId AccountType DeviceName IPAddress Port "
    "PublicIP LocalIP LocalPort RemotePort RemoteDeviceName SenderDisplayName SenderObjectId SenderIPv6 "
    "SenderFromDomain RecipientObjectId ThreatTypes ThreatNames DetectionMethods ConfidenceLevel FailureReason "
    "TargetAccountUpn DestinationIPAddress DestinationPort Location ISP City CountryCode UserAgent ObjectName "
    "ObjectType ObjectId AdditionalFields InitiatingProcessAccountName InitiatingProcessAccountUpn "
    "InitiatingProcessAccountObjectId InitiatingProcessFileName InitiatingProcessCommandLine SHA1 MD5 "
    "AttackTechniques AzureResourceId RequestSourceIP RequestSourcePort RequestAccountName ActionResult "
    "OSPlatform DeviceType LoggedOnUsers"
).split()
#: Columns that are read, as Microsoft spells them.
COLUMNS: Final = frozenset(
    {*_OTHERS, *(name for _, groups, lacks in _SIGNS for group in (*groups, lacks) for name in group)}
)
