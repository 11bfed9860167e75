"""Exchange: message traces of every origin, cmdlets of `Search-AdminAuditLog`, what `Search-MailboxAuditLog` lists.

Sources: exchange-docs, Get-MessageTrace, Get-MessageTraceV2, Get-MessageTraceDetailV2, the downloads of message trace
in the admin center (`origin_timestamp_utc` of summaries, `date_time_utc` of extended reports), Search-AdminAuditLog,
Search-MailboxAuditLog. The two searches' `Identity` is no id of the unified log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aoc_normalizer.fields import spellings, values
from aoc_normalizer.mappers import message_trace
from aoc_normalizer.mappers.envelopes.tables import cells
from aoc_normalizer.mappers.envelopes.tables.columns import Table, needs, paths
from aoc_normalizer.mappers.unified import audit_log, inbox_rules

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft
    from aoc_normalizer.mappers.base import Record

_TRACE: Final = paths(
    "MessageTraceId MessageId Received SenderAddress RecipientAddress Subject Status FromIP ToIP Size Organization",
    "Event Action Detail Data Direction ConnectorId",
    date="Received",
    datetime="Received",
    time="Received",
    receivedtime="Received",
    receiveddatetime="Received",
    origintimestamp="Received",
    origintimestamputc="Received",
    datetimeutc="Received",
    sender="SenderAddress",
    from_="SenderAddress",
    recipient="RecipientAddress",
    recipients="RecipientAddress",
    recipientstatus="RecipientStatus",
    to="RecipientAddress",
    messagesubject="Subject",
    deliverystatus="Status",
    networkmessageid="MessageTraceId",
    internetmessageid="MessageId",
    originalclientip="FromIP",
    senderip="FromIP",
    clientip="ClientIP",
    eventid="Event",
    directionality="Direction",
    totalbytes="Size",
)
_TRACE["from"] = _TRACE.pop("from_")


def _traced(row: Record) -> Record:
    """Where there is no address of the sender's server, the one that the step came from."""
    row.setdefault("FromIP", row.pop("ClientIP", None))
    return row


_ADMIN: Final = paths(
    "ExternalAccess OriginatingServer SessionId AppId ClientIP AppPoolName",
    rundate="CreationTime",
    cmdletname="Operation",
    objectmodified="ObjectId",
    cmdletparameters="Parameters",
    modifiedproperties="ModifiedProperties",
    caller="UserId",
    succeeded="ResultStatus",
    error="Error",
    identity="Identity",
)
#: `ForwardTo` in `{Identity, ForwardTo}`: what PowerShell prints of a list of parameters.
_TARGETING: Final = frozenset({"Identity", "Confirm", "ErrorAction", "Force"})
_SHOWN: Final = 5
_NAMES: Final = "names of parameters"
_PARAMETER: Final = re.compile(r"[A-Za-z]\w{0,63}")


def _cmdlet(row: Record) -> Record:
    """A cmdlet as the unified log has it. Of parameters that PowerShell has printed the names alone are left.

    A parameter without its value would be one that was cleared, so these stand apart.
    """
    said = row.pop("Parameters", None)
    listed = [
        {"Name": values.first(item, "Name", "name"), "Value": item.get("Value", item.get("value"))}
        for item in cells.objects(said)
    ]
    row[_NAMES] = [] if listed else [name for name in cells.listed(said) if _PARAMETER.fullmatch(name)]
    row["ModifiedProperties"] = cells.objects(row.get("ModifiedProperties"))
    return row | {"Workload": "Exchange", "RecordType": 1, "Parameters": listed}


def _own_identity(row: Record, draft: Draft) -> None:
    """Of two cmdlets of one second the search's own identity tells which is which."""
    draft.family = "admin-audit"
    draft.record_id = cells.text(row.get("Identity"))
    draft.log_name = "Exchange audit log search"
    if draft.result == "failure" and (error := cells.text(row.get("Error"))):
        draft.status_detail = error
    names = row.get(_NAMES, [])
    # Of items and their folder the sentence tells the folder.
    draft.search += [*names, *(item["Subject"] for item in row.get("AffectedItems", []))]
    if draft.remark is None and (said := [name for name in names if name not in _TARGETING]):
        draft.remark = f"with {', '.join(said[:_SHOWN])}" + (f" and {len(said) - _SHOWN} more" * (len(said) > _SHOWN))


