"""Power BI and Fabric, Power Automate, Power Apps."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import HIGH, INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import API_ACTIVITY, ENTITY_MANAGEMENT, GROUP_MANAGEMENT, USER_ACCESS
from aoc_normalizer.operations.base import Meaning

TABLE: Final[dict[str, Meaning]] = {
    "viewreport": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "viewed report {target}"),
    "viewdashboard": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "viewed dashboard {target}"),
    "createflow": Meaning(ENTITY_MANAGEMENT, 1, LOW, "created flow {target}"),
    "editflow": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed flow {target}"),
    "deleteflow": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted flow {target}"),
    "putpermissions": Meaning(USER_ACCESS, 1, MEDIUM, "shared flow {target}"),
    "deletepermissions": Meaning(USER_ACCESS, 2, LOW, "stopped sharing flow {target}"),
    "createpowerapp": Meaning(ENTITY_MANAGEMENT, 1, LOW, "created app {target}"),
    "editpowerapp": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed app {target}"),
    "publishpowerapp": Meaning(ENTITY_MANAGEMENT, 3, LOW, "published app {target}"),
    "deletepowerapp": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted app {target}"),
    "launchpowerapp": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "started app {target}"),
    "powerapppermissionedited": Meaning(USER_ACCESS, 1, MEDIUM, "changed who may use app {target}"),
    "markpowerappasfeatured": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "featured app {target}"),
    "createdlppolicy": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created a Power Platform data policy"),
    "updatedlppolicy": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed a Power Platform data policy"),
    "deletedlppolicy": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted a Power Platform data policy"),
    "exportreport": Meaning(API_ACTIVITY, 2, LOW, "exported report {target}"),
    "printreport": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "printed report {target}"),
    "sharereport": Meaning(USER_ACCESS, 1, MEDIUM, "shared report {target}"),
    "sharedashboard": Meaning(USER_ACCESS, 1, MEDIUM, "shared dashboard {target}"),
    "createreport": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created report {target}"),
    "deletereport": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted report {target}"),
    "downloadreport": Meaning(API_ACTIVITY, 2, LOW, "downloaded report {target}"),
    "publishtowebreport": Meaning(USER_ACCESS, 1, HIGH, "published report {target} to the web"),
    "exportartifact": Meaning(API_ACTIVITY, 2, LOW, "exported {artifact} {target}"),
    "analyzedbyexternalapplication": Meaning(API_ACTIVITY, 2, LOW, "read dataset {target} from another application"),
    "exportactivityevents": Meaning(API_ACTIVITY, 2, LOW, "exported Power BI's activity events"),
    "updatedadminfeatureswitch": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed a Power BI tenant setting"),
    "addgroupmembers": Meaning(GROUP_MANAGEMENT, 3, LOW, "added members to workspace {target}"),
    "creategateway": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created data gateway {target}"),
    # Power BI and Fabric, whose artifacts are of many kinds
    "createartifact": Meaning(
        ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created {artifact} {target}", "created an artifact"
    ),
    "updateartifact": Meaning(
        ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed {artifact} {target}", "changed an artifact"
    ),
    "deleteartifact": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted {artifact} {target}", "deleted an artifact"),
    "readartifact": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "opened {artifact} {target}", "opened an artifact"),
    "viewartifact": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "opened {artifact} {target}", "opened an artifact"),
    "renameartifact": Meaning(
        ENTITY_MANAGEMENT, 3, INFORMATIONAL, "renamed {artifact} {target}", "renamed an artifact"
    ),
    "shareartifact": Meaning(USER_ACCESS, 1, MEDIUM, "shared {artifact} {target}", "shared an artifact"),
    "creategroup": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created workspace {workspace}", "created a workspace"),
    "deletegroup": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted workspace {workspace}", "deleted a workspace"),
    "deletegroupworkspace": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted workspace {workspace}", "deleted a workspace"),
    "createworkspace": Meaning(
        ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created workspace {workspace}", "created a workspace"
    ),
    "updateworkspaceaccess": Meaning(
        USER_ACCESS, 1, MEDIUM, "changed who may use workspace {workspace}", "changed who may use a workspace"
    ),
}
