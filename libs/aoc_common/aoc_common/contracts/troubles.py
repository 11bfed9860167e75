"""Why a source cannot be collected: the same classes for the store, health and doctor.

What a source needs and what somebody should do is in `tenants`: it is about the tenant and its app registration.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

#: In place of a code of Microsoft's: our own reference to the secret, or certificate, leads to nothing.
UNREADABLE: Final = "unreadable"


class Trouble(StrEnum):
    """The class of a source's failure."""

    NO_PERMISSION = "no-permission"
    """The token is good and lacks an application permission."""
    NOT_LICENSED = "not-licensed"
    """The tenant lacks a licence, or is said to."""
    SUBSCRIPTION_DISABLED = "subscription-disabled"
    """The subscription that a source reads does not run."""
    CREDENTIALS = "credentials-expired"
    """The app cannot sign in: secret or certificate wrong or expired, consent or registration gone."""
    UNREACHABLE = "unreachable"
    """No answer, a broken one, or a server error."""
    THROTTLED = "throttled"
    """The other side asked for fewer requests."""
    OTHER = "other"
    """Anything else; the source's last error says what."""
