"""Dynamics 365 and Dataverse: rows of tables, by the name of their table.

Source: power-platform docs, enable-use-comprehensive-auditing.md.
"""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import API_ACTIVITY, ENTITY_MANAGEMENT, USER_ACCESS
from aoc_normalizer.operations.base import Meaning

TABLE: Final[dict[str, Meaning]] = {
    "create": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created {entity} {target}", "created a row"),
    "update": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed {entity} {target}", "changed a row"),
    "delete": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted {entity} {target}", "deleted a row"),
    "retrieve": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "read {entity} {target}", "read a row"),
    "retrievemultiple": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "read rows of {entity}", "read rows"),
    "assign": Meaning(ENTITY_MANAGEMENT, 3, LOW, "assigned {entity} {target}", "assigned a row"),
    "associate": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "associated {entity} {target}", "associated rows"),
    "disassociate": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "dissociated {entity} {target}", "dissociated rows"),
    "merge": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "merged {entity} {target}", "merged rows"),
    "grantaccess": Meaning(USER_ACCESS, 1, MEDIUM, "shared {entity} {target}", "shared a row"),
    "modifyaccess": Meaning(
        USER_ACCESS, 1, MEDIUM, "changed who may see {entity} {target}", "changed who may see a row"
    ),
    "revokeaccess": Meaning(USER_ACCESS, 2, LOW, "stopped sharing {entity} {target}", "stopped sharing a row"),
    "export": Meaning(API_ACTIVITY, 2, MEDIUM, "exported {entity}", "exported rows"),
    "exporttoexcel": Meaning(API_ACTIVITY, 2, MEDIUM, "exported {entity} to Excel", "exported rows to Excel"),
    "upsert": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "wrote {entity} {target}", "wrote a row"),
}
