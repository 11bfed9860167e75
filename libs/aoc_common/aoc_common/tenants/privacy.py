"""What a tenant hides from roles. `docs/reference/tenants.md` is made of these descriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from aoc_common.contracts import spelling
from aoc_common.contracts.access import Hidden, Role, includes
from aoc_common.contracts.privacy.fields import PrivateField
from aoc_common.settings import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SERVICE: Final = re.compile(r"[a-z0-9-]{1,40}")
#: How Microsoft and its products call services, squeezed -> our name, by which events are stored.
_ALIASES: Final[Mapping[str, str]] = {
    "azureactivedirectory": "entra", "azuread": "entra", "aad": "entra", "entraid": "entra",
    "microsoftentraid": "entra", "exchangeonline": "exchange", "mail": "exchange",
    "sharepointonline": "sharepoint", "onedriveforbusiness": "onedrive", "microsoftteams": "teams",
    "securitycompliancecenter": "purview", "compliance": "purview", "microsoftpurview": "purview",
    "threatintelligence": "defender", "airinvestigation": "defender", "quarantine": "defender",
    "mcas": "defender", "microsoftdefenderforendpoint": "defender", "microsoft365defender": "defender",
    "microsoftdefenderforidentity": "defender", "aip": "purview", "crm": "dynamics",
    "microsoftdefender": "defender", "microsoftdefenderxdr": "defender", "powerbi": "power-platform",
    "microsoftflow": "power-platform", "powerautomate": "power-platform", "powerapps": "power-platform",
    "powerpages": "power-platform", "powerplatform": "power-platform", "yammer": "viva-engage",
    "vivaengage": "viva-engage", "dynamics365": "dynamics", "microsoftintune": "intune", "endpointmanager": "intune",
    "microsoftforms": "forms", "microsoftstream": "stream", "microsoftplanner": "planner", "skypeforbusiness": "skype",
    "microsoftgraph": "graph", "microsoft365copilot": "copilot", "m365copilot": "copilot",
    "microsoftsentinel": "sentinel", "microsoftproject": "project",
}  # fmt: skip

#: Names by which events were stored before their service had one of ours. Until they are remapped they still have it.
_FORMER: Final = frozenset(
    {"quarantine", "aip", "crm", "microsoftdefenderforendpoint", "microsoft365defender", "microsoftdefenderforidentity"}
)


def service_name(text: str) -> str:
    """The name by which events of a service are stored, of any that Microsoft has for it. Raises `ValueError`."""
    name = spelling.folded(text).strip().lower()
    name = _ALIASES.get(_squeezed(name), name)
    if not _SERVICE.fullmatch(name):
        raise ValueError("is no name of a service: like exchange, entra, teams, as `aoc stats` shows them")
    return name


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]+", "", spelling.folded(name).lower())


def _services(names: tuple[str, ...]) -> tuple[str, ...]:
    former = [name for name in map(_squeezed, names) if name in _FORMER]
    return tuple(dict.fromkeys([*map(service_name, names), *former]))


def _operations(names: tuple[str, ...]) -> tuple[str, ...]:
    found = [spelling.operation(name).lower() for name in names]
    if not all(found):
        raise ValueError("holds a blank operation")
    return tuple(dict.fromkeys(found))


class PrivacyRule(Frozen):
    """What is hidden from a role and those below it. Several rules add up."""

    hidden_from: Role = Field(
        "analyst", description="From whom: this role over the tenant, and those below it. Higher ones see it."
    )
    services: Annotated[tuple[str, ...], AfterValidator(_services)] = Field(
        (), max_length=50, description="Services whose events do not exist for them, e.g. exchange."
    )
    operations: Annotated[tuple[str, ...], AfterValidator(_operations)] = Field(
        (), max_length=200, description="Operations whose events do not exist for them, e.g. MailItemsAccessed."
    )
    fields: tuple[PrivateField, ...] = Field(
        (), max_length=20, description="Kinds of values that they neither see nor find events by."
    )
    break_glass: Role | None = Field(
        "analyst",
        description="The lowest role that may lift the rule for itself for a while, with a reason that is recorded "
        "(`POST /api/break-glass`); null: nobody.",
    )

    @model_validator(mode="after")
    def _hides_something(self) -> Self:
        if not (self.services or self.operations or self.fields):
            raise ValueError("hides nothing: name services, operations or fields")
        return self

    def applies_to(self, role: Role) -> bool:
        """Whether it hides something from who has this role over the tenant."""
        return includes(self.hidden_from, role)

    def may_be_lifted_by(self, role: Role) -> bool:
        """Whether who has this role may break the glass."""
        return self.break_glass is not None and includes(role, self.break_glass)


def hidden_by(rules: Iterable[PrivacyRule], role: Role, *, lifted: bool = False) -> Hidden:
    """What rules hide from a role. `lifted`: its holder has broken the glass."""
    applied = [rule for rule in rules if rule.applies_to(role) and not (lifted and rule.may_be_lifted_by(role))]
    return Hidden(
        frozenset(name for rule in applied for name in rule.services),
        frozenset(name for rule in applied for name in rule.operations),
        frozenset(name for rule in applied for name in rule.fields),
    )
