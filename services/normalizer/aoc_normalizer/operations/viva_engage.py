"""Viva Engage, which records still call Yammer.

Source: purview-docs, audit-log-activities.md, Viva Engage activities.
"""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import HIGH, INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, ENTITY_MANAGEMENT, GROUP_MANAGEMENT
from aoc_normalizer.operations.base import Meaning

TABLE: Final[dict[str, Meaning]] = {
    "messagecreated": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "posted a Viva Engage message"),
    "messagecreation": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "posted a Viva Engage message"),
    "messageviewed": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "read a Viva Engage message"),
    "messageupdated": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "edited a Viva Engage message"),
    "messageupdate": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "edited a Viva Engage message"),
    "messagedeleted": Meaning(API_ACTIVITY, 4, INFORMATIONAL, "deleted a Viva Engage message"),
    "messagedeletion": Meaning(API_ACTIVITY, 4, INFORMATIONAL, "deleted a Viva Engage message"),
    "threadviewed": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "read a Viva Engage conversation"),
    "groupcreation": Meaning(GROUP_MANAGEMENT, 6, INFORMATIONAL, "created Viva Engage community {target}"),
    "groupdeletion": Meaning(GROUP_MANAGEMENT, 5, LOW, "deleted Viva Engage community {target}"),
    "groupupdated": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed Viva Engage community {target}"),
    "filecreated": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "uploaded file {target} to Viva Engage"),
    "fileshared": Meaning(API_ACTIVITY, 3, LOW, "shared file {target} in Viva Engage"),
    "filevisited": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "opened {target}"),
    "filedownloaded": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "downloaded file {target} from Viva Engage"),
    "filedeleted": Meaning(API_ACTIVITY, 4, INFORMATIONAL, "deleted file {target} from Viva Engage"),
    "fileupdatedescription": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "changed the description of file {target}"),
    "fileupdatename": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "renamed file {target} in Viva Engage"),
    "dataexport": Meaning(API_ACTIVITY, 2, HIGH, "exported data of the Viva Engage network"),
    "supervisoradmintoggled": Meaning(
        ENTITY_MANAGEMENT, 3, HIGH, "turned private content mode of Viva Engage on or off"
    ),
    "networkconfigurationupdated": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed the Viva Engage network's settings"),
    "networksecurityconfigurationupdated": Meaning(
        ENTITY_MANAGEMENT, 3, MEDIUM, "changed the Viva Engage network's security settings"
    ),
    "networkusersuspended": Meaning(ACCOUNT_CHANGE, 5, LOW, "suspended a user of Viva Engage"),
    "usersuspension": Meaning(ACCOUNT_CHANGE, 5, LOW, "suspended a user of Viva Engage"),
}
