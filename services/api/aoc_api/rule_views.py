"""Rules as the gateway shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aoc_common.gateway.rules import (
    RuleChangeView,
    RuleDetail,
    RuleExceptionView,
    RuleFinding,
    RuleFired,
    RuleItem,
    RuleOverlay,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from aoc_api.access.policy import AccessPolicy
    from aoc_api.access.principal import Principal
    from aoc_common.contracts.access import Scope
    from aoc_common.store.rules import RuleChange, RuleException, StoredRule
    from aoc_rules.catalogue import Entry
    from aoc_rules.sigma.lint import Finding


@dataclass(frozen=True, slots=True)
class RuleVisibility:
    """What somebody who looks at rules in a tenant may see of what was changed of them.

    Exceptions hold values of events, and names of tenants; changes those of people. `hidden`: values are hidden from
    him in the tenant. `everywhere`: he has a role over everything; `hiding`: the tenants that hide values from him.
    """

    tenant: str
    now: datetime
    hidden: bool = False
    everywhere: bool = False
    hiding: frozenset[str] = frozenset()

    def exceptions(self, stored: StoredRule | None) -> list[RuleException]:
        """The exceptions in force."""
        if stored is None or self.hidden:
            return []
        lasting = [one for one in stored.exceptions if one.holds(self.now)]
        if self.everywhere:
            return [one for one in lasting if one.tenants.isdisjoint(self.hiding)]
        own = frozenset({self.tenant})
        return [replace(one, tenants=one.tenants & own) for one in lasting if not one.tenants or one.tenants & own]

    def changes(self, stored: StoredRule | None) -> list[RuleChange]:
        """Those of the rule, and of exceptions of the tenant."""
        history = stored.history if stored is not None else ()
        return [one for one in history if self.everywhere or one.tenant in {"", self.tenant}]


async def sight(
    policy: AccessPolicy, scope: Scope, by: Principal, now: datetime, rules: Collection[StoredRule]
) -> RuleVisibility:
    """Of these rules. Raises `Transient`."""
    if by.role_over_everything() is None:
        return RuleVisibility(scope.tenant, now, bool(scope.hidden.fields))
    named = {tenant for rule in rules for one in rule.exceptions for tenant in one.tenants}
    hiding = {tenant for tenant in named if (await policy.scope(by, tenant, "reader")).hidden.fields}
    return RuleVisibility(scope.tenant, now, bool(scope.hidden.fields), everywhere=True, hiding=frozenset(hiding))


def item(entry: Entry, sight: RuleVisibility) -> RuleItem:
    """In short."""
    return RuleItem.model_construct(**_item(entry, sight))


def detail(entry: Entry, sight: RuleVisibility, findings: Iterable[Finding], fired: RuleFired) -> RuleDetail:
    """With all that is known of it."""
    stored = entry.stored
    overlay = RuleOverlay()
    if stored is not None:
        overlay = RuleOverlay.model_construct(
            text=stored.text,
            enabled=stored.enabled,
            severity=stored.severity,
            attributes=dict(stored.attributes),
        )
    return RuleDetail.model_construct(
        **_item(entry, sight),
        description=entry.description,
        text=entry.text,
        shipped=entry.shipped,
        difference=entry.difference,
        overlay=overlay,
        runbook=entry.runbook,
        findings=found(findings),
        fired=fired,
        exceptions_in_force=[RuleExceptionView.of(one) for one in sight.exceptions(stored)],
        history=[
            RuleChangeView.model_construct(revision=one.revision, at=one.at, author=one.author, what=one.what)
            for one in sight.changes(stored)
        ],
    )


def found(findings: Iterable[Finding]) -> list[RuleFinding]:
    """What lint says."""
    return [
        RuleFinding.model_construct(code=one.code, place=one.place, message=one.message, suggestion=one.suggestion)
        for one in findings
    ]


def _item(entry: Entry, sight: RuleVisibility) -> dict[str, Any]:
    stored, changes = entry.stored, sight.changes(entry.stored)
    last = changes[-1] if changes else None
    return {
        "id": entry.id,
        "title": entry.title,
        "level": entry.level,
        "enabled": entry.enabled,
        "source": entry.source,
        "log_source": entry.log_source,
        "correlation": entry.correlation,
        "tags": list(entry.tags),
        "fault": entry.fault,
        "exceptions": len(sight.exceptions(stored)),
        "author": last.author if last is not None else "",
        "changed_at": last.at if last is not None else None,
        "revision": stored.revision if stored is not None else 0,
    }