_MAILBOX: Final = paths(
    "Operation LogonType ExternalAccess ClientInfoString ClientIPAddress MailboxOwnerUPN MailboxOwnerSid MailboxGuid",
    "LogonUserSid OriginatingServer InternalLogonType CrossMailboxOperation",
    lastaccessed="CreationTime",
    operationresult="ResultStatus",
    logonuserdisplayname="UserId",
    folderpathname="Folder.Path",
    destfolderpathname="DestFolder.Path",
    itemsubject="Item.Subject",
    itemid="Item.Id",
    sourceitemsubjectslist="subjects",
    mailboxresolvedownername="owner",
    identity="Identity",
)


def _mailbox(row: Record) -> Record:
    row |= {"Workload": "Exchange", "RecordType": 2}
    folder = row.pop("Folder", None)
    if folder:
        row.setdefault("Item", {})["ParentFolder"] = folder
    if subjects := cells.listed(row.pop("subjects", None)):
        row["AffectedItems"] = [{"Subject": subject} for subject in subjects]
    owner = row.pop("owner", None)
    row.setdefault("MailboxOwnerUPN", owner)
    return row


#: What the log's own names are, and some of what lies in its objects.
UNIFIED: Final = paths(
    " ".join(spellings.UNIFIED.values()),
    "Item.Subject Item.InternetMessageId Item.Id Item.ParentFolder.Path Item.ParentFolder.MemberUpn "
    "Item.ParentFolder.MemberRights Folder.Path DestFolder.Path AppAccessContext.AADSessionId "
    "AppAccessContext.ClientAppName AppAccessContext.ClientAppId AppAccessContext.CorrelationId",
    creationdate="CreationTime",
    recordid="Id",
    operations="Operation",
    userids="UserId",
    user="UserId",
    ip="ClientIP",
    ipaddress="ClientIP",
)
_UNIFIED_COLUMNS: Final = UNIFIED | {f"auditdata{key}": place for key, place in UNIFIED.items()}


_RULES: Final = paths(
    "Name Enabled Description RuleIdentity Identity Priority From SentTo SubjectContainsWords BodyContainsWords "
    "SubjectOrBodyContainsWords HeaderContainsWords FromAddressContainsWords RecipientAddressContainsWords "
    "HasAttachment DeleteMessage SoftDeleteMessage MarkAsRead MoveToFolder CopyToFolder ForwardTo "
    "ForwardAsAttachmentTo RedirectTo StopProcessingRules MailboxOwnerId Mailbox UserPrincipalName"
)


def _never(_record: Record) -> bool:
    """A row under the names of the log itself, in whatever case, is a record already."""
    return False


TABLES: Final = (
    Table(
        "Message trace",
        needs(
            "senderaddress sender from",
            "recipientaddress recipient recipients recipientstatus to",
            "received date datetime time receivedtime receiveddatetime origintimestamp origintimestamputc datetimeutc",
            "status recipientstatus deliverystatus messagetraceid networkmessageid messageid eventid event subject "
            "messagesubject",
        ),
        _TRACE,
        message_trace.MAPPER,
        lacks=frozenset({"actiontype", "senderfromaddress", "operation"}),
        record=_traced,
    ),
    Table(
        "Admin audit log",
        needs("cmdletname", "rundate", "caller"),
        _ADMIN,
        audit_log.MAPPER,
        record=_cmdlet,
        more=_own_identity,
    ),
    Table(
        "Mailbox audit log",
        needs(
            "lastaccessed",
            "operation",
            "logonuserdisplayname logontype",
            "mailboxguid mailboxresolvedownername mailboxownerupn",
        ),
        _MAILBOX,
        audit_log.MAPPER,
        record=_mailbox,
        more=_own_identity,
    ),
    Table(
        "Inbox rules",
        needs("name", "deletemessage", "movetofolder", "forwardto redirectto forwardasattachmentto"),
        _RULES,
        inbox_rules.MAPPER,
        lacks=frozenset({"operation", "creationtime", "creationdate", "auditdata"}),
    ),
    Table(
        "Unified audit log",
        needs(
            "auditdatacreationtime creationdate recordid operations userids",
            "creationtime auditdatacreationtime creationdate",
            "operation operations auditdataoperation",
            "workload auditdataworkload recordtype auditdatarecordtype",
            "userid userids auditdatauserid user",
        ),
        _UNIFIED_COLUMNS,
        audit_log.MAPPER,
        lacks=frozenset({"auditdata"}),
    ),
    Table(
        "Unified audit log",
        needs("creationtime", "operation", "workload recordtype", "userid"),
        UNIFIED,
        audit_log.MAPPER,
        lacks=frozenset({"auditdata"}),
        accepts=_never,
    ),
)
