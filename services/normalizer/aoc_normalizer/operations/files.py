"""SharePoint and OneDrive."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import HIGH, INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import (
    API_ACTIVITY,
    ENTITY_MANAGEMENT,
    FILE_HOSTING,
    GROUP_MANAGEMENT,
    OTHER,
    USER_ACCESS,
)
from aoc_normalizer.operations.base import Meaning

TABLE: Final[dict[str, Meaning]] = {
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
    "sharinginvitationcreated": Meaning(
        FILE_HOSTING, 12, LOW, "invited {user} to {target}", "invited a guest to {target}"
    ),
    "anonymouslinkcreated": Meaning(FILE_HOSTING, 12, MEDIUM, "made an anonymous link to {target}"),
    "anonymouslinkused": Meaning(FILE_HOSTING, 14, LOW, "opened {target} by an anonymous link"),
    "companylinkcreated": Meaning(FILE_HOSTING, 12, LOW, "made a company-wide link to {target}"),
    "securelinkcreated": Meaning(FILE_HOSTING, 12, LOW, "made a link to {target} for certain people"),
    "addedtosecurelink": Meaning(
        FILE_HOSTING, 12, LOW, "added {user} to a link to {target}", "added people to a link to {target}"
    ),
    "sitecollectionadminadded": Meaning(
        USER_ACCESS, 1, HIGH, "made {user} an administrator of site {target}", "added an administrator to site {target}"
    ),
    "listviewed": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "viewed list {target}"),
    "clientviewsignaled": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "viewed {target}"),
    "searchqueryinitiatedsharepoint": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "searched SharePoint"),
    "searchqueryperformed": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "searched SharePoint"),
    "filevisited": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "opened {target}"),
    "filedownloadedfrombrowser": Meaning(FILE_HOSTING, 2, INFORMATIONAL, "downloaded file {target}"),
    "filesyncdownloadedpartial": Meaning(FILE_HOSTING, 15, INFORMATIONAL, "synchronised file {target}"),
    "fileuploadedpartial": Meaning(FILE_HOSTING, 1, INFORMATIONAL, "uploaded a part of file {target}"),
    "filedeletedfirststagerecyclebin": Meaning(FILE_HOSTING, 4, LOW, "deleted file {target} from the recycle bin"),
    "filedeletedsecondstagerecyclebin": Meaning(FILE_HOSTING, 4, LOW, "deleted file {target} for good"),
    "fileversionsallrecycled": Meaning(FILE_HOSTING, 4, MEDIUM, "deleted all versions of file {target}"),
    "fileversionsalldeleted": Meaning(FILE_HOSTING, 4, MEDIUM, "deleted all versions of file {target} for good"),
    "filesensitivitylabelapplied": Meaning(FILE_HOSTING, 3, INFORMATIONAL, "labelled file {target}"),
    "filesensitivitylabelchanged": Meaning(FILE_HOSTING, 3, LOW, "changed the label of file {target}"),
    "filesensitivitylabelremoved": Meaning(FILE_HOSTING, 3, MEDIUM, "removed the label of file {target}"),
    "folderrenamed": Meaning(FILE_HOSTING, 5, INFORMATIONAL, "renamed folder {target}"),
    "foldermoved": Meaning(FILE_HOSTING, 7, INFORMATIONAL, "moved folder {target}"),
    "foldercopied": Meaning(FILE_HOSTING, 6, INFORMATIONAL, "copied folder {target}"),
    "folderrestored": Meaning(FILE_HOSTING, 8, INFORMATIONAL, "restored folder {target}"),
    "folderrecycled": Meaning(FILE_HOSTING, 4, INFORMATIONAL, "moved folder {target} to the recycle bin"),
    "folderdeletedfirststagerecyclebin": Meaning(FILE_HOSTING, 4, LOW, "deleted folder {target} from the recycle bin"),
    "sharinginvitationaccepted": Meaning(FILE_HOSTING, 14, LOW, "accepted an invitation to {target}"),
    "sharinginvitationrevoked": Meaning(FILE_HOSTING, 13, INFORMATIONAL, "withdrew an invitation to {target}"),
    "anonymouslinkupdated": Meaning(FILE_HOSTING, 12, MEDIUM, "changed an anonymous link to {target}"),
    "anonymouslinkremoved": Meaning(FILE_HOSTING, 13, INFORMATIONAL, "removed an anonymous link to {target}"),
    "companylinkused": Meaning(FILE_HOSTING, 14, INFORMATIONAL, "opened {target} by a company-wide link"),
    "companylinkremoved": Meaning(FILE_HOSTING, 13, INFORMATIONAL, "removed a company-wide link to {target}"),
    "securelinkused": Meaning(FILE_HOSTING, 14, INFORMATIONAL, "opened {target} by a link for certain people"),
    "securelinkdeleted": Meaning(FILE_HOSTING, 13, INFORMATIONAL, "removed a link to {target}"),
    "removedfromsecurelink": Meaning(
        FILE_HOSTING,
        13,
        INFORMATIONAL,
        "removed {user} from a link to {target}",
        "removed people from a link to {target}",
    ),
    "accessrequestcreated": Meaning(FILE_HOSTING, OTHER, INFORMATIONAL, "asked for access to {target}"),
    "accessrequestapproved": Meaning(FILE_HOSTING, 12, LOW, "approved a request for access to {target}"),
    "sitecollectionadminremoved": Meaning(
        USER_ACCESS,
        2,
        LOW,
        "removed {user} as an administrator of site {target}",
        "removed an administrator of site {target}",
    ),
    "sitecollectioncreated": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created site {target}"),
    "sitedeleted": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "deleted site {target}"),
    "sitelocksset": Meaning(ENTITY_MANAGEMENT, 3, LOW, "locked or unlocked site {target}"),
    "sharingpolicychanged": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "changed the sharing policy of {target}", "changed the sharing policy"
    ),
    "deviceaccesspolicychanged": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed the device access policy"),
    "networkaccesspolicychanged": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed the network access policy"),
    "permissionlevelmodified": Meaning(
        USER_ACCESS, 1, MEDIUM, "changed permission level {level} of {target}", "changed a permission level of {target}"
    ),
    "permissionleveladded": Meaning(
        USER_ACCESS, 1, MEDIUM, "added permission level {level} to {target}", "added a permission level to {target}"
    ),
    "managedsyncclientallowed": Meaning(API_ACTIVITY, 1, LOW, "began to synchronise files to a computer"),
    "unmanagedsyncclientblocked": Meaning(API_ACTIVITY, 1, LOW, "was refused to synchronise files to a computer"),
    "filemalwaredetectedextended": Meaning(
        FILE_HOSTING, OTHER, HIGH, "stored file {target}, in which malware was found"
    ),
    "addedtogroup": Meaning(
        GROUP_MANAGEMENT, 3, LOW, "added {user} to SharePoint group {group}", "added {target} to a SharePoint group"
    ),
    "removedfromgroup": Meaning(
        GROUP_MANAGEMENT,
        4,
        LOW,
        "removed {user} from SharePoint group {group}",
        "removed {target} from a SharePoint group",
    ),
    "sharinginheritancebroken": Meaning(FILE_HOSTING, 12, LOW, "gave {target} permissions of its own"),
    "sharinginheritancereset": Meaning(FILE_HOSTING, 13, INFORMATIONAL, "gave {target} the permissions of its folder"),
    "listupdated": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed list {target}"),
    "listdeleted": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted list {target}"),
    "listitemcreated": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created list item {target}"),
    "listitemupdated": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed list item {target}"),
    "listitemdeleted": Meaning(ENTITY_MANAGEMENT, 4, INFORMATIONAL, "deleted list item {target}"),
    "sitecollectionadminset": Meaning(
        USER_ACCESS, 1, HIGH, "made {user} an administrator of site {target}", "set the administrators of site {target}"
    ),
    "sitepermissionsmodified": Meaning(USER_ACCESS, 1, MEDIUM, "changed the permissions of site {target}"),
    "groupupdated": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed a SharePoint group of {target}"),
    "groupremoved": Meaning(GROUP_MANAGEMENT, 5, LOW, "deleted a SharePoint group of {target}"),
    "groupadded": Meaning(
        GROUP_MANAGEMENT,
        6,
        INFORMATIONAL,
        "created SharePoint group {group} in {target}",
        "created a SharePoint group in {target}",
    ),
}
