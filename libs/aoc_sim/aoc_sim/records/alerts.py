"""Security alerts (resource type microsoft.graph.security.alert). Source: graph-docs, resources/security-alert.md."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aoc_sim.records.base import graph_time

if TYPE_CHECKING:
    from aoc_sim.records.base import Builder, Json, Scene


def user_evidence(scene: Scene) -> Json:
    """The account that an alert is about."""
    return {
        "@odata.type": "#microsoft.graph.security.userEvidence",
        "createdDateTime": graph_time(scene.at),
        "verdict": "unknown",
        "remediationStatus": "none",
        "remediationStatusDetails": None,
        "roles": ["compromised"],
        "tags": [],
        "userAccount": {
            "accountName": scene.who.alias,
            "domainName": None,
            "userSid": scene.who.sid,
            "azureAdUserId": scene.who.id,
            "userPrincipalName": scene.who.upn,
            "displayName": scene.who.name,
        },
    }


def ip_evidence(scene: Scene) -> Json:
    """The address that an alert is about."""
    return {
        "@odata.type": "#microsoft.graph.security.ipEvidence",
        "createdDateTime": graph_time(scene.at),
        "verdict": "suspicious",
        "roles": [],
        "ipAddress": scene.ip,
        "countryLetterCode": scene.place.country,
    }


def alert(
    scene: Scene,
    title: str,
    severity: str,
    *,
    service: str = "azureAdIdentityProtection",
    category: str = "InitialAccess",
    techniques: tuple[str, ...] = (),
) -> Json:
    """An alert about the scene's person and address; a minute or two passes until its last update."""
    rng = scene.rng
    provider_id = f"{rng.getrandbits(256):064x}"
    updated = scene.at + timedelta(seconds=rng.randrange(0, 120))
    return {
        "id": f"ad{rng.getrandbits(160):040x}",
        "providerAlertId": provider_id,
        "incidentId": str(rng.randrange(1, 400)),
        "status": "new",
        "severity": severity,
        "classification": None,
        "determination": None,
        "serviceSource": service,
        "detectionSource": service,
        "productName": None,
        "detectorId": scene.guid(),
        "tenantId": scene.tenant.tenant_id,
        "title": title,
        "description": f"{title}: seen for {scene.who.name}.",
        "recommendedActions": "",
        "category": category,
        "assignedTo": None,
        "actorDisplayName": None,
        "threatDisplayName": None,
        "threatFamilyName": None,
        "mitreTechniques": list(techniques),
        "createdDateTime": graph_time(scene.at, rng),
        "lastUpdateDateTime": graph_time(updated),
        "resolvedDateTime": None,
        "firstActivityDateTime": graph_time(scene.at - timedelta(minutes=4)),
        "lastActivityDateTime": graph_time(scene.at - timedelta(minutes=1)),
        "comments": [],
        "systemTags": [],
        "alertPolicyId": None,
        "additionalData": None,
        "evidence": [user_evidence(scene), ip_evidence(scene)],
    }


def unfamiliar(scene: Scene) -> Json:
    """A new browser somewhere: nearly always harmless."""
    return alert(scene, "Sign-in properties not seen before", "low")


def reported_mail(scene: Scene) -> Json:
    """Somebody reports a message as phishing."""
    return alert(
        scene,
        "Message reported by a user",
        "informational",
        service="microsoftDefenderForOffice365",
        techniques=("T1566",),
    )


BENIGN: tuple[tuple[float, Builder, bool], ...] = ((3, unfamiliar, False), (2, reported_mail, False))
