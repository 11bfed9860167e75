"""The classes of OCSF 1.8 in use, by number and name, and its names for severities.

Source: schema.ocsf.io, version 1.8.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT_CHANGE: Final = 3001
AUTHENTICATION: Final = 3002
ENTITY_MANAGEMENT: Final = 3004
USER_ACCESS: Final = 3005
GROUP_MANAGEMENT: Final = 3006
API_ACTIVITY: Final = 6003
FILE_HOSTING: Final = 6006
DETECTION_FINDING: Final = 2004

OTHER: Final = 99

CLASS_NAMES: Final[Mapping[int, str]] = {
    ACCOUNT_CHANGE: "Account Change",
    AUTHENTICATION: "Authentication",
    ENTITY_MANAGEMENT: "Entity Management",
    USER_ACCESS: "User Access Management",
    GROUP_MANAGEMENT: "Group Management",
    API_ACTIVITY: "API Activity",
    FILE_HOSTING: "File Hosting Activity",
    DETECTION_FINDING: "Detection Finding",
}
#: By severity_id.
SEVERITY_NAMES: Final = ("Unknown", "Informational", "Low", "Medium", "High", "Critical", "Fatal")
