"""What somebody should do about a source that cannot be collected.

It stands here, and not in the collector, since the gateway and the command line say it too, and services do not import
each other; and not in `contracts`, since it is about tenants and their app registrations, not about messages.

Source of the codes: entra-docs, reference-error-codes.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.contracts.troubles import UNREADABLE, Trouble
from aoc_common.tenants.needs import NEEDS, needs_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_CREDENTIALS: Final[Mapping[str, str]] = {
    UNREADABLE: "Put the secret, or the certificate with its key, where the collector reads it: the file, or the"
    " variable of its environment, that client_secret or client_certificate names; no restart is needed for a file",
    "AADSTS7000215": "The client secret is wrong: put the secret's value (not its id) where client_secret points",
    "AADSTS7000222": "The client secret has expired: create a new one for the app (Certificates & secrets) and put it"
    " where client_secret points; it is read again without a restart",
    "AADSTS700027": "Entra does not accept the certificate: upload the public part of the one that client_certificate"
    " names (Certificates & secrets), or renew it if it has expired",
    "AADSTS700016": "Entra knows no such app in this tenant: check client_id and tenant_id, and grant admin consent",
    "AADSTS65001": "Consent is missing or was revoked: grant admin consent to the app",
    "AADSTS7000112": "The app is disabled in this tenant: enable it (Enterprise applications, Properties, Enabled for"
    " users to sign in)",
    "AADSTS90002": "Entra knows no such tenant: check tenant_id and cloud in the tenant's settings",
}


def next_action(source: str, trouble: str | None, code: str = "") -> str | None:
    """What somebody should do about a source in trouble; None when there is nothing to do but to wait.

    `code`: Microsoft's own, e.g. AADSTS7000222, or `UNREADABLE`; it makes the words exact.
    """
    need = NEEDS.get(source)
    match trouble:
        case Trouble.NO_PERMISSION:
            permission = needs_text(source) or "the permission that the last error names"
            return f"Grant the application permission {permission} to the app and grant admin consent."
        case Trouble.NOT_LICENSED:
            licence = (need.licence if need else None) or "the licence that the last error names"
            return f"The tenant needs {licence}; without it, leave the source out in the tenant's settings (sources)."
        case Trouble.SUBSCRIPTION_DISABLED:
            return (
                "Turn on auditing in the tenant (Set-AdminAuditLogConfig -UnifiedAuditLogIngestionEnabled $true);"
                " AOC starts the subscription again by itself."
            )
        case Trouble.CREDENTIALS:
            return f"{_CREDENTIALS.get(code, 'Check client_id, tenant_id and the secret or certificate of the app')}."
        case Trouble.OTHER:
            return "Read the last error; aoc doctor looks at the tenant from outside."
        case _:
            return None
