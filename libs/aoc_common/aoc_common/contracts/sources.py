"""The names of the sources that the collector knows, for everybody who speaks of one without collecting from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Content type of the Management Activity API -> source.
CONTENT_TYPES: Final[Mapping[str, str]] = {
    "Audit.AzureActiveDirectory": "o365-azuread",
    "Audit.Exchange": "o365-exchange",
    "Audit.SharePoint": "o365-sharepoint",
    "Audit.General": "o365-general",
    "DLP.All": "o365-dlp",
}

#: Every source, in the collector's order (`aoc_collector.sources`).
SOURCE_NAMES: Final[tuple[str, ...]] = (
    "graph-directory-audits",
    "graph-signins",
    "graph-signins-noninteractive",
    "graph-signins-serviceprincipal",
    "graph-signins-managedidentity",
    "graph-intune",
    "graph-alerts",
    "graph-risk-detections",
    "graph-risk-detections-serviceprincipal",
    "graph-risky-users",
    "graph-risky-serviceprincipals",
    "graph-pim-alerts",
    *CONTENT_TYPES.values(),
)

#: What a `PollJob` names instead of a source when a tenant's directory has news.
DIRECTORY: Final = "directory"
