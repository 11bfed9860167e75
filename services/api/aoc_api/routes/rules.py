"""Rules: what is looked for in the events, and what people change about it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from aoc_api import problems, rule_texts, rule_trials, rule_views
from aoc_api.access.principal import Principal
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import AdminScope, AnalystScope, Noted, PrincipalDep, ReaderScope, Services, ServicesDep, everywhere
from aoc_api.parameters import refuse_unknown, revision_of
from aoc_common.contracts.access import includes
from aoc_common.contracts.alert import Severity
from aoc_common.errors import NotFound
from aoc_common.gateway.rule_tests import RuleTest, RuleTestRequest
from aoc_common.gateway.rules import (
    RuleDetail,
    RuleFired,
    RuleItem,
    RuleLint,
    RuleList,
    RuleRequest,
    Source,
)
from aoc_common.store.alert_search import AlertQuery
from aoc_common.store.first_uses import FirstUses
from aoc_common.store.rules import RuleException, StoredRule
from aoc_common.store.searches import EventQuery

if TYPE_CHECKING:
    from aoc_api.rule_views import RuleVisibility
    from aoc_common.contracts.access import Scope
    from aoc_rules.backtest import BackTest
    from aoc_rules.catalogue import Entry
    from aoc_rules.circumstances.tenants import KnownTenant
    from aoc_rules.evaluation.trial import CorrelationTest

router = APIRouter(prefix="/api/rules", tags=["rules"], route_class=StrictRoute, dependencies=[Depends(refuse_unknown)])

ChangerDep = Annotated[Principal, Depends(everywhere("admin"))]
RuleId = Annotated[str, Path(min_length=1, max_length=200, description="Sigma's id of the rule.")]
IfMatch = Annotated[
    str | None, Header(description='ETag of the rule as it was read, e.g. `"3"`: it is needed to change it.')
]
_READ: Final = ("repeated", "forbidden", "invalid-parameters", "unavailable")
_CHANGE: Final = (
    *_READ, "not-found", "bad-request", "conflict", "changed", "revision-needed", "rule-refused", "too-slow",
    "too-large",
)  # fmt: skip
#: Alerts of a rule that are counted; events that lint looks at; how far back a test goes that names no start.
_COUNTED: Final = 1_000
_SAMPLE: Final = 5_000
_WEEK: Final = timedelta(days=7)


@router.get("", response_model=RuleList, responses=problems.responses(*_READ))
@audited("rules.list", "read")
async def list_rules(
    services: ServicesDep,
    scope: ReaderScope,
    principal: PrincipalDep,
    note: Noted,
    enabled: Annotated[bool | None, Query(description="Only those that are on, or off.", examples=[True])] = None,
    level: Annotated[
        list[Severity] | None, Query(description="Of these levels.", examples=[["high", "critical"]])
    ] = None,
    tag: Annotated[
        str | None,
        Query(max_length=100, description="With this tag, or a technique of ATT&CK.", examples=["T1098"]),
    ] = None,
    origin: Annotated[Source | None, Query(description="Whose they are.", examples=["own"])] = None,
    text: Annotated[
        str | None, Query(max_length=200, description="With these words in title or text.", examples=["inbox"])
    ] = None,
) -> RuleList:
    """Rules, by title. Exceptions are counted as far as they are for the tenant."""
    inventory = await services.rules.inventory()
    wanted = [
        entry
        for entry in inventory.entries.values()
        if (enabled is None or entry.enabled is enabled)
        and (not level or entry.level in level)
        and (tag is None or _tagged(entry, tag))
        and (origin is None or entry.source == origin)
        and (text is None or text.casefold() in f"{entry.title}\n{entry.text}".casefold())
    ]
    note.rows = len(wanted)
    shown = sorted(wanted, key=lambda entry: (entry.title.casefold(), entry.id))
    sight = await _sight(services, scope, principal, *wanted)
    return RuleList.model_construct(items=[rule_views.item(entry, sight) for entry in shown])


@router.get("/lint", response_model=RuleLint, responses=problems.responses(*_READ, "too-many", "busy"))
@audited("rules.lint", "read")
async def lint_rules(
    services: ServicesDep,
    scope: AnalystScope,
    principal: PrincipalDep,
    note: Noted,
    days: Annotated[int, Query(ge=0, le=90, description="Of history that rules are held against; 0: none.")] = 7,
    rule: Annotated[str | None, Query(max_length=200, description="Only this rule.", examples=["9336f81c"])] = None,
) -> RuleLint:
    """What is wrong with rules that are on: those that never fire here, are too broad, or ask for the same.

    The newest 5,000 events of the tenant are looked at.
    """
    inventory, known = await services.rules.inventory(), await _known(services, scope.tenant)
    active = {
        one.alert_rule.id: one.within.get(scope.tenant, one.compiled) for one in inventory.library.active.values()
    }
    compiled = active
    if rule is not None:
        entry = await services.rules.entry(rule)
        one = await asyncio.to_thread(rule_texts.compiled, entry, scope.tenant, services.clock.now())
        compiled = {} if one is None else {rule: one}
    history, back_to = await asyncio.to_thread(rule_texts.history_of, compiled, known), None
    if days:
        _refuse_hidden(scope)
        query = EventQuery(scope, start=services.clock.now() - timedelta(days=days))
        with services.admission.exporting(principal.id) as pace:
            tried = await rule_trials.try_on(services.search, query, pace, history.add_all, _SAMPLE)
        back_to = tried.back_to
    found = await asyncio.to_thread(rule_texts.linted_by, history, {**active, **compiled}, services.clock.now())
    note.rows = history.total
    items = {identity: rule_views.found(said) for identity, said in found.items()}
    return RuleLint.model_construct(items=items, events=history.total, since=back_to)


@router.post("/test", response_model=RuleTest, responses=problems.responses(*_CHANGE, "too-many", "busy"))
@audited("rules.test", "read")
async def try_rule(
    body: RuleTestRequest, services: ServicesDep, scope: AnalystScope, principal: PrincipalDep, note: Noted
) -> RuleTest:
    """What a rule would have found in a tenant's stored events: up to 200,000 of them, the newest, or 20 seconds.

    The engine is the one that meets new events. Twins count once. Of a correlation it says what its rules match, of
    which up to 50,000 are counted, and its alerts.
    """
    _refuse_hidden(scope)
    note.about = body.rule or "a text"
    end = body.end or services.clock.now()
    start = body.start or end - _WEEK
    if end <= start:
        raise problems.invalid("end", "must be after start", location="body")
    test = await _test(services, body, scope.tenant)
    with services.admission.exporting(principal.id) as pace:
        query, over_before = EventQuery(scope, start=start, end=end), services.clock.now() - services.rules.lateness
        uses = FirstUses(services.search)
        stretch = await rule_trials.try_test(test, services.search, query, pace, uses, over_before)
    note.rows = test.events
    return rule_texts.answer(test, stretch)


@router.get("/{rule}", response_model=RuleDetail, responses=problems.responses(*_READ, "not-found"))
@audited("rules.read", "read")
async def get_rule(
    rule: RuleId, services: ServicesDep, scope: ReaderScope, principal: PrincipalDep, response: Response
) -> RuleDetail:
    """A rule, with what it has raised in the tenant. Its ETag is what a change names in If-Match."""
    entry = await services.rules.entry(rule)
    response.headers["ETag"] = f'"{entry.stored.revision if entry.stored is not None else 0}"'
    tenant = await services.registry.get(scope.tenant)
    findings = await asyncio.to_thread(rule_texts.linted, entry, tenant, services.clock.now())
    sight = await _sight(services, scope, principal, entry)
    return rule_views.detail(entry, sight, findings, await _fired(services, scope, rule))


@router.post("", status_code=201, response_model=RuleItem, responses=problems.responses(*_CHANGE))
@audited("rules.add", "create")
async def add_rule(
    body: RuleRequest,
    services: ServicesDep,
    changer: ChangerDep,
    response: Response,
    note: Noted,
) -> RuleItem:
    """Add a rule of your own. It is at work within seconds."""
    identity = await asyncio.to_thread(rule_texts.identity, body.text or "")
    note.about = identity
    if identity in (await services.rules.inventory()).entries:
        raise problems.Problem("conflict", f"Rule {identity} is there already.")
    made = _merged(StoredRule(identity), body, changer, services)
    await services.rules.save(made, changer, "added", "conflict")
    return await _item(services, changer, identity, response)


@router.put("/{rule}", response_model=RuleItem, responses=problems.responses(*_CHANGE))
@audited("rules.replace", "change")
async def replace_rule(
    rule: RuleId,
    body: RuleRequest,
    services: ServicesDep,
    changer: ChangerDep,
    response: Response,
    note: Noted,
    if_match: IfMatch = None,
) -> RuleItem:
    """Say this, and nothing else, of a rule. If-Match is needed; `"0"` for one that is as it was shipped."""
    note.about = rule
    revision = revision_of(if_match, "rule")
    entry = await services.rules.entry(rule)
    stored = entry.stored or StoredRule(rule)
    if stored.revision != revision:
        raise problems.Problem("changed", f"Rule {rule} was changed meanwhile.")
    sight = await _sight(services, await _scope(services, changer), changer, entry)
    made = _merged(stored, body, changer, services, sight)
    note.about = f"{rule}: {(what := _difference(stored, made))}"
    await services.rules.save(made, changer, what, "changed")
    return await _item(services, changer, rule, response)


@router.delete("/{rule}", status_code=204, responses=problems.responses(*_READ, "not-found", "conflict"))
@audited("rules.remove", "delete")
async def remove_rule(rule: RuleId, services: ServicesDep, _changer: ChangerDep, note: Noted) -> None:
    """Remove a rule of your own, or all that was changed of a shipped one, exceptions too."""
    note.about = rule
    await services.rules.remove(rule)


@router.delete(
    "/{rule}/exceptions/{exception}", status_code=204, responses=problems.responses(*_READ, "not-found", "conflict")
)
@audited("rules.exceptions.remove", "delete")
async def remove_exception(
    rule: RuleId,
    exception: Annotated[str, Path(pattern=r"^[0-9a-zA-Z-]{1,64}$", description="Id of the exception.")],
    services: ServicesDep,
    scope: AdminScope,
    principal: PrincipalDep,
    note: Noted,
) -> None:
    """Remove an exception: the rule finds again what it excepted. One for other tenants, too, takes a role over all."""
    note.about = f"{rule}: exception {exception}"

    entry = await services.rules.entry(rule)
    alone = entry.stored is not None and any(
        one.id == exception and one.tenants == {scope.tenant} for one in entry.stored.exceptions
    )

    def without(exceptions: tuple[RuleException, ...]) -> tuple[RuleException, ...]:
        found = next((one for one in exceptions if one.id == exception), None)
        mine = found is not None and found.tenants == {scope.tenant}
        if found is None or not (mine or _over_everything(principal)):
            raise NotFound(f"Rule {rule} has no exception {exception} for {scope.tenant} alone.")
        return tuple(one for one in exceptions if one.id != exception)

    whose = scope.tenant if alone else ""
    await services.rules.change_exceptions(rule, without, principal, f"exception {exception} removed", whose)


async def _item(services: Services, by: Principal, rule: str, response: Response) -> RuleItem:
    entry = await services.rules.entry(rule)
    stored = entry.stored
    response.headers["ETag"] = f'"{stored.revision if stored is not None else 0}"'
    return rule_views.item(entry, await _sight(services, await _scope(services, by), by, entry))


async def _scope(services: Services, by: Principal) -> Scope:
    """That of who changes a rule, and names no tenant: as when he reads it and names none."""
    return await services.policy.scope(by, services.tenant(None), "reader")


async def _sight(services: Services, scope: Scope, by: Principal, *entries: Entry) -> RuleVisibility:
    stored = [entry.stored for entry in entries if entry.stored is not None]
    return await rule_views.sight(services.policy, scope, by, services.clock.now(), stored)


async def _fired(services: Services, scope: Scope, rule: str) -> RuleFired:
    search = services.alerts.search
    facts = await search.facts(AlertQuery(scope, rule=rule, limit=_COUNTED + 1))
    newest = await search.search(AlertQuery(scope, rule=rule, limit=1)) if facts else ()
    return RuleFired(
        alerts=min(len(facts), _COUNTED),
        complete=len(facts) <= _COUNTED,
        last_at=newest[0].last_at if newest else None,
    )


async def _known(services: Services, tenant: str) -> KnownTenant:
    return await asyncio.to_thread(rule_texts.known, await services.registry.get(tenant))


async def _test(services: Services, body: RuleTestRequest, tenant: str) -> BackTest | CorrelationTest:
    """A test of what a request names, with the tenant's exceptions, or has written. Raises a problem."""
    if (body.rule is None) is (body.text is None):
        raise problems.invalid("rule", "either a rule's id or a text is needed", location="body")
    known, found = await _known(services, tenant), None
    if body.text is not None:
        found = await asyncio.to_thread(rule_texts.written, body.text)
    else:
        entry = await services.rules.entry(body.rule or "")
        found = await asyncio.to_thread(rule_texts.to_try, entry, tenant, services.clock.now())
        if found is None:
            raise problems.Problem("rule-refused", entry.fault or "It cannot be read.")
    # The engine is there by now.
    from aoc_rules.catalogue import Written

    rules = await services.rules.tried(found) if isinstance(found, Written) else found
    return await asyncio.to_thread(rule_texts.test_of, rules, tenant, known)


