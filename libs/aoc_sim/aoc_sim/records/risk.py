"""Identity Protection: risk detections and who is at risk.

Sources: graph-docs, resources/riskdetection.md, riskyuser.md, serviceprincipalriskdetection.md,
riskyserviceprincipal.md.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import orjson

from aoc_sim.clock import to_us
from aoc_sim.records.base import graph_time
from aoc_sim.records.signins import location

if TYPE_CHECKING:
    from aoc_sim.records.base import Builder, Json, Scene

#: What is found most days, with how grave it is.
_HARMLESS: Final = (
    ("unfamiliarFeatures", "low"),
    ("unlikelyTravel", "medium"),
    ("anonymizedIPAddress", "medium"),
    ("newCountry", "low"),
    ("generic", "hidden"),
)
_OF_APPLICATIONS: Final = (
    ("suspiciousSignins", "medium"),
    ("anomalousServicePrincipalActivity", "medium"),
    ("generic", "hidden"),
)
#: (state, detail) of a risk that somebody or something has dealt with.
OUTCOMES: Final = (
    ("remediated", "userPerformedSecuredPasswordReset"),
    ("dismissed", "adminDismissedAllRiskForUser"),
    ("confirmedCompromised", "adminConfirmedUserCompromised"),
)


def detection(scene: Scene, kind: str, level: str) -> Json:
    """A detection about the scene's person; a minute or two pass until it is made."""
    found_at = graph_time(scene.at + timedelta(seconds=scene.rng.randrange(20, 120)))
    request = scene.guid()
    agent = [{"Key": "userAgent", "Value": scene.device.user_agent}]
    return {
        "id": f"{scene.rng.getrandbits(256):064x}",
        "requestId": request,
        "correlationId": scene.guid(),
        "riskEventType": kind,
        "riskState": "atRisk",
        "riskLevel": level,
        "riskDetail": "none",
        "source": "IdentityProtection",
        "detectionTimingType": scene.rng.choice(("realtime", "offline")),
        "activity": "signin",
        "tokenIssuerType": "AzureAD",
        "ipAddress": scene.ip,
        "location": location(scene),
        "activityDateTime": graph_time(scene.at, scene.rng),
        "detectedDateTime": found_at,
        "lastUpdatedDateTime": found_at,
        "userId": scene.who.id,
        "userDisplayName": scene.who.name,
        "userPrincipalName": scene.who.upn,
        "additionalInfo": orjson.dumps(agent).decode(),
    }


def harmless(scene: Scene) -> Json:
    """A traveller, a new phone, a hotel's network."""
    return detection(scene, *scene.rng.choice(_HARMLESS))


def of_application(scene: Scene) -> Json:
    """A detection about an application's own sign-in: nothing names a user."""
    app = scene.rng.choice(scene.tenant.apps)
    kind, level = scene.rng.choice(_OF_APPLICATIONS)
    made = detection(scene, kind, level)
    return {name: value for name, value in made.items() if not name.startswith("user")} | {
        "activity": "servicePrincipal",
        "ipAddress": app.ip,
        "servicePrincipalId": app.id,
        "servicePrincipalDisplayName": app.name,
        "appId": app.app_id,
        "keyIds": [scene.guid()],
    }


def risky_user(scene: Scene, level: str | None = None) -> Json:
    """Somebody's risk as it is from this moment on. `level`: at risk; by default what a benign day ends with."""
    state, detail = ("atRisk", "none") if level else scene.rng.choice((("atRisk", "none"), *OUTCOMES[:2]))
    return {
        "id": scene.who.id,
        "isDeleted": False,
        "isProcessing": False,
        "riskLevel": level or ("low" if state == "atRisk" else "none"),
        "riskState": state,
        "riskDetail": detail,
        "riskLastUpdatedDateTime": graph_time(scene.at, scene.rng),
        "userDisplayName": scene.who.name,
        "userPrincipalName": scene.who.upn,
    }


def risky_application(scene: Scene) -> Json:
    """A service principal's risk as it is from this moment on."""
    app = scene.rng.choice(scene.tenant.apps)
    return {
        "id": app.id,
        "appId": app.app_id,
        "displayName": app.name,
        "servicePrincipalType": "Application",
        "isEnabled": True,
        "isProcessing": False,
        "riskLevel": scene.rng.choice(("low", "medium")),
        "riskState": "atRisk",
        "riskDetail": "none",
        "riskLastUpdatedDateTime": graph_time(scene.at, scene.rng),
    }


def state_key(scene: Scene, body: Json) -> str:
    """The identity of a state of risk: whose, and since when, in whole milliseconds."""
    return f"{body['id']}|{to_us(scene.at) // 1000}"


DETECTIONS: tuple[tuple[float, Builder, bool], ...] = ((1, harmless, False),)
OF_APPLICATIONS: tuple[tuple[float, Builder, bool], ...] = ((1, of_application, False),)
USERS: tuple[tuple[float, Builder, bool], ...] = ((1, risky_user, False),)
APPLICATIONS: tuple[tuple[float, Builder, bool], ...] = ((1, risky_application, False),)
