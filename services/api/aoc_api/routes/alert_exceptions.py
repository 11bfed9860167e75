"""Exceptions that are made of an alert: what it shows is not to be found again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Path

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import AdminScope, Noted, PrincipalDep, Services, ServicesDep
from aoc_api.parameters import refuse_unknown
from aoc_common.contracts.alert import FieldValue
from aoc_common.contracts.privacy.alerts import redacted_alert
from aoc_common.gateway.rules import AlertExceptionRequest, RuleExceptionView
from aoc_common.store.rules import RuleException

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aoc_common.contracts.access import Scope
    from aoc_common.contracts.alert import Alert
    from aoc_rules.catalogue import Entry

router = APIRouter(
    prefix="/api/alerts", tags=["alerts"], route_class=StrictRoute, dependencies=[Depends(refuse_unknown)]
)

#: Events of the alert that the exception is tried on.
_TRIED: Final = 20


@router.post(
    "/{alert_id}/exception",
    status_code=201,
    response_model=RuleExceptionView,
    responses=problems.responses(
        "repeated", "forbidden", "not-found", "bad-request", "conflict", "rule-refused", "too-slow", "too-large",
        "invalid-parameters", "unavailable",
    ),
)  # fmt: skip
@audited("alerts.except", "create")
async def except_alert(
    alert_id: Annotated[UUID, Path(description="Id of the alert.", examples=["019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3"])],
    body: AlertExceptionRequest,
    services: ServicesDep,
    scope: AdminScope,
    principal: PrincipalDep,
    note: Noted,
) -> RuleExceptionView:
    """Have the rule find no more, in this tenant, what has all of these values of the alert.

    It is tried on the alert's events first: an exception that would except none of them is refused.
    """
    note.about = f"alert {alert_id}: {body.model_dump_json(include={'values', 'until'})}"
    alert, now = redacted_alert(await services.alerts.alert(scope, alert_id), scope.hidden.fields), services.clock.now()
    if body.until is not None and body.until <= now:
        raise problems.invalid("until", "is over already", location="body")
    values = tuple(FieldValue(one.field, one.value) for one in body.values)
    shown = {pair for event in alert.events for pair in event.matched} | set(alert.group)
    unknown = next((one for one in values if one not in shown), None)
    if unknown is not None:
        raise problems.invalid("values", f"the alert shows no {unknown.field!r} with this value", location="body")
    identity = str(uuid4())
    entry = await services.rules.entry(alert.rule.id)
    events = await _events(services, scope, alert)
    known = await services.registry.get(scope.tenant)
    lists = known.lists if known is not None else {}
    text = await asyncio.to_thread(_made, entry, values, identity, events, lists)
    tenant = scope.tenant
    made = RuleException(identity, text, principal.name[:256], body.reason, now, body.until, frozenset({tenant}))
    what = f"exception {identity}"
    await services.rules.change_exceptions(entry.id, lambda held: (*held, made), principal, what, tenant)
    return RuleExceptionView.of(made)


async def _events(services: Services, scope: Scope, alert: Alert) -> list[dict[str, Any]]:
    """As the rule met them: nothing of them is shown."""
    whole = replace(scope, hidden=replace(scope.hidden, fields=frozenset()))
    found = [await services.search.get(whole, event.id) for event in alert.events[:_TRIED]]
    return [{**one.ocsf, "unmapped": one.unmapped, "raw_data": one.raw or ""} for one in found if one is not None]


def _made(
    entry: Entry,
    values: tuple[FieldValue, ...],
    identity: str,
    events: list[dict[str, Any]],
    lists: Mapping[str, Collection[str]],
) -> str:
    """The filter. Raises a problem for one that cannot be used, or excepts nothing."""
    from sigma.rule import SigmaRule

    from aoc_rules.backtest import matched
    from aoc_rules.catalogue import compiled_of
    from aoc_rules.exceptions import filter_document, filters_of
    from aoc_rules.sigma.compiling import compile_rule
    from aoc_rules.sigma.faults import RuleRefused
    from aoc_rules.sigma.named_lists import NamedLists

    if not isinstance(entry.sigma, SigmaRule):
        raise problems.Problem("rule-refused", "A correlation has no exceptions: the rules that it names have.")
    try:
        text = filter_document(entry.sigma, values, identity)
        before, after = compiled_of(entry.sigma), compile_rule(entry.sigma, filters_of(text, identity))
    except RuleRefused as error:
        raise problems.Problem("rule-refused", str(error)) from None
    known = NamedLists(lists)
    fired = [event for event in events if matched(before, event, known) is not None]
    if fired and all(matched(after, event, known) is not None for event in fired):
        raise problems.Problem("rule-refused", "These values are in none of the alert's events as fields of the rule.")
    return text
