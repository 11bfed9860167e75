"""OCSF 1.8's enumerations of authentication factors and operating systems, from Microsoft's words for them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

#: Authentication methods of sign-ins (graph-docs, authenticationdetail.md) -> factor_type_id and its caption.
#: The first that stands in the method counts, so longer ones come first.
_FACTORS: Final = (
    ("text message", 1, "SMS"),
    ("sms", 1, "SMS"),
    ("phone call", 3, "Phone Call"),
    ("mobile app notification", 5, "Push Notification"),
    ("app notification", 5, "Push Notification"),
    ("passwordless phone sign-in", 5, "Push Notification"),
    ("authenticator", 5, "Push Notification"),
    ("oath", 7, "OTP"),
    ("verification code", 7, "OTP"),
    ("temporary access pass", 7, "OTP"),
    ("one-time", 7, "OTP"),
    ("email", 8, "Email"),
    ("fido", 10, "WebAuthn"),
    ("passkey", 10, "WebAuthn"),
    ("windows hello", 4, "Biometric"),
    ("certificate", 6, "Hardware Token"),
    ("security question", 2, "Security Question"),
    ("password", 11, "Password"),
    ("phone", 3, "Phone Call"),
)
#: Names of systems, in sign-ins, device properties and user agents -> type_id and its caption; see above.
_SYSTEMS: Final = (
    ("windows mobile", 101, "Windows Mobile"),
    ("windows phone", 101, "Windows Mobile"),
    ("win", 100, "Windows"),
    ("android", 201, "Android"),
    ("ipad", 302, "iPadOS"),
    ("ios", 301, "iOS"),
    ("iphone", 301, "iOS"),
    ("mac", 300, "macOS"),
    ("linux", 200, "Linux"),
    ("ubuntu", 200, "Linux"),
)


def factor(method: str) -> dict[str, Any]:
    """An `auth_factor`."""
    folded = method.casefold()
    found = next(((number, caption) for word, number, caption in _FACTORS if word in folded), (99, method))
    return {"factor_type_id": found[0], "factor_type": found[1]}


def system(name: str) -> dict[str, Any]:
    """An `os`: its name as the record has it."""
    number, caption = _system(name)
    return {"name": name, "type_id": number, "type": caption}


@lru_cache(maxsize=1024)
def _system(name: str) -> tuple[int, str]:
    folded = name.casefold()
    return next(((number, caption) for word, number, caption in _SYSTEMS if folded.startswith(word)), (99, name))
