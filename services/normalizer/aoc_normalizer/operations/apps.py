"""Forms, Copilot, Planner, Stream and other applications."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import API_ACTIVITY, ENTITY_MANAGEMENT
from aoc_normalizer.operations.base import Meaning

TABLE: Final[dict[str, Meaning]] = {
    "search": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "searched"),
    "editform": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "edited form {target}"),
    "createform": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created form {target}"),
    "deleteform": Meaning(ENTITY_MANAGEMENT, 4, INFORMATIONAL, "deleted form {target}"),
    "exportform": Meaning(API_ACTIVITY, 2, LOW, "exported form {target}"),
    "allowanonymousresponse": Meaning(ENTITY_MANAGEMENT, 3, LOW, "let anybody answer form {target}"),
    "updatephishingstatus": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed the phishing status of form {target}"),
    "copilotinteraction": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "asked Copilot in {target}"),
    "taskcreated": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "created task {target}"),
    "taskmodified": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed task {target}"),
    "taskdeleted": Meaning(ENTITY_MANAGEMENT, 4, INFORMATIONAL, "deleted task {target}"),
}
