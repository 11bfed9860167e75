"""Intune: what its audit events tell is a verb and a noun (`Patch DeviceConfiguration`, `setDeviceName ManagedDevice`).

What is done to devices has a line of its own; of all others the verb and the noun say what happened. Sources:
graph-docs, the actions of managedDevice and the resources of deviceManagement and deviceAppManagement.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aoc_normalizer.draft import CRITICAL, HIGH, INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import ENTITY_MANAGEMENT, OTHER, USER_ACCESS
from aoc_normalizer.operations.base import Meaning

if TYPE_CHECKING:
    from collections.abc import Mapping

_VOWELS: Final = frozenset("aeio")
_CREATE, _READ, _UPDATE, _DELETE, _ENROLL, _UNENROLL, _ENABLE, _DISABLE = 1, 2, 3, 4, 6, 7, 8, 9


def _meaning(class_uid: int, activity: int, severity: int, phrase: str) -> Meaning:
    return Meaning(class_uid, activity, severity, phrase, _otherwise(phrase))


def _otherwise(phrase: str) -> str:
    """`wiped a device` of `wiped device {target}`, for a target without a name."""
    for named, unnamed in (("device {target}", "a device"), ("of {target}", "of a device")):
        if named in phrase:
            return phrase.replace(named, unnamed)
    verb, _, rest = phrase.replace(" {target}", "").partition(" ")
    return f"{verb} {'an' if rest[:1].lower() in _VOWELS else 'a'} {rest}" if rest else f"{verb} something"


def _device(activity: int, severity: int, phrase: str) -> Meaning:
    return _meaning(ENTITY_MANAGEMENT, activity, severity, phrase)


#: Actions on a device.
_ACTIONS: Final[Mapping[str, Meaning]] = {
    "wipe": _device(_DELETE, CRITICAL, "wiped device {target}"),
    "retire": _device(_UNENROLL, HIGH, "retired device {target}"),
    "delete": _device(_DELETE, MEDIUM, "deleted device {target} from management"),
    "setdevicename": _device(_UPDATE, LOW, "renamed device {target}"),
    "renamedevice": _device(_UPDATE, LOW, "renamed device {target}"),
    "resetpasscode": _device(_UPDATE, HIGH, "reset the passcode of device {target}"),
    "recoverpasscode": _device(_READ, HIGH, "read the passcode of device {target}"),
    "removedevicepasscode": _device(_UPDATE, HIGH, "removed the passcode of device {target}"),
    "remotelock": _device(_UPDATE, MEDIUM, "locked device {target}"),
    "rebootnow": _device(_UPDATE, LOW, "restarted device {target}"),
    "restartnow": _device(_UPDATE, LOW, "restarted device {target}"),
    "syncdevice": _device(_UPDATE, INFORMATIONAL, "synchronised device {target}"),
    "shutdown": _device(_UPDATE, LOW, "shut down device {target}"),
    "locatedevice": _device(_READ, MEDIUM, "located device {target}"),
    "cleanwindowsdevice": _device(_DELETE, HIGH, "reset device {target}"),
    "enablelostmode": _device(_UPDATE, MEDIUM, "put device {target} into lost mode"),
    "disablelostmode": _device(_UPDATE, LOW, "ended lost mode of device {target}"),
    "playlostmodesound": _device(_UPDATE, LOW, "played a sound on lost device {target}"),
    "bypassactivationlock": _device(_UPDATE, HIGH, "lifted the activation lock of device {target}"),
    "disable": _device(_DISABLE, HIGH, "disabled device {target}"),
    "reenable": _device(_ENABLE, MEDIUM, "enabled device {target}"),
    "getfilevaultkey": _device(_READ, HIGH, "read the FileVault key of device {target}"),
    "rotatefilevaultkey": _device(_UPDATE, LOW, "renewed the FileVault key of device {target}"),
    "rotatebitlockerkeys": _device(_UPDATE, LOW, "renewed the BitLocker keys of {target}"),
    "rotatelocaladminpassword": _device(_UPDATE, LOW, "renewed the local administrator's password of device {target}"),
    "createdevicelogcollectionrequest": _device(_READ, LOW, "collected diagnostics of device {target}"),
    "collectdiagnostics": _device(_READ, LOW, "collected diagnostics of device {target}"),
    "windowsdefenderscan": _device(_UPDATE, INFORMATIONAL, "had Defender scan device {target}"),
    "windowsdefenderupdatesignatures": _device(
        _UPDATE, INFORMATIONAL, "had Defender update its signatures on device {target}"
    ),
    "requestremoteassistance": _device(_UPDATE, MEDIUM, "asked for remote assistance on device {target}"),
    "logoutsharedappledeviceactiveuser": _device(_UPDATE, LOW, "signed out the user of shared device {target}"),
    "deleteuserfromsharedappledevice": _device(_DELETE, MEDIUM, "deleted a user from shared device {target}"),
    "overridecompliancestate": _device(_UPDATE, HIGH, "overrode the compliance of device {target}"),
    "initiateondemandproactiveremediation": _device(_UPDATE, HIGH, "started a remediation script on device {target}"),
    "sendcustomnotificationtocompanyportal": _device(_UPDATE, LOW, "sent a notification to device {target}"),
    "setreference": _device(_UPDATE, INFORMATIONAL, "changed a reference of device {target}"),
    "enroll": _device(_ENROLL, INFORMATIONAL, "enrolled device {target}"),
    "unenroll": _device(_UNENROLL, MEDIUM, "unenrolled device {target}"),
}

TABLE: Final[dict[str, Meaning]] = {f"{verb} manageddevice": meaning for verb, meaning in _ACTIONS.items()} | {
    "assign devicemanagementscript": _meaning(ENTITY_MANAGEMENT, 3, HIGH, "assigned script {target} to devices"),
    "create devicemanagementscript": _meaning(ENTITY_MANAGEMENT, 1, HIGH, "created device script {target}"),
    "patch devicemanagementscript": _meaning(ENTITY_MANAGEMENT, 3, HIGH, "changed device script {target}"),
    "create devicehealthscript": _meaning(ENTITY_MANAGEMENT, 1, HIGH, "created remediation script {target}"),
    "create roleassignment": _meaning(USER_ACCESS, 1, HIGH, "created Intune role assignment {target}"),
    "patch roleassignment": _meaning(USER_ACCESS, 1, HIGH, "changed Intune role assignment {target}"),
    "delete roleassignment": _meaning(USER_ACCESS, 2, MEDIUM, "deleted Intune role assignment {target}"),
    "create roledefinition": _meaning(USER_ACCESS, 1, HIGH, "created Intune role {target}"),
    "patch roledefinition": _meaning(USER_ACCESS, 1, HIGH, "changed Intune role {target}"),
    "delete devicecompliancepolicy": _meaning(ENTITY_MANAGEMENT, 4, HIGH, "deleted device compliance policy {target}"),
    "patch devicecompliancepolicy": _meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed device compliance policy {target}"),
    "enroll device": _meaning(ENTITY_MANAGEMENT, 6, INFORMATIONAL, "enrolled device {target}"),
}

#: First word of a verb -> activity of OCSF's Entity Management, and past tense.
_VERBS: Final[Mapping[str, tuple[int, str]]] = {
    "create": (_CREATE, "created"),
    "add": (_CREATE, "added"),
    "new": (_CREATE, "created"),
    "import": (_CREATE, "imported"),
    "upload": (_CREATE, "uploaded"),
    "copy": (_CREATE, "copied"),
    "duplicate": (_CREATE, "copied"),
    "issue": (_CREATE, "issued"),
    "get": (_READ, "read"),
    "read": (_READ, "read"),
    "view": (_READ, "viewed"),
    "list": (_READ, "listed"),
    "search": (_READ, "searched"),
    "export": (_READ, "exported"),
    "download": (_READ, "downloaded"),
    "patch": (_UPDATE, "changed"),
    "put": (_UPDATE, "changed"),
    "update": (_UPDATE, "changed"),
    "edit": (_UPDATE, "changed"),
    "change": (_UPDATE, "changed"),
    "set": (_UPDATE, "set"),
    "assign": (_UPDATE, "assigned"),
    "unassign": (_UPDATE, "unassigned"),
    "rename": (_UPDATE, "renamed"),
    "renew": (_UPDATE, "renewed"),
    "rotate": (_UPDATE, "renewed"),
    "reset": (_UPDATE, "reset"),
    "sync": (_UPDATE, "synchronised"),
    "synchronize": (_UPDATE, "synchronised"),
    "reorder": (_UPDATE, "reordered"),
    "move": (_UPDATE, "moved"),
    "approve": (_UPDATE, "approved"),
    "reject": (_UPDATE, "rejected"),
    "deny": (_UPDATE, "denied"),
    "cancel": (_UPDATE, "cancelled"),
    "start": (_UPDATE, "started"),
    "stop": (_UPDATE, "stopped"),
    "trigger": (_UPDATE, "triggered"),
    "initiate": (_UPDATE, "started"),
    "schedule": (_UPDATE, "scheduled"),
    "send": (_UPDATE, "sent"),
    "deploy": (_UPDATE, "deployed"),
    "publish": (_UPDATE, "published"),
    "generate": (_CREATE, "generated"),
    "restore": (_UPDATE, "restored"),
    "lock": (_UPDATE, "locked"),
    "unlock": (_UPDATE, "unlocked"),
    "revoke": (_DELETE, "revoked"),
    "retire": (_DELETE, "retired"),
    "wipe": (_DELETE, "wiped"),
    "delete": (_DELETE, "deleted"),
    "remove": (_DELETE, "removed"),
    "purge": (_DELETE, "deleted"),
    "enroll": (_ENROLL, "enrolled"),
    "unenroll": (_UNENROLL, "unenrolled"),
    "enable": (_ENABLE, "enabled"),
    "activate": (_ENABLE, "activated"),
    "disable": (_DISABLE, "disabled"),
    "deactivate": (_DISABLE, "deactivated"),
}
#: Part of a noun -> severity of a change to it; the first that fits counts.
_WEIGHTS: Final = (
    ("script", HIGH), ("role", HIGH), ("conditionalaccess", HIGH), ("remediation", HIGH), ("compliance", MEDIUM),
    ("certificate", MEDIUM), ("token", MEDIUM), ("connector", MEDIUM), ("enrollment", MEDIUM), ("partner", MEDIUM),
)  # fmt: skip
#: What is done that weighs as much as the thing it is done to.
_WEIGHED: Final = frozenset(
    {"created", "added", "imported", "uploaded", "changed", "set", "assigned", "unassigned", "deleted", "removed",
     "revoked", "approved", "enabled", "disabled"}
)  # fmt: skip
_ACRONYMS: Final = {
    word.lower(): word for word in ("VPP", "NDES", "DEP", "MDM", "SCEP", "PKCS", "VPN", "iOS", "macOS", "eSIM")
}
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DEVICE: Final = "device"
#: Characters of an operation that are read as words.
_LONGEST: Final = 200


@lru_cache(maxsize=1024)
def meaning(operation: str) -> Meaning:
    """What an operation of Intune means. The phrase always says more than the operation's name."""
    verb, _, noun = " ".join(operation[:_LONGEST].replace("{", "").replace("}", "").split()).partition(" ")
    known = TABLE.get(f"{verb} {noun}".casefold())
    if known is not None:
        return known
    if noun.casefold().endswith(_DEVICE) and (action := _ACTIONS.get(verb.casefold())):
        return action
    first, *others = _spaced(verb).split() or [""]
    activity, past = _VERBS.get(first, (OTHER, f"asked for {first}"))
    thing = _spaced(noun)
    what = " ".join(others) + (f" of {thing}" if others and thing else thing)
    if past.startswith("asked"):
        what = f"{' '.join(others)} of {thing}".strip() if thing else f"{' '.join(others)} of".strip()
    phrase = f"{past} {what} {{target}}" if what else f"{past} {{target}}"
    unnamed = f"{past} {what}".removesuffix(" of") if others or past.startswith("asked") else _otherwise(phrase)
    folded = noun.casefold()
    weight = next((severity for part, severity in _WEIGHTS if part in folded), INFORMATIONAL)
    return Meaning(ENTITY_MANAGEMENT, activity, weight if past in _WEIGHED else INFORMATIONAL, phrase, unnamed)


def _spaced(name: str) -> str:
    """`apple push notification certificate` of `ApplePushNotificationCertificate`."""
    return " ".join(_ACRONYMS.get(word, word) for word in _CAMEL.sub(" ", name).lower().split())