def _merged(
    stored: StoredRule, body: RuleRequest, by: Principal, services: Services, sight: RuleVisibility | None = None
) -> StoredRule:
    """The rule as a request wants it. Exceptions that its sender may not see stay."""
    made = replace(stored, text=body.text, enabled=body.enabled, severity=body.severity, attributes=body.attributes)
    if body.exceptions is None:
        return made
    known, now = {one.id: one for one in stored.exceptions}, services.clock.now()
    exceptions = []
    for one in body.exceptions:
        asked = RuleException(one.id, one.text, by.name, one.reason, now, one.until, frozenset(one.tenants))
        before = known.get(one.id)
        if before is not None and replace(asked, author=before.author, made_at=before.made_at) == before:
            asked = before
        exceptions.append(asked)
    if len({one.id for one in exceptions}) < len(exceptions):
        raise problems.invalid("exceptions", "two of them have the same id", location="body")
    seen = {one.id for one in sight.exceptions(stored)} if sight is not None else set()
    asked_for = {one.id for one in exceptions}
    unseen = (one for one in stored.exceptions if one.holds(now) and one.id not in seen | asked_for)
    return replace(made, exceptions=(*exceptions, *unseen))


def _difference(before: StoredRule, after: StoredRule) -> str:
    switched = {None: "on or off as the rule says", True: "switched on", False: "switched off"}[after.enabled]
    changes = {
        "text": before.text != after.text,
        switched: before.enabled != after.enabled,
        f"severity {after.severity or 'as the rule says'}": before.severity != after.severity,
        "exceptions": before.exceptions != after.exceptions,
        "attributes": before.attributes != after.attributes,
    }
    return ", ".join(what for what, changed in changes.items() if changed) or "nothing"


def _tagged(entry: Entry, tag: str) -> bool:
    wanted = tag.casefold()
    return any(one.casefold() in {wanted, f"attack.{wanted}"} for one in entry.tags)


def _over_everything(principal: Principal) -> bool:
    role = principal.role_over_everything()
    return role is not None and includes(role, "admin")


def _refuse_hidden(scope: Scope) -> None:
    if scope.hidden.fields:
        raise problems.forbidden("A rule finds events by any field, and some are hidden from you.")
