"""Microsoft's clouds, and where each has its services.

Sources: graph-docs, deployments.md; office-365-management-activity-api-reference.md; entra-docs,
access-tokens.md (issuers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

type Cloud = Literal["commercial", "gcc", "gcc-high", "dod"]


class Hosts(NamedTuple):
    """Base addresses: of the sign-in service, of Microsoft Graph, and of the Management Activity API."""

    authority: str
    graph: str
    management: str


_COMMERCIAL: Final = "https://login.microsoftonline.com"
_GOVERNMENT: Final = "https://login.microsoftonline.us"

CLOUDS: Final[Mapping[Cloud, Hosts]] = {
    "commercial": Hosts(_COMMERCIAL, "https://graph.microsoft.com", "https://manage.office.com"),
    "gcc": Hosts(_COMMERCIAL, "https://graph.microsoft.com", "https://manage-gcc.office.com"),
    "gcc-high": Hosts(_GOVERNMENT, "https://graph.microsoft.us", "https://manage.office365.us"),
    "dod": Hosts(_GOVERNMENT, "https://dod-graph.microsoft.us", "https://manage.protection.apps.mil"),
}

#: How tokens of version 1 name their issuer, in every cloud here: `{tenantid}` is the directory's id.
V1_ISSUER: Final = "https://sts.windows.net/{tenantid}/"


def v2_issuer(authority: str) -> str:
    """How tokens of version 2 name it: the sign-in service they come from."""
    return f"{authority}/{{tenantid}}/v2.0"
