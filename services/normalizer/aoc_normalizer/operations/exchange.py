"""Exchange: cmdlets and what happens in mailboxes."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import HIGH, INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import API_ACTIVITY, AUTHENTICATION, ENTITY_MANAGEMENT, GROUP_MANAGEMENT, USER_ACCESS
from aoc_normalizer.operations.base import Meaning

#: Cmdlets, which Purview runs too.
TABLE: Final[dict[str, Meaning]] = {
    "new inboxrule": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created inbox rule {target}"),
    "set inboxrule": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed inbox rule {target}"),
    "remove inboxrule": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted inbox rule {target}"),
    "new transportrule": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "created transport rule {target}"),
    "set transportrule": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed transport rule {target}"),
    "remove transportrule": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "deleted transport rule {target}"),
    "set mailbox": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed mailbox {target}"),
    "new mailbox": Meaning(ENTITY_MANAGEMENT, 1, LOW, "created mailbox {target}"),
    "add mailboxpermission": Meaning(
        USER_ACCESS, 1, MEDIUM, "gave {member} access to mailbox {target}", "gave access to mailbox {target}"
    ),
    "remove mailboxpermission": Meaning(
        USER_ACCESS, 2, LOW, "removed {member}'s access to mailbox {target}", "removed access to mailbox {target}"
    ),
    "add recipientpermission": Meaning(
        USER_ACCESS, 1, MEDIUM, "let {member} send as {target}", "gave permission to send as {target}"
    ),
    # Critical by what they set: see mappers/exchange_cmdlets.py.
    "set mailboxauditbypassassociation": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed the audit bypass of {target}"),
    "set adminauditlogconfig": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed the audit log configuration"),
    "set organizationconfig": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed the organisation configuration"),
    "new compliancesearchaction": Meaning(API_ACTIVITY, 1, HIGH, "started a content search action {target}"),
    "new compliancesearch": Meaning(API_ACTIVITY, 1, MEDIUM, "created content search {target}"),
    "enable inboxrule": Meaning(ENTITY_MANAGEMENT, 8, MEDIUM, "turned inbox rule {target} on"),
    "disable inboxrule": Meaning(ENTITY_MANAGEMENT, 9, LOW, "turned inbox rule {target} off"),
    "enable transportrule": Meaning(ENTITY_MANAGEMENT, 8, HIGH, "turned transport rule {target} on"),
    "disable transportrule": Meaning(ENTITY_MANAGEMENT, 9, MEDIUM, "turned transport rule {target} off"),
    "remove mailbox": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "deleted mailbox {target}"),
    "enable mailbox": Meaning(ENTITY_MANAGEMENT, 8, LOW, "turned mailbox {target} on"),
    "set mailboxautoreplyconfiguration": Meaning(
        ENTITY_MANAGEMENT, 3, LOW, "changed the automatic replies of {target}"
    ),
    "add mailboxfolderpermission": Meaning(
        USER_ACCESS, 1, MEDIUM, "gave {member} access to folder {target}", "gave access to folder {target}"
    ),
    "set mailboxfolderpermission": Meaning(
        USER_ACCESS, 1, MEDIUM, "changed {member}'s access to folder {target}", "changed access to folder {target}"
    ),
    "remove mailboxfolderpermission": Meaning(
        USER_ACCESS, 2, LOW, "removed {member}'s access to folder {target}", "removed access to folder {target}"
    ),
    "remove recipientpermission": Meaning(
        USER_ACCESS, 2, LOW, "no longer let {member} send as {target}", "removed permission to send as {target}"
    ),
    "new managementroleassignment": Meaning(
        USER_ACCESS, 1, HIGH, "assigned Exchange role {role} to {member}", "assigned Exchange role {target}"
    ),
    "remove managementroleassignment": Meaning(USER_ACCESS, 2, MEDIUM, "removed Exchange role assignment {target}"),
    "add rolegroupmember": Meaning(
        GROUP_MANAGEMENT, 3, HIGH, "added {member} to role group {target}", "added a member to role group {target}"
    ),
    "update rolegroupmember": Meaning(
        GROUP_MANAGEMENT,
        3,
        HIGH,
        "made {member} the members of role group {target}",
        "changed the members of role group {target}",
    ),
    "remove rolegroupmember": Meaning(
        GROUP_MANAGEMENT,
        4,
        MEDIUM,
        "removed {member} from role group {target}",
        "removed a member from role group {target}",
    ),
    "new rolegroup": Meaning(GROUP_MANAGEMENT, 6, HIGH, "created role group {target}"),
    "add distributiongroupmember": Meaning(
        GROUP_MANAGEMENT,
        3,
        LOW,
        "added {member} to distribution group {target}",
        "added a member to distribution group {target}",
    ),
    "remove distributiongroupmember": Meaning(
        GROUP_MANAGEMENT,
        4,
        LOW,
        "removed {member} from distribution group {target}",
        "removed a member from distribution group {target}",
    ),
    "set casmailbox": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed the protocols of mailbox {target}"),
    "set remotedomain": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed remote domain {target}"),
    "new inboundconnector": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "created inbound connector {target}"),
    "set inboundconnector": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed inbound connector {target}"),
    "new outboundconnector": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "created outbound connector {target}"),
    "set hostedcontentfilterpolicy": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed spam filter policy {target}"),
    "set malwarefilterpolicy": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed malware filter policy {target}"),
    "disable malwarefilterrule": Meaning(ENTITY_MANAGEMENT, 9, HIGH, "turned malware filter rule {target} off"),
    "remove malwarefilterrule": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted malware filter rule {target}"),
    "disable antiphishrule": Meaning(ENTITY_MANAGEMENT, 9, HIGH, "turned anti-phishing rule {target} off"),
    "remove antiphishrule": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted anti-phishing rule {target}"),
    "set antiphishpolicy": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed anti-phishing policy {target}"),
    "disable safelinksrule": Meaning(ENTITY_MANAGEMENT, 9, HIGH, "turned Safe Links rule {target} off"),
    "remove safelinksrule": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted Safe Links rule {target}"),
    "disable safeattachmentrule": Meaning(ENTITY_MANAGEMENT, 9, HIGH, "turned Safe Attachments rule {target} off"),
    "remove safeattachmentrule": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted Safe Attachments rule {target}"),
    "new mailboxsearch": Meaning(API_ACTIVITY, 1, MEDIUM, "created mailbox search {target}"),
    "new mailboxexportrequest": Meaning(API_ACTIVITY, 1, HIGH, "exported mailbox {target}"),
    "new journalrule": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "created journal rule {target}"),
    "install app": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "installed an add-in"),
    "new app": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "installed add-in {target}"),
    "add unifiedgrouplinks": Meaning(
        GROUP_MANAGEMENT, 3, LOW, "added {member} to group {target}", "added members to group {target}"
    ),
    "remove unifiedgrouplinks": Meaning(
        GROUP_MANAGEMENT, 4, LOW, "removed {member} from group {target}", "removed members from group {target}"
    ),
}
#: What happens in mailboxes. Other services have operations of these names.
MAILBOX: Final[dict[str, Meaning]] = {
    "updateinboxrules": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed the inbox rules of {target}"),
    "mailitemsaccessed": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "read mail in mailbox {target}"),
    "send": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "sent mail from {target}"),
    "sendas": Meaning(API_ACTIVITY, 1, MEDIUM, "sent mail as {target}"),
    "sendonbehalf": Meaning(API_ACTIVITY, 1, LOW, "sent mail on behalf of {target}"),
    "create": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "created an item in {target}"),
    "update": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "changed an item in {target}"),
    "movetodeleteditems": Meaning(API_ACTIVITY, 4, INFORMATIONAL, "moved mail of {target} to Deleted Items"),
    "softdelete": Meaning(API_ACTIVITY, 4, INFORMATIONAL, "deleted mail of {target}"),
    "harddelete": Meaning(API_ACTIVITY, 4, LOW, "deleted mail of {target} for good"),
    "addfolderpermissions": Meaning(USER_ACCESS, 1, LOW, "shared a folder of {target}"),
    "updatefolderpermissions": Meaning(USER_ACCESS, 1, LOW, "changed the permissions of a folder of {target}"),
    "removefolderpermissions": Meaning(USER_ACCESS, 2, LOW, "stopped sharing a folder of {target}"),
    "updatecalendardelegation": Meaning(USER_ACCESS, 1, LOW, "changed who may act on the calendar of {target}"),
    "modifyfolderpermissions": Meaning(USER_ACCESS, 1, LOW, "changed the permissions of a folder of {target}"),
    "move": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "moved mail in {target}"),
    "copy": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "copied mail of {target}"),
    "folderbind": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "opened a folder of {target}"),
    "messagebind": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "opened a message of {target}"),
    "recorddelete": Meaning(API_ACTIVITY, 4, LOW, "deleted a record of {target}"),
    "applyrecordlabel": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "declared an item of {target} a record"),
    "searchqueryinitiatedexchange": Meaning(
        API_ACTIVITY, 2, INFORMATIONAL, "searched mailbox {target}", "searched a mailbox"
    ),
    "mailboxlogin": Meaning(AUTHENTICATION, 1, INFORMATIONAL, "signed in to mailbox {target}"),
}
