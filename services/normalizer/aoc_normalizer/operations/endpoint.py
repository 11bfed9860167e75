"""Files on devices, as data loss prevention watches them.

Source: purview-docs, audit-log-activities.md, endpoint activities.
"""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import API_ACTIVITY, FILE_HOSTING, OTHER
from aoc_normalizer.operations.base import Meaning

TABLE: Final[dict[str, Meaning]] = {
    "filecreated": Meaning(FILE_HOSTING, 1, INFORMATIONAL, "created file {target} on a device"),
    "fileread": Meaning(FILE_HOSTING, 14, INFORMATIONAL, "read file {target} on a device"),
    "filemodified": Meaning(FILE_HOSTING, 3, INFORMATIONAL, "changed file {target} on a device"),
    "filedeleted": Meaning(FILE_HOSTING, 4, INFORMATIONAL, "deleted file {target} on a device"),
    "filerenamed": Meaning(FILE_HOSTING, 5, INFORMATIONAL, "renamed file {target} on a device"),
    "filecopiedtoclipboard": Meaning(FILE_HOSTING, OTHER, LOW, "copied from file {target} to the clipboard"),
    "filecopiedtoremovablemedia": Meaning(FILE_HOSTING, 6, MEDIUM, "copied file {target} to removable media"),
    "filecreatedonremovablemedia": Meaning(FILE_HOSTING, 1, MEDIUM, "created file {target} on removable media"),
    "filecopiedtonetworkshare": Meaning(FILE_HOSTING, 6, LOW, "copied file {target} to a network share"),
    "filecreatedonnetworkshare": Meaning(FILE_HOSTING, 1, LOW, "created file {target} on a network share"),
    "filecopiedtoremotedesktopsession": Meaning(
        FILE_HOSTING, 6, MEDIUM, "copied file {target} to a remote desktop session"
    ),
    "fileuploadedtocloud": Meaning(FILE_HOSTING, 1, MEDIUM, "uploaded file {target} to a cloud service"),
    "fileprinted": Meaning(FILE_HOSTING, OTHER, LOW, "printed file {target}"),
    "filetransferredbybluetooth": Meaning(FILE_HOSTING, OTHER, MEDIUM, "sent file {target} by Bluetooth"),
    "fileaccessedbyunallowedapp": Meaning(
        FILE_HOSTING, 14, MEDIUM, "opened file {target} in an application not allowed"
    ),
    "filearchived": Meaning(FILE_HOSTING, OTHER, LOW, "put file {target} into an archive"),
    "archivecreated": Meaning(FILE_HOSTING, 1, LOW, "created archive {target}"),
    "removablemediamount": Meaning(API_ACTIVITY, OTHER, LOW, "plugged in removable media"),
    "removablemediaunmount": Meaning(API_ACTIVITY, OTHER, INFORMATIONAL, "removed removable media"),
}
