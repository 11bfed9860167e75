"""In which tables a record's operation is looked up: by its workload and its record type.

An operation's name alone proves nothing: services use one for different things, and some are chosen by people.

A record of one service that carries another's operation is mapped as its own service's, of no special class and
severity, and says so. Seen in some 8,000 public records of 21 workloads: each workload's own operations, and those of
the others that are listed here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from aoc_common.contracts import spelling
from aoc_normalizer.operations import record_types

if TYPE_CHECKING:
    from collections.abc import Mapping

type Scope = tuple[str, ...] | None
"""Modules of this package whose operations count; None where nothing says which."""

#: Workload of the unified log, in lower case -> our name of the service, and its product.
SERVICES: Final[Mapping[str, tuple[str, str]]] = {
    "azureactivedirectory": ("entra", "Microsoft Entra ID"),
    "exchange": ("exchange", "Exchange Online"),
    "sharepoint": ("sharepoint", "SharePoint Online"),
    "onedrive": ("onedrive", "OneDrive for Business"),
    "microsoftteams": ("teams", "Microsoft Teams"),
    "securitycompliancecenter": ("purview", "Microsoft Purview"),
    "threatintelligence": ("defender", "Defender for Office 365"),
    "quarantine": ("defender", "Defender for Office 365"),
    "powerbi": ("power-platform", "Power BI"),
    "microsoftflow": ("power-platform", "Power Automate"),
    "powerapps": ("power-platform", "Power Apps"),
    "yammer": ("viva-engage", "Viva Engage"),
    "dynamics365": ("dynamics", "Dynamics 365"),
    "intune": ("intune", "Microsoft Intune"),
    "compliance": ("purview", "Microsoft Purview"),
    "airinvestigation": ("defender", "Microsoft Defender XDR"),
    "copilot": ("copilot", "Microsoft 365 Copilot"),
    "microsoftforms": ("forms", "Microsoft Forms"),
    "microsoftstream": ("stream", "Microsoft Stream"),
    "planner": ("planner", "Microsoft Planner"),
    "project": ("project", "Microsoft Project"),
    "skypeforbusiness": ("skype", "Skype for Business"),
    "powerpages": ("power-platform", "Power Pages"),
    "powerplatform": ("power-platform", "Power Platform"),
    "mcas": ("defender", "Microsoft Defender for Cloud Apps"),
    "endpoint": ("endpoint", "Microsoft Purview"),
    "aip": ("purview", "Microsoft Purview"),
    "crm": ("dynamics", "Dynamics 365"),
    "microsoftdefenderforendpoint": ("defender", "Microsoft Defender for Endpoint"),
    "microsoft365defender": ("defender", "Microsoft Defender XDR"),
    "microsoftdefenderforidentity": ("defender", "Microsoft Defender for Identity"),
}
_APPS: Final = ("apps",)
#: Purview runs Exchange's cmdlets, and tells of files on endpoints, of searches and of what other services hold.
_SECURITY: Final = ("security", "exchange", "files", "teams", "power_platform", "apps")
#: Data loss prevention and labels log under the workload that they watch.
_FILES: Final = ("files", "security")
#: Service -> modules whose operations its records can carry.
SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "entra": ("entra",),
    "intune": ("intune",),
    "exchange": ("exchange", "mailbox", "security"),
    "sharepoint": _FILES,
    "onedrive": _FILES,
    "purview": _SECURITY,
    "defender": ("responses", *_SECURITY),
    "endpoint": ("endpoint", "files", "security"),
    "teams": ("teams", "security"),
    "viva-engage": ("viva_engage",),
    "stream": _APPS,
    "copilot": ("apps", "security"),
    "power-platform": ("power_platform", "security"),
    "dynamics": ("dynamics",),
    "forms": _APPS,
    "planner": _APPS,
    "project": _APPS,
    "skype": ("teams",),
}
#: Record types whose operations mean something else than those of the rest of their workload: their own module first.
_OF_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "DLPEndpoint": ("endpoint",),
    "CRM": ("dynamics",),
    "Yammer": ("viva_engage",),
    "MCASAlerts": ("security",),
}
#: Modules of services that carry each other's record types.
_FAMILIES: Final = dict.fromkeys(("teams", "power_platform", "apps", "viva_engage", "dynamics"), "collaboration")
#: Services whose records are of cmdlets, where parameters can turn protection off.
OF_CMDLETS: Final = frozenset({"exchange", "purview", "defender", "teams", "skype"})


class Origin(NamedTuple):
    """Where a unified record is from: our name of the service, its product, what it can carry.

    `named`: whether the record says so at all. `contradicted`: its workload and record type have nothing in common.
    """

    service: str
    product: str
    scope: Scope
    named: bool
    contradicted: bool


@lru_cache(maxsize=2048)
def origin(workload: str | None, record_type: str | None) -> Origin:
    """The origin that a workload and a record type (its number or name) tell; either may be missing."""
    folded, kind = spelling.folded(workload or ""), record_type and spelling.folded(record_type)
    name = folded or record_types.workload(kind) or ""
    service, product = SERVICES.get(name.casefold(), (_slug(name), name or "Microsoft 365"))
    return Origin(service, product, scope(folded, kind), bool(name), contradict(folded, kind))


def _slug(workload: str) -> str:
    slug = "".join(c if c.isalnum() else "-" for c in workload.lower()).strip("-")
    return slug[:40] or "m365"


def scope(workload: str, record_type: str | None) -> Scope:
    """What a record of the unified log can carry. Where workload and record type are both known, both must allow it.

    Where they contradict each other the workload counts. Nothing where what it says is not known; any operation where
    it says neither.
    """
    if not (workload or record_type):
        return None
    named, typed = _of(workload), _of(record_types.workload(record_type) or "")
    if named is None or typed is None:
        found = named or typed or ()
    else:
        families = {_FAMILIES.get(one, one) for one in typed}
        found = tuple(one for one in named if _FAMILIES.get(one, one) in families) or named
    if contradict(workload, record_type):
        return found
    own = _OF_TYPE.get(record_types.name(record_type) or "", ())
    return (*own, *(one for one in found if one not in own))


def contradict(workload: str, record_type: str | None) -> bool:
    """Whether a workload and a record type have nothing in common."""
    named, typed = _of(workload), _of(record_types.workload(record_type) or "")
    return (
        named is not None
        and typed is not None
        and {_FAMILIES.get(one, one) for one in named}.isdisjoint(_FAMILIES.get(one, one) for one in typed)
    )


def _of(workload: str) -> tuple[str, ...] | None:
    service, _ = SERVICES.get(workload.casefold(), ("", ""))
    return SCOPES.get(service)
