"""Sigma's log sources as ours: which records belong to one, and how its fields are found in them.

A record belongs to every log source whose rules speak of such an action, whichever interface it came by: a change of
the directory is a record of `azure/auditlogs` and of `m365/audit`, be it of Graph, Azure Monitor or the unified log.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_rules.sigma import aliases
from aoc_rules.sigma.fields import FieldTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sigma.rule import SigmaLogSource

_OCSF_SIGN_IN: Final = 3002
_FINDING: Final = 2004
_ENTRA: Final = "entra"


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log source that rules can name, as `m365/audit`."""

    product: str
    service: str
    fields: FieldTable

    @property
    def name(self) -> str:
        """`product/service`."""
        return f"{self.product}/{self.service}"


AUDIT: Final = LogSource("m365", "audit", FieldTable(aliases.UNIFIED))
EXCHANGE: Final = LogSource("m365", "exchange", FieldTable(aliases.CLOUD_APPS))
THREAT_MANAGEMENT: Final = LogSource("m365", "threat_management", FieldTable(aliases.ALERTS))
THREAT_DETECTION: Final = LogSource("m365", "threat_detection", FieldTable(aliases.ALERTS))
INTUNE: Final = LogSource("m365", "intune", FieldTable(aliases.INTUNE))
AUDIT_LOGS: Final = LogSource("azure", "auditlogs", FieldTable(aliases.DIRECTORY))
SIGN_IN_LOGS: Final = LogSource("azure", "signinlogs", FieldTable(aliases.SIGN_INS))
ACTIVITY_LOGS: Final = LogSource("azure", "activitylogs", FieldTable(aliases.ACTIVITY))
RISK_DETECTION: Final = LogSource("azure", "riskdetection", FieldTable(aliases.RISK))
PIM: Final = LogSource("azure", "pim", FieldTable(aliases.PIM))
OCSF: Final = LogSource("aoc", "ocsf", FieldTable(of_event=True))

LOG_SOURCES: Final[Mapping[str, LogSource]] = {
    source.name: source
    for source in (
        AUDIT, EXCHANGE, THREAT_MANAGEMENT, THREAT_DETECTION, INTUNE,
        AUDIT_LOGS, SIGN_IN_LOGS, ACTIVITY_LOGS, RISK_DETECTION, PIM, OCSF,
    )
}  # fmt: skip


def of_rule(source: SigmaLogSource) -> tuple[LogSource, ...]:
    """The log sources that a rule's covers: every one that agrees in what the rule says. Empty for one that we lack.

    No log source of ours has a category. One that names nothing but `aoc` or a service is covered by that.
    """
    if source.category:
        return ()
    wanted = (source.product or "").casefold(), (source.service or "").casefold()
    return tuple(
        known for known in LOG_SOURCES.values() if wanted[0] in ("", known.product) and wanted[1] in ("", known.service)
    )


def of_event(event: Mapping[str, Any]) -> tuple[LogSource, ...]:
    """The log sources that an event's record belongs to; every event is one of `aoc/ocsf`."""
    metadata = event.get("metadata")
    if not isinstance(metadata, dict):
        return (OCSF,)
    product = metadata.get("product")
    name = product.get("name") if isinstance(product, dict) else ""
    log, class_uid = metadata.get("log_name"), event.get("class_uid")
    return _sources(
        log if isinstance(log, str) else "",
        name if isinstance(name, str) else "",
        class_uid if isinstance(class_uid, int) else 0,
    )


@lru_cache(4096)
def _sources(log: str, product: str, class_uid: int) -> tuple[LogSource, ...]:
    log, product = log.casefold(), product.casefold()
    own = _by_log(log)
    others = () if own in ((RISK_DETECTION,), (PIM,)) else _by_product(log, product, class_uid)
    return tuple(dict.fromkeys((*own, *others, OCSF)))


def _by_log(log: str) -> tuple[LogSource, ...]:
    """By the name of the log: our mappers' own, Azure Monitor's category or Log Analytics' table."""
    if "risk" in log:
        return (RISK_DETECTION,)
    if "privileged identity" in log or log == "pim" or log.startswith("pim "):
        return (PIM,)
    if "signin" in log or log == "sign-ins":
        return SIGN_IN_LOGS, AUDIT
    if log.startswith("azure activity log") or log == "azureactivity":
        return (ACTIVITY_LOGS,)
    if "alert" in log:
        return THREAT_MANAGEMENT, THREAT_DETECTION, *((AUDIT,) if log.startswith("unified") else ())
    return (AUDIT,) if log.startswith("unified audit log") or log in {"officeactivity", "activity log"} else ()


def _by_product(log: str, product: str, class_uid: int) -> tuple[LogSource, ...]:
    """By whose record it is."""
    if "intune" in product:
        return (INTUNE,)
    if "exchange" in product and class_uid != _FINDING:
        return EXCHANGE, AUDIT
    if _ENTRA in product and "signin" not in log and log != "sign-ins":
        return (SIGN_IN_LOGS,) if class_uid == _OCSF_SIGN_IN else (AUDIT_LOGS, AUDIT)
    if class_uid == _FINDING and not log.startswith("unified"):
        return THREAT_MANAGEMENT, THREAT_DETECTION
    return ()
