"""Graph sign-ins: interactive, non-interactive, service principal, managed identity (resource type signIn)."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records.base import graph_time
from aoc_sim.vocabulary import OFFICE_APPS, RESOURCES

if TYPE_CHECKING:
    from aoc_sim.records.base import Json, Scene

# Sign-in error codes (entra-docs, reference-error-codes.md) with a wording of our own.
FAILURES = {
    50126: "The user name or the password is wrong.",
    50053: "The account is locked after too many attempts.",
    50074: "A second factor is asked for.",
    50140: "The 'stay signed in' page interrupted the sign-in.",
    53003: "A Conditional Access policy blocked the sign-in.",
    50158: "An external check was not satisfied.",
    65001: "Nobody has consented to this application.",
    7000215: "The client secret is not valid.",
}


def interactive(scene: Scene) -> Json:
    """A person signs in and succeeds, or fails as people do."""
    code = scene.rng.choices((0, 50126, 50074, 50140, 53003, 50053), weights=(88, 5, 3, 2, 1, 0.4))[0]
    return user_signin(scene, error=code)


def noninteractive(scene: Scene) -> Json:
    """A client renews a token on the person's behalf: the bulk of all sign-ins."""
    record = user_signin(scene, error=0 if scene.rng.random() < 0.98 else 50158, interactive=False)
    record["signInEventTypes"] = ["nonInteractiveUser"]
    record["incomingTokenType"] = scene.rng.choice(("primaryRefreshToken", "refreshToken", "none"))
    record["authenticationProcessingDetails"] = [
        {"key": "Legacy TLS (TLS 1.0, 1.1, 3DES)", "value": "False"},
        {"key": "Oauth Scope Info", "value": '["User.Read","Mail.Read"]'},
        {"key": "Is CAE Token", "value": "False"},
    ]
    return record


def service_principal(scene: Scene) -> Json:
    """An application signs in with its own credential; there is no user name at all."""
    app = scene.rng.choice(scene.tenant.apps)
    error = 0 if scene.rng.random() < 0.97 else 7000215
    record = _app_signin(scene, app.id, app.app_id, app.name, "servicePrincipal", error)
    record["ipAddress"] = app.ip
    record["location"] = location(scene)
    record["servicePrincipalCredentialKeyId"] = scene.guid()
    return record


def managed_identity(scene: Scene) -> Json:
    """An Azure resource signs in; there is neither a user nor an address."""
    app = scene.rng.choice(scene.tenant.identities)
    record = _app_signin(scene, app.id, app.app_id, app.name, "managedIdentity", 0)
    record["ipAddress"] = ""
    record["location"] = {
        "city": "",
        "state": "",
        "countryOrRegion": "",
        "geoCoordinates": {"altitude": None, "latitude": 0.0, "longitude": 0.0},
    }
    record["federatedCredentialId"] = ""
    return record


def user_signin(
    scene: Scene,
    *,
    error: int = 0,
    interactive: bool = True,
    app: tuple[str, str] | None = None,
    risk: str = "none",
    client: str | None = None,
) -> Json:
    """A user's sign-in. `error` is Entra's code, 0 for success; `risk` is none, low, medium or high."""
    rng = scene.rng
    app_id, app_name = app or rng.choice(OFFICE_APPS)
    resource_id, resource = rng.choice(RESOURCES)
    policy = scene.tenant.policies[0]
    blocked = error == 53003
    status: Json = {"errorCode": error, "failureReason": FAILURES.get(error, "Other."), "additionalDetails": None}
    if error == 0:
        status["additionalDetails"] = rng.choice(("The token already says so: second factor met.", None))
    return {
        "id": scene.guid(),
        # whole seconds: sign-ins are listed without decimals, unlike directory audits
        "createdDateTime": graph_time(scene.at.replace(microsecond=0)),
        "userDisplayName": scene.who.name,
        "userPrincipalName": scene.who.upn,
        "userId": scene.who.id,
        "appId": app_id,
        "appDisplayName": app_name,
        "ipAddress": scene.ip,
        "clientAppUsed": client or rng.choice(("Browser", "Mobile Apps and Desktop clients")),
        "correlationId": scene.guid(),
        "conditionalAccessStatus": "failure" if blocked else rng.choice(("success", "notApplied")),
        "isInteractive": interactive,
        "riskDetail": "none",
        "riskLevelAggregated": risk,
        "riskLevelDuringSignIn": risk,
        "riskState": "none" if risk == "none" else "atRisk",
        "riskEventTypes": [] if risk == "none" else ["unfamiliarFeatures"],
        "riskEventTypes_v2": [] if risk == "none" else ["unfamiliarFeatures"],
        "resourceDisplayName": resource,
        "resourceId": resource_id,
        "status": status,
        "deviceDetail": _device(scene),
        "location": location(scene),
        "appliedConditionalAccessPolicies": [
            {
                "id": policy.id,
                "displayName": policy.name,
                "enforcedGrantControls": ["Mfa"],
                "enforcedSessionControls": [],
                "result": "failure" if blocked else "success",
            }
        ],
        "userAgent": scene.device.user_agent,
        "authenticationRequirement": rng.choice(("singleFactorAuthentication", "multiFactorAuthentication")),
        "signInEventTypes": ["interactiveUser"],
    }


def _device(scene: Scene) -> Json:
    device = scene.device
    known = device.compliant
    return {
        "deviceId": device.id if known else "",
        "displayName": device.name if known else "",
        "operatingSystem": device.system,
        "browser": device.browser,
        "isCompliant": known,
        "isManaged": known,
        "trustType": "Azure AD joined" if known else "",
    }


def location(scene: Scene) -> Json:
    """Where the scene is, as sign-ins and risk detections write it."""
    place = scene.place
    return {
        "city": place.city,
        "state": place.state,
        "countryOrRegion": place.country,
        "geoCoordinates": {"altitude": None, "latitude": place.latitude, "longitude": place.longitude},
    }


def _app_signin(scene: Scene, object_id: str, app_id: str, name: str, kind: str, error: int) -> Json:
    resource_id, resource = scene.rng.choice(RESOURCES)
    return {
        "id": scene.guid(),
        "createdDateTime": graph_time(scene.at.replace(microsecond=0)),
        "userDisplayName": "",
        "userPrincipalName": "",
        "userId": None,
        "appId": app_id,
        "appDisplayName": name,
        "servicePrincipalId": object_id,
        "servicePrincipalName": name,
        "clientAppUsed": "",
        "correlationId": scene.guid(),
        "conditionalAccessStatus": "notApplied",
        "appliedConditionalAccessPolicies": [],
        "isInteractive": False,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "resourceDisplayName": resource,
        "resourceId": resource_id,
        "status": {"errorCode": error, "failureReason": FAILURES.get(error), "additionalDetails": None},
        "signInEventTypes": [kind],
        "uniqueTokenIdentifier": f"{scene.rng.getrandbits(128):032x}"[:22],
    }
