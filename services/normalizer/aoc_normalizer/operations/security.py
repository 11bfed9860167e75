"""Purview and Defender: data loss prevention, alerts, quarantine, eDiscovery, retention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.draft import HIGH, INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import API_ACTIVITY, DETECTION_FINDING, ENTITY_MANAGEMENT, USER_ACCESS
from aoc_normalizer.operations.base import Meaning

if TYPE_CHECKING:
    from aoc_normalizer.operations.scopes import Scope

TABLE: Final[dict[str, Meaning]] = {
    "quarantinereleasemessage": Meaning(API_ACTIVITY, 3, MEDIUM, "released a mail from quarantine"),
    "timaildata": Meaning(API_ACTIVITY, 2, LOW, "reported a mail that holds a threat: {target}"),
    "airinvestigationdata": Meaning(API_ACTIVITY, 2, LOW, "reported on automated investigation {target}"),
    "dlprulematch": Meaning(
        DETECTION_FINDING, 1, MEDIUM, "matched data loss rule {target} with {item}", "matched data loss rule {target}"
    ),
    "dlpruleundo": Meaning(DETECTION_FINDING, 3, LOW, "undid a match of data loss rule {target}"),
    "dlpinfo": Meaning(DETECTION_FINDING, 2, LOW, "gave feedback on data loss rule {target}"),
    "alerttriggered": Meaning(DETECTION_FINDING, 1, MEDIUM, "raised alert {target}"),
    "alertentitygenerated": Meaning(DETECTION_FINDING, 1, MEDIUM, "added an entity to alert {target}"),
    "alertupdated": Meaning(DETECTION_FINDING, 2, LOW, "changed alert {target}"),
    "alerttriggeredextended": Meaning(DETECTION_FINDING, 1, MEDIUM, "raised alert {target}"),
    "tiurlclickdata": Meaning(API_ACTIVITY, 2, MEDIUM, "clicked a link that was blocked or is a threat: {target}"),
    "atpdetection": Meaning(API_ACTIVITY, 2, HIGH, "found a threat in {target}"),
    "quarantinedeletemessage": Meaning(API_ACTIVITY, 4, LOW, "deleted a mail from quarantine"),
    "quarantinedelete": Meaning(API_ACTIVITY, 4, LOW, "deleted a mail from quarantine"),
    "quarantinepreview": Meaning(API_ACTIVITY, 2, LOW, "previewed a mail in quarantine"),
    "quarantineexport": Meaning(API_ACTIVITY, 2, MEDIUM, "exported a mail from quarantine"),
    "quarantinerelease": Meaning(API_ACTIVITY, 3, MEDIUM, "released a mail from quarantine"),
    "adminsubmission": Meaning(API_ACTIVITY, 1, LOW, "submitted a mail to Microsoft"),
    "usersubmission": Meaning(API_ACTIVITY, 1, LOW, "reported a mail as suspicious"),
    # eDiscovery and retention
    "caseadded": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created eDiscovery case {target}"),
    "casememberadded": Meaning(USER_ACCESS, 1, MEDIUM, "added a member to eDiscovery case {target}"),
    "searchcreated": Meaning(API_ACTIVITY, 1, MEDIUM, "created content search {target}"),
    "searchstarted": Meaning(API_ACTIVITY, 1, MEDIUM, "started content search {target}"),
    "searchexported": Meaning(API_ACTIVITY, 2, HIGH, "exported content search {target}"),
    "searchexportdownloaded": Meaning(API_ACTIVITY, 2, HIGH, "downloaded the export of content search {target}"),
    "searchpreviewed": Meaning(API_ACTIVITY, 2, MEDIUM, "previewed the results of content search {target}"),
    "viewedsearchexported": Meaning(API_ACTIVITY, 2, HIGH, "exported content search {target}"),
    "searchpermissioncreated": Meaning(USER_ACCESS, 1, HIGH, "created a search permissions filter"),
    "new retentioncompliancepolicy": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created retention policy {target}"),
    "set retentioncompliancepolicy": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed retention policy {target}"),
    "remove retentioncompliancepolicy": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted retention policy {target}"),
    "set unifiedauditlogretentionpolicy": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed how long the audit log is kept"),
    "remove unifiedauditlogretentionpolicy": Meaning(
        ENTITY_MANAGEMENT, 4, HIGH, "deleted audit log retention policy {target}"
    ),
    "new dlpcompliancepolicy": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "created data loss policy {target}"),
    "set dlpcompliancepolicy": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed data loss policy {target}"),
    "remove dlpcompliancepolicy": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted data loss policy {target}"),
    "set dlpcompliancerule": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed data loss rule {target}"),
    "remove dlpcompliancerule": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted data loss rule {target}"),
    "sensitivitylabelapplied": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "labelled {target}"),
    "sensitivitylabelupdated": Meaning(API_ACTIVITY, 3, LOW, "changed the label of {target}"),
    "sensitivitylabelremoved": Meaning(API_ACTIVITY, 3, MEDIUM, "removed the label of {target}"),
    "set protectionalert": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed alert policy {target}"),
    "remove protectionalert": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted alert policy {target}"),
    "disable protectionalert": Meaning(ENTITY_MANAGEMENT, 9, HIGH, "turned alert policy {target} off"),
}
#: Operations that are one for each detection, by their first words: `MCAS_ALERT_ANUBIS_DETECTION_VELOCITY`.
_FAMILIES: Final[dict[str, Meaning]] = {
    "mcas alert ": Meaning(DETECTION_FINDING, 1, MEDIUM, "raised alert {target}", "raised an alert"),
}


def of_family(normal: str, scope: Scope) -> Meaning | None:
    """The meaning of an operation that is one of many of a kind, in records that can carry it."""
    if scope is not None and "security" not in scope:
        return None
    return next((found for words, found in _FAMILIES.items() if normal.startswith(words)), None)
