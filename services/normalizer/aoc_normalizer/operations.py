"""What operations mean: OCSF class and activity, severity, and the words of the message. A table to read and extend.

Operations are looked up after `key()`: trimmed, case-folded, dots dropped, dashes and blanks made one kind. `{target}`
in a phrase is the first target, `{role}` and other names come from the mapper; a phrase without what it needs falls
back to "ran <operation> on <target>".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from aoc_common.contracts import spelling
from aoc_normalizer.draft import CRITICAL, HIGH, INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    ENTITY_MANAGEMENT,
    FILE_HOSTING,
    GROUP_MANAGEMENT,
    OTHER,
    USER_ACCESS,
)


class Meaning(NamedTuple):
    """What an operation means. `phrase` continues a sentence that begins with the actor."""

    class_uid: int
    activity_id: int
    severity: int = INFORMATIONAL
    phrase: str | None = None


_DASHES: Final = re.compile(r"[\s\u2010-\u2015\u2212_-]+")


@lru_cache(maxsize=4096)
def key(operation: str) -> str:
    """How an operation is looked up."""
    return _DASHES.sub(" ", operation.replace(".", " ").casefold()).strip()


#: How an operation is stored and shown.
shown: Final = lru_cache(maxsize=4096)(spelling.operation)


TABLE: Final[dict[str, Meaning]] = {
    # -- Entra users --
    "add user": Meaning(ACCOUNT_CHANGE, 1, LOW, "created user {target}"),
    "invite external user": Meaning(ACCOUNT_CHANGE, 1, LOW, "invited {target} as a guest"),
    "update user": Meaning(ACCOUNT_CHANGE, OTHER, INFORMATIONAL, "changed user {target}"),
    "delete user": Meaning(ACCOUNT_CHANGE, 6, MEDIUM, "deleted user {target}"),
    "hard delete user": Meaning(ACCOUNT_CHANGE, 6, MEDIUM, "deleted user {target} for good"),
    "restore user": Meaning(ACCOUNT_CHANGE, 2, LOW, "restored user {target}"),
    "disable account": Meaning(ACCOUNT_CHANGE, 5, LOW, "disabled the account of {target}"),
    "enable account": Meaning(ACCOUNT_CHANGE, 2, LOW, "enabled the account of {target}"),
    "change user password": Meaning(ACCOUNT_CHANGE, 3, INFORMATIONAL, "changed the password of {target}"),
    "change password (self service)": Meaning(ACCOUNT_CHANGE, 3, INFORMATIONAL, "changed the password of {target}"),
    "reset user password": Meaning(ACCOUNT_CHANGE, 4, MEDIUM, "reset the password of {target}"),
    "reset password (self service)": Meaning(ACCOUNT_CHANGE, 4, LOW, "reset the password of {target}"),
    "reset password (by admin)": Meaning(ACCOUNT_CHANGE, 4, MEDIUM, "reset the password of {target}"),
    "set force change user password": Meaning(ACCOUNT_CHANGE, 3, LOW, "made {target} change the password"),
    "change user license": Meaning(ACCOUNT_CHANGE, OTHER, INFORMATIONAL, "changed the licences of {target}"),
    "set license properties": Meaning(ACCOUNT_CHANGE, OTHER, INFORMATIONAL, "set licence properties of {target}"),
    "user registered security info": Meaning(ACCOUNT_CHANGE, 10, LOW, "registered security info for {target}"),
    "user deleted security info": Meaning(ACCOUNT_CHANGE, 11, MEDIUM, "deleted security info of {target}"),
    "admin registered security info": Meaning(ACCOUNT_CHANGE, 10, MEDIUM, "registered security info for {target}"),
    "admin deleted security info": Meaning(ACCOUNT_CHANGE, 11, HIGH, "deleted security info of {target}"),
    "disable strong authentication": Meaning(ACCOUNT_CHANGE, 11, HIGH, "turned MFA off for {target}"),
    "enable strong authentication": Meaning(ACCOUNT_CHANGE, 10, LOW, "turned MFA on for {target}"),
    "update stsrefreshtokenvalidfrom timestamp": Meaning(
        ACCOUNT_CHANGE, OTHER, LOW, "revoked the sessions of {target}"
    ),
    # -- Entra groups --
    "add group": Meaning(GROUP_MANAGEMENT, 6, INFORMATIONAL, "created group {target}"),
    "update group": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed group {target}"),
    "delete group": Meaning(GROUP_MANAGEMENT, 5, LOW, "deleted group {target}"),
    "hard delete group": Meaning(GROUP_MANAGEMENT, 5, LOW, "deleted group {target} for good"),
    "add member to group": Meaning(GROUP_MANAGEMENT, 3, LOW, "added {user} to group {group}"),
    "remove member from group": Meaning(GROUP_MANAGEMENT, 4, LOW, "removed {user} from group {group}"),
    "add owner to group": Meaning(GROUP_MANAGEMENT, 1, LOW, "made {user} an owner of group {group}"),
    "remove owner from group": Meaning(GROUP_MANAGEMENT, 2, LOW, "removed {user} as an owner of group {group}"),
    "addedtogroup": Meaning(GROUP_MANAGEMENT, 3, LOW, "added {target} to a SharePoint group"),
    "removedfromgroup": Meaning(GROUP_MANAGEMENT, 4, LOW, "removed {target} from a SharePoint group"),
    "groupadded": Meaning(GROUP_MANAGEMENT, 6, INFORMATIONAL, "created a SharePoint group in {target}"),
    # -- Entra roles --
    "add member to role": Meaning(USER_ACCESS, 1, HIGH, "added {user} to role {role}"),
    "add eligible member to role": Meaning(USER_ACCESS, 1, HIGH, "made {user} eligible for role {role}"),
    "add scoped member to role": Meaning(USER_ACCESS, 1, HIGH, "added {user} to role {role} for a scope"),
    "remove member from role": Meaning(USER_ACCESS, 2, MEDIUM, "removed {user} from role {role}"),
    "remove eligible member from role": Meaning(USER_ACCESS, 2, MEDIUM, "removed {user}'s eligibility for role {role}"),
    "add member to role completed (pim activation)": Meaning(USER_ACCESS, 1, MEDIUM, "activated role {role}"),
    "add app role assignment to service principal": Meaning(
        USER_ACCESS, 1, HIGH, "granted application permission {permission} to {client}"
    ),
    "add app role assignment grant to user": Meaning(USER_ACCESS, 1, LOW, "assigned {target} to an application"),
    "remove app role assignment from service principal": Meaning(
        USER_ACCESS, 2, LOW, "revoked application permission {permission} of {client}"
    ),
    "add delegated permission grant": Meaning(USER_ACCESS, 1, MEDIUM, "granted delegated permissions to {target}"),
    "consent to application": Meaning(USER_ACCESS, 1, HIGH, "consented to application {target}"),
    # -- Entra applications, devices, policies --
    "add application": Meaning(ENTITY_MANAGEMENT, 1, LOW, "created application {target}"),
    "update application": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed application {target}"),
    "update application certificates and secrets management": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "changed the credentials of application {target}"
    ),
    "delete application": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted application {target}"),
    "add owner to application": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "added an owner to application {target}"),
    "add service principal": Meaning(ENTITY_MANAGEMENT, 1, LOW, "created service principal {target}"),
    "update service principal": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed service principal {target}"),
    "remove service principal": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted service principal {target}"),
    "add service principal credentials": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "added credentials to service principal {target}"
    ),
    "add device": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "added device {target}"),
    "update device": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed device {target}"),
    "delete device": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted device {target}"),
    "register device": Meaning(ENTITY_MANAGEMENT, 6, INFORMATIONAL, "registered device {target}"),
    "add conditional access policy": Meaning(
        ENTITY_MANAGEMENT, 1, MEDIUM, "created conditional access policy {target}"
    ),
    "update conditional access policy": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "changed conditional access policy {target}"
    ),
    "delete conditional access policy": Meaning(
        ENTITY_MANAGEMENT, 4, HIGH, "deleted conditional access policy {target}"
    ),
    "set company information": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed the company information"),
    "set domain authentication": Meaning(ENTITY_MANAGEMENT, 3, CRITICAL, "changed how domain {target} authenticates"),
    "recover device local administrator password": Meaning(
        ENTITY_MANAGEMENT, 2, HIGH, "read the local administrator password of {target}"
    ),
    # Sign-ins
    "userloggedin": Meaning(AUTHENTICATION, 1),
    "userloginfailed": Meaning(AUTHENTICATION, 1),
    "sign in activity": Meaning(AUTHENTICATION, 1),
    "mailboxlogin": Meaning(AUTHENTICATION, 1, INFORMATIONAL, "signed in to mailbox {target}"),
    "teamssessionstarted": Meaning(AUTHENTICATION, 1, INFORMATIONAL, "started a Teams session"),
    # Exchange
    "new inboxrule": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created inbox rule {target}"),
    "set inboxrule": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed inbox rule {target}"),
    "updateinboxrules": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed the inbox rules of {target}"),
    "remove inboxrule": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted inbox rule {target}"),
    "new transportrule": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "created transport rule {target}"),
    "set transportrule": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed transport rule {target}"),
    "remove transportrule": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "deleted transport rule {target}"),
    "set mailbox": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed mailbox {target}"),
    "new mailbox": Meaning(ENTITY_MANAGEMENT, 1, LOW, "created mailbox {target}"),
    "add mailboxpermission": Meaning(USER_ACCESS, 1, MEDIUM, "gave {user} access to mailbox {target}"),
    "remove mailboxpermission": Meaning(USER_ACCESS, 2, LOW, "removed {user}'s access to mailbox {target}"),
    "add recipientpermission": Meaning(USER_ACCESS, 1, MEDIUM, "let {user} send as {target}"),
    "set mailboxauditbypassassociation": Meaning(
        ENTITY_MANAGEMENT, 3, CRITICAL, "changed the audit bypass of {target}"
    ),
    "set adminauditlogconfig": Meaning(ENTITY_MANAGEMENT, 3, CRITICAL, "changed the audit log configuration"),
    "set organizationconfig": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed the organisation configuration"),
    "mailitemsaccessed": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "read mail in {target}"),
    "send": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "sent mail from {target}"),
    "sendas": Meaning(API_ACTIVITY, 1, MEDIUM, "sent mail as {target}"),
    "sendonbehalf": Meaning(API_ACTIVITY, 1, LOW, "sent mail on behalf of {target}"),
    "create": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "created an item in {target}"),
    "update": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "changed an item in {target}"),
    "movetodeleteditems": Meaning(API_ACTIVITY, 4, INFORMATIONAL, "moved mail of {target} to Deleted Items"),
    "softdelete": Meaning(API_ACTIVITY, 4, INFORMATIONAL, "deleted mail of {target}"),
    "harddelete": Meaning(API_ACTIVITY, 4, LOW, "deleted mail of {target} for good"),
    "addfolderpermissions": Meaning(USER_ACCESS, 1, LOW, "shared a folder of {target}"),
    "new compliancesearchaction": Meaning(API_ACTIVITY, 1, HIGH, "started a content search action {target}"),
    "new compliancesearch": Meaning(API_ACTIVITY, 1, MEDIUM, "created content search {target}"),
    # SharePoint and OneDrive
    "fileaccessed": Meaning(FILE_HOSTING, 14, INFORMATIONAL, "opened file {target}"),
    "fileaccessedextended": Meaning(FILE_HOSTING, 14, INFORMATIONAL, "opened file {target}"),
    "filepreviewed": Meaning(FILE_HOSTING, 9, INFORMATIONAL, "previewed file {target}"),
    "filedownloaded": Meaning(FILE_HOSTING, 2, INFORMATIONAL, "downloaded file {target}"),
    "filesyncdownloadedfull": Meaning(FILE_HOSTING, 15, INFORMATIONAL, "synchronised file {target}"),
    "fileuploaded": Meaning(FILE_HOSTING, 1, INFORMATIONAL, "uploaded file {target}"),
    "filesyncuploadedfull": Meaning(FILE_HOSTING, 15, INFORMATIONAL, "synchronised file {target}"),
    "filemodified": Meaning(FILE_HOSTING, 3, INFORMATIONAL, "changed file {target}"),
    "filemodifiedextended": Meaning(FILE_HOSTING, 3, INFORMATIONAL, "changed file {target}"),
    "filedeleted": Meaning(FILE_HOSTING, 4, INFORMATIONAL, "deleted file {target}"),
    "filerecycled": Meaning(FILE_HOSTING, 4, INFORMATIONAL, "moved file {target} to the recycle bin"),
    "filerenamed": Meaning(FILE_HOSTING, 5, INFORMATIONAL, "renamed file {target}"),
    "filecopied": Meaning(FILE_HOSTING, 6, INFORMATIONAL, "copied file {target}"),
    "filemoved": Meaning(FILE_HOSTING, 7, INFORMATIONAL, "moved file {target}"),
    "filerestored": Meaning(FILE_HOSTING, 8, INFORMATIONAL, "restored file {target}"),
    "filecheckedout": Meaning(FILE_HOSTING, 10, INFORMATIONAL, "checked out file {target}"),
    "filecheckedin": Meaning(FILE_HOSTING, 11, INFORMATIONAL, "checked in file {target}"),
    "filemalwaredetected": Meaning(FILE_HOSTING, OTHER, HIGH, "stored file {target}, in which malware was found"),
    "foldercreated": Meaning(FILE_HOSTING, 1, INFORMATIONAL, "created folder {target}"),
    "foldermodified": Meaning(FILE_HOSTING, 3, INFORMATIONAL, "changed folder {target}"),
    "folderdeleted": Meaning(FILE_HOSTING, 4, INFORMATIONAL, "deleted folder {target}"),
    "pageviewed": Meaning(FILE_HOSTING, 14, INFORMATIONAL, "viewed page {target}"),
    "listcreated": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created list {target}"),
    "listcolumncreated": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created a list column in {target}"),
    "sharingset": Meaning(FILE_HOSTING, 12, LOW, "shared {target}"),
    "sharingrevoked": Meaning(FILE_HOSTING, 13, INFORMATIONAL, "stopped sharing {target}"),
    "sharinginvitationcreated": Meaning(FILE_HOSTING, 12, LOW, "invited somebody to {target}"),
    "anonymouslinkcreated": Meaning(FILE_HOSTING, 12, MEDIUM, "made an anonymous link to {target}"),
    "anonymouslinkused": Meaning(FILE_HOSTING, 14, LOW, "opened {target} by an anonymous link"),
    "companylinkcreated": Meaning(FILE_HOSTING, 12, LOW, "made a company-wide link to {target}"),
    "securelinkcreated": Meaning(FILE_HOSTING, 12, LOW, "made a link to {target} for certain people"),
    "addedtosecurelink": Meaning(FILE_HOSTING, 12, LOW, "added somebody to a link to {target}"),
    "sitecollectionadminadded": Meaning(USER_ACCESS, 1, HIGH, "made somebody an administrator of site {target}"),
    "listviewed": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "viewed list {target}"),
    "clientviewsignaled": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "viewed {target}"),
    "searchqueryperformed": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "searched SharePoint"),
    "filevisited": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "opened {target}"),
    # Teams, compliance, alerts
    "chatcreated": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "started a chat"),
    "messagesent": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "sent a Teams message"),
    "messageread": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "read a Teams message"),
    "messageupdated": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "edited a Teams message"),
    "messagedeleted": Meaning(API_ACTIVITY, 4, INFORMATIONAL, "deleted a Teams message"),
    "reactedtomessage": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "reacted to a Teams message"),
    "meetingparticipantdetail": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "took part in a Teams meeting"),
    "quarantinereleasemessage": Meaning(API_ACTIVITY, 3, MEDIUM, "released a mail from quarantine"),
    "timaildata": Meaning(API_ACTIVITY, 2, LOW, "reported a mail that holds a threat: {target}"),
    "airinvestigationdata": Meaning(API_ACTIVITY, 2, LOW, "reported on automated investigation {target}"),
    "search": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "searched"),
    "viewreport": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "viewed report {target}"),
    "viewdashboard": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "viewed dashboard {target}"),
    "editform": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "edited form {target}"),
    "memberadded": Meaning(GROUP_MANAGEMENT, 3, LOW, "added members to team {target}"),
    "memberremoved": Meaning(GROUP_MANAGEMENT, 4, LOW, "removed members from team {target}"),
    "teamcreated": Meaning(GROUP_MANAGEMENT, 6, INFORMATIONAL, "created team {target}"),
    "dlprulematch": Meaning(DETECTION_FINDING, 1, MEDIUM, "matched data loss rule {target}"),
    "dlpruleundo": Meaning(DETECTION_FINDING, 3, LOW, "undid a match of data loss rule {target}"),
    "dlpinfo": Meaning(DETECTION_FINDING, 2, LOW, "gave feedback on data loss rule {target}"),
    "alerttriggered": Meaning(DETECTION_FINDING, 1, MEDIUM, "raised alert {target}"),
    "alertentitygenerated": Meaning(DETECTION_FINDING, 1, MEDIUM, "added an entity to alert {target}"),
    # Intune
    "wipe manageddevice": Meaning(ENTITY_MANAGEMENT, 4, CRITICAL, "wiped device {target}"),
    "retire manageddevice": Meaning(ENTITY_MANAGEMENT, 7, HIGH, "retired device {target}"),
    "delete manageddevice": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "deleted device {target} from management"),
}

_VERBS: Final = {
    "add": 1,
    "new": 1,
    "create": 1,
    "invite": 1,
    "get": 2,
    "search": 2,
    "view": 2,
    "read": 2,
    "export": 2,
    "list": 2,
    "set": 3,
    "update": 3,
    "patch": 3,
    "change": 3,
    "edit": 3,
    "assign": 3,
    "start": 3,
    "stop": 3,
    "remove": 4,
    "delete": 4,
    "purge": 4,
    "enable": 8,
    "disable": 9,
}
_PAST: Final = {
    "add": "added",
    "create": "created",
    "delete": "deleted",
    "remove": "removed",
    "set": "set",
    **dict.fromkeys(("update", "patch", "change", "edit"), "changed"),
}
#: `Create DeviceCompliancePolicy`, as Intune names what it does.
_VERB_AND_NOUN: Final = re.compile(r"^([A-Za-z]+) ([A-Z][A-Za-z]+)$")
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LAST_API_VERB: Final = 4
_CMDLET: Final = re.compile(r"^[A-Z][a-z]+-[A-Z]\w+$")


@lru_cache(maxsize=4096)
def meaning(operation: str) -> Meaning:
    """The meaning of an operation; for one that the table lacks, what its verb says."""
    normal = key(operation)
    found = TABLE.get(normal)
    if found is not None:
        return found
    verb = _VERBS.get(normal.partition(" ")[0])
    if verb is None:
        return Meaning(API_ACTIVITY, OTHER)
    if verb == _VERBS["get"]:
        return Meaning(API_ACTIVITY, verb)
    if _CMDLET.match(operation) or verb > _LAST_API_VERB:
        return Meaning(ENTITY_MANAGEMENT, verb)
    if normal.endswith(" user"):
        return Meaning(ACCOUNT_CHANGE, OTHER)
    return Meaning(ENTITY_MANAGEMENT, verb, phrase=_phrase(operation))


def _phrase(operation: str) -> str | None:
    """`created device compliance policy {target}`, where an operation is a verb and a noun."""
    found = _VERB_AND_NOUN.match(operation)
    past = _PAST.get(found[1].casefold()) if found else None
    return f"{past} {_WORDS.sub(' ', found[2]).lower()} {{target}}" if found and past else None
