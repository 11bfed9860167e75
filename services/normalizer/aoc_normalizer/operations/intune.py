"""Intune."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import CRITICAL, HIGH, INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import ENTITY_MANAGEMENT, USER_ACCESS
from aoc_normalizer.operations.base import Meaning

TABLE: Final[dict[str, Meaning]] = {
    "wipe manageddevice": Meaning(ENTITY_MANAGEMENT, 4, CRITICAL, "wiped device {target}"),
    "retire manageddevice": Meaning(ENTITY_MANAGEMENT, 7, HIGH, "retired device {target}"),
    "delete manageddevice": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "deleted device {target} from management"),
    "resetpasscode manageddevice": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "reset the passcode of device {target}"),
    "remotelock manageddevice": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "locked device {target}"),
    "rebootnow manageddevice": Meaning(ENTITY_MANAGEMENT, 3, LOW, "restarted device {target}"),
    "syncdevice manageddevice": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "synchronised device {target}"),
    "shutdown manageddevice": Meaning(ENTITY_MANAGEMENT, 3, LOW, "shut down device {target}"),
    "locatedevice manageddevice": Meaning(ENTITY_MANAGEMENT, 2, MEDIUM, "located device {target}"),
    "cleanwindowsdevice manageddevice": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "reset device {target}"),
    "disablelostmode manageddevice": Meaning(ENTITY_MANAGEMENT, 3, LOW, "ended lost mode of device {target}"),
    "getfilevaultkey manageddevice": Meaning(ENTITY_MANAGEMENT, 2, HIGH, "read the FileVault key of device {target}"),
    "rotatebitlockerkeys manageddevice": Meaning(ENTITY_MANAGEMENT, 3, LOW, "renewed the BitLocker keys of {target}"),
    "assign devicemanagementscript": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "assigned script {target} to devices"),
    "create devicemanagementscript": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "created device script {target}"),
    "patch devicemanagementscript": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed device script {target}"),
    "create devicehealthscript": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "created remediation script {target}"),
    "create roleassignment": Meaning(USER_ACCESS, 1, HIGH, "created Intune role assignment {target}"),
    "patch roleassignment": Meaning(USER_ACCESS, 1, HIGH, "changed Intune role assignment {target}"),
    "delete devicecompliancepolicy": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted device compliance policy {target}"),
    "patch devicecompliancepolicy": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed device compliance policy {target}"),
    "enroll device": Meaning(ENTITY_MANAGEMENT, 6, INFORMATIONAL, "enrolled device {target}"),
}
