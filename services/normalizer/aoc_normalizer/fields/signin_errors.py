"""What sign-in error codes mean, in plain words. Codes and names: Microsoft Entra authentication error reference."""

from __future__ import annotations

from typing import Final

#: Not failures: the sign-in went on after a further step.
INTERRUPTS: Final = frozenset({0, 50140, 50125, 50127, 50129, 50058, 50097, 50203, 50207, 51006, 65001, 16000, 81010})

_WORDS: Final = {
    50034: "no such user",
    50053: "account locked or address blocked",
    50055: "password expired",
    50056: "no password set",
    50057: "account disabled",
    50058: "no session to sign in silently",
    50059: "unknown tenant",
    50072: "must register for MFA",
    50074: "MFA required",
    50076: "MFA required",
    50079: "must register for MFA",
    50097: "device authentication required",
    50105: "not assigned to the application",
    50125: "interrupted by a password reset or registration",
    50126: "wrong password",
    50129: "device is not joined",
    50131: "blocked by conditional access",
    50132: "session revoked",
    50133: "session revoked after a password change",
    50140: "asked to stay signed in",
    50144: "Active Directory password expired",
    50158: "external challenge required",
    50173: "session revoked",
    50196: "sign-in loop",
    50203: "asked to register an authenticator",
    51004: "no such user in this directory",
    53000: "device not compliant",
    53001: "device not joined",
    53002: "application not approved",
    53003: "blocked by conditional access",
    53004: "must register for MFA from a trusted place",
    65001: "no consent for the application",
    65004: "consent declined",
    70008: "token expired or revoked",
    70043: "session expired by policy",
    70044: "session expired by policy",
    80012: "outside allowed sign-in hours",
    81010: "single sign-on ticket refused",
    90072: "account of another tenant",
    90094: "an administrator must consent",
    90095: "an administrator must consent",
    500011: "no such resource in the tenant",
    500121: "MFA denied or not finished",
    500133: "token not valid now",
    500341: "account deleted",
    530002: "device not compliant",
    530032: "blocked by security policy",
    700016: "no such application in the tenant",
    700082: "refresh token expired",
    7000112: "application disabled",
    7000215: "wrong client secret",
    7000218: "no client credentials",
    7000222: "client secret expired",
}

#: Names of those errors after which a sign-in goes on, as `LogonError` has them.
_INTERRUPTS_BY_NAME: Final = frozenset({"kmsiinterrupt"})


def is_interrupt(name: str) -> bool:
    """Whether an error's name is that of a further step."""
    return name.casefold() in _INTERRUPTS_BY_NAME


def number(code: str | None) -> int:
    """An error code as a number; 0 for none."""
    return int(code) if code and code.isascii() and code.isdigit() else 0


def words(code: int) -> str | None:
    """The meaning of a code, or None for one that we do not know."""
    return _WORDS.get(code)
