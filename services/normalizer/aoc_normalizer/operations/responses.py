"""Defender's portal: what is done to devices and files, and what is no longer looked for.

Source: purview-docs, audit-log-activities.md (Microsoft Defender for Endpoint: response actions, settings, indicators;
custom detections). Intruders use the same buttons: a live response session is a shell on a device.
"""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import HIGH, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import API_ACTIVITY, ENTITY_MANAGEMENT, OTHER
from aoc_normalizer.operations.base import Meaning


def _on_device(severity: int, verb: str, after: str = "") -> Meaning:
    """`isolated device LAPTOP-07`, `ran a virus scan on device LAPTOP-07`."""
    return Meaning(API_ACTIVITY, OTHER, severity, f"{verb} device {{device}}{after}", f"{verb} a device{after}")


TABLE: Final[dict[str, Meaning]] = {
    "isolatedevice": _on_device(MEDIUM, "isolated"),
    "releasefromisolation": _on_device(MEDIUM, "released", " from isolation"),
    "restrictappexecution": _on_device(LOW, "let only Microsoft's programs run on"),
    "removeapprestrictions": _on_device(LOW, "let all programs run on"),
    "runantivirusscan": _on_device(LOW, "started a virus scan on"),
    "collectinvestigationpackage": _on_device(MEDIUM, "collected an investigation package of"),
    "offboarddevice": _on_device(HIGH, "took", " out of Defender"),
    "runliveresponsesession": _on_device(HIGH, "opened a live response session on"),
    "runliveresponseapi": _on_device(HIGH, "opened a live response session by program on"),
    "liveresponsegetfile": Meaning(
        API_ACTIVITY,
        2,
        MEDIUM,
        "fetched file {target} from device {device} by live response",
        "fetched a file by live response",
    ),
    "downloadfile": Meaning(API_ACTIVITY, 2, MEDIUM, "downloaded file {target} from Defender", "downloaded a file"),
    "stopandquarantinefile": Meaning(
        API_ACTIVITY, OTHER, LOW, "stopped and quarantined file {target}", "stopped and quarantined a file"
    ),
    "downloadonboardingpkg": Meaning(API_ACTIVITY, 2, LOW, "downloaded Defender's onboarding package"),
    "downloadoffboardingpkg": Meaning(API_ACTIVITY, 2, HIGH, "downloaded Defender's offboarding package"),
    "setadvancedfeatures": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed Defender's advanced features"),
    "addindicator": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "added indicator {target}", "added an indicator"),
    "editindicator": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed indicator {target}", "changed an indicator"),
    "deleteindicator": Meaning(ENTITY_MANAGEMENT, 4, MEDIUM, "deleted indicator {target}", "deleted an indicator"),
    "createcustomdetection": Meaning(
        ENTITY_MANAGEMENT, 1, LOW, "created custom detection {target}", "created a custom detection"
    ),
    "editcustomdetection": Meaning(
        ENTITY_MANAGEMENT, 3, MEDIUM, "changed custom detection {target}", "changed a custom detection"
    ),
    "deletecustomdetection": Meaning(
        ENTITY_MANAGEMENT, 4, HIGH, "deleted custom detection {target}", "deleted a custom detection"
    ),
    "changecustomdetectionrulestatus": Meaning(
        ENTITY_MANAGEMENT,
        3,
        MEDIUM,
        "turned custom detection {target} on or off",
        "turned a custom detection on or off",
    ),
    "exclusionconfigurationadded": Meaning(ENTITY_MANAGEMENT, 1, HIGH, "added an exclusion to Defender for Identity"),
    "sensordeleted": Meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted a sensor of Defender for Identity"),
    "sentineldisconnectworkspace": Meaning(ENTITY_MANAGEMENT, 3, HIGH, "disconnected Sentinel from Defender's portal"),
}
