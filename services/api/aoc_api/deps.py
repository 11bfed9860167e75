"""What routes depend on: services, the tenant, filters, and the pace of a request.

Every one is `async`: FastAPI runs any other in a thread, which costs more than the work, and is not the thread of the
audit trail's spool.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

from fastapi import Depends, Path, Query, Request
from fastapi.dependencies.models import Dependant

from aoc_api.access.authentication import Authenticate
from aoc_api.access.grants import Grants
from aoc_api.access.keys.verification import KeyVerification
from aoc_api.access.monitoring import Monitoring
from aoc_api.access.needs import Need, declare
from aoc_api.access.note import Note, note_of
from aoc_api.access.policy import AccessPolicy
from aoc_api.access.principal import Principal
from aoc_api.access.privacy import Privacy
from aoc_api.access.recording import RecordChange
from aoc_api.access.sessions.sign_in import SignIn
from aoc_api.access.sessions.verification import Sessions
from aoc_api.admission import Admission, RequestPace
from aoc_api.audit.full import check_room
from aoc_api.audit.trail import AuditTrail
from aoc_api.cursors import Cursors
from aoc_api.job_requests import PublishJobs
from aoc_api.problems import invalid, repeated
from aoc_api.ranges import DefaultRange
from aoc_api.rates.throttle import Throttle
from aoc_api.settings import ApiOptions
from aoc_api.sign_in_models import SignInWays
from aoc_api.single_flight import SingleFlight
from aoc_api.webhooks.verification import Verifier
from aoc_common.clock import Clock
from aoc_common.contracts import subjects
from aoc_common.contracts.access import Role, Scope
from aoc_common.contracts.query import grammar, values
from aoc_common.contracts.query.filters import Field
from aoc_common.contracts.query.grammar import Asked
from aoc_common.service.probes import Probe, run_probes
from aoc_common.service.standstill import Standstill
from aoc_common.store.accounts import AccountStore, SourceAccount
from aoc_common.store.api_keys import ApiKeyStore
from aoc_common.store.audit_trail import AuditTrailStore
from aoc_common.store.break_glass import BreakGlassStore
from aoc_common.store.grants import GrantStore
from aoc_common.store.hints import Hints
from aoc_common.store.report_keys import KeyRegister
from aoc_common.store.searches import EventQuery, EventSearch
from aoc_common.store.sign_in_links import SignInLinks
from aoc_common.tenants.administration import TenantAdministration
from aoc_common.tenants.combined_registry import CombinedTenants

_LONGEST = 256
#: Seconds that a server may take for a probe: /health answers within two.
_PROBE_S = 1.5
_RESULT = "|".join(values.RESULTS)
_VALUES = "Several with commas; `*` behind what begins so."


@dataclass(frozen=True, slots=True)
class Services:
    """What the application was wired with.

    `check_tenant`: what a collector finds of a tenant's settings; raises a problem that refuses them.
    `account_reads`, `probe_runs`: shared by concurrent requests. `still`: what stands still, or why that is not known.
    `check_store`: raises `Transient` while the store is known to be away. `verifier`: None when webhooks are off.
    `sign_in`: None without an identity provider.
    """

    search: EventSearch
    hints: Hints
    incomplete_before: Callable[[], Awaitable[datetime | None]]
    default_range: DefaultRange
    accounts: AccountStore
    account_reads: SingleFlight[list[SourceAccount]]
    keys: KeyRegister
    cursors: Cursors
    throttle: Throttle
    check_store: Callable[[], None]
    authenticate: Authenticate
    key_verification: KeyVerification
    sessions: Sessions
    sign_in: SignIn | None
    links: SignInLinks
    api_keys: ApiKeyStore
    ways: SignInWays
    monitoring: Monitoring
    policy: AccessPolicy
    grants: Grants
    grant_store: GrantStore
    privacy: Privacy
    break_glass: BreakGlassStore
    record_change: RecordChange
    audit: AuditTrail
    audit_entries: AuditTrailStore
    options: ApiOptions
    probes: Mapping[str, Probe]
    probe_runs: SingleFlight[dict[str, str]]
    still: Callable[[], tuple[Standstill, ...] | str]
    admission: Admission
    clock: Clock
    publish_jobs: PublishJobs
    registry: CombinedTenants
    tenants: TenantAdministration
    check_tenant: Callable[[Mapping[str, Any]], Awaitable[str]]
    verifier: Verifier | None

    def tenant(self, named: str | None) -> str:
        """The tenant of a request that names this one, or none."""
        return named or self.options.default_tenant

    async def accounts_of(self, tenant: str, now: datetime) -> list[SourceAccount]:
        """The accounts of a tenant's sources."""
        return await self.account_reads(tenant, lambda: self.accounts.accounts(tenant, now))

    async def checks(self, *names: str) -> dict[str, str]:
        """The answers of these probes."""
        probes = {name: self.probes[name] for name in names}
        return await self.probe_runs(names, lambda: run_probes(probes, _PROBE_S))


async def services_of(request: Request) -> Services:
    """The services of this application."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]


async def tenant_of(
    services: ServicesDep,
    tenant: Annotated[
        str | None,
        Query(
            pattern=subjects.TENANT_PATTERN,
            description="Whose events; AOC_API__DEFAULT_TENANT when not given.",
            examples=["contoso"],
        ),
    ] = None,
) -> str:
    """The tenant that a request is about, whether or not its sender may see it."""
    return services.tenant(tenant)


async def can_be_noted(request: Request) -> None:
    """Refuse what could not be noted. For routes that change something and take no principal."""
    check_room(request.scope)


async def principal_of(request: Request) -> Principal:
    """Who sent the request, as `Guard` has verified. Raises a problem when what he does could not be noted."""
    check_room(request.scope)
    principal: Principal = request.state.principal
    return principal


PrincipalDep = Annotated[Principal, Depends(principal_of)]


async def request_pace(request: Request, services: ServicesDep, principal: PrincipalDep) -> AsyncIterator[RequestPace]:
    """The request's pace at the store. Raises a problem when too many are in progress; `Transient` while it is away."""
    services.check_store()
    with services.admission.admitted(principal.id, request.is_disconnected) as pace:
        yield pace


Paced = Annotated[RequestPace, Depends(request_pace, scope="function")]


async def _scope(request: Request, services: Services, principal: Principal, tenant: str, needed: Role) -> Scope:
    """A tenant as the sender of the request may see it. Raises a problem when he lacks the role over it."""
    scope = await services.policy.scope(principal, tenant, needed)
    note_of(request.scope).tenant = scope.tenant
    return scope


def scoped(needed: Role) -> Callable[..., Awaitable[Scope]]:
    """A dependency: the request's tenant as its sender may see it, who needs this role over it."""

    async def scope(
        request: Request, services: ServicesDep, principal: PrincipalDep, tenant: Annotated[str, Depends(tenant_of)]
    ) -> Scope:
        return await _scope(request, services, principal, tenant, needed)

    return declare(scope, Need(needed, "tenant"))


type ScopeOf = Callable[[str | None], Awaitable[Scope]]
"""Of the tenant that the body of a request names, or of the default one: see `scoped`."""


def scoping(needed: Role) -> Callable[..., Awaitable[ScopeOf]]:
    """A dependency as `scoped`, for a request whose body names its tenant."""

    async def scope_of(request: Request, services: ServicesDep, principal: PrincipalDep) -> ScopeOf:
        async def scope(named: str | None) -> Scope:
            return await _scope(request, services, principal, services.tenant(named), needed)

        return scope

    return declare(scope_of, Need(needed, "tenant"))


def named(needed: Role) -> Callable[..., Awaitable[Principal]]:
    """A dependency: the request's sender, who needs this role over the tenant that the path names."""

    async def check(
        request: Request,
        services: ServicesDep,
        principal: PrincipalDep,
        name: Annotated[str, Path(pattern=subjects.TENANT_PATTERN)],
    ) -> Principal:
        await services.policy.role(principal, name, needed)
        note_of(request.scope).tenant = name
        return principal

    return declare(check, Need(needed, "tenant"))


def everywhere(needed: Role) -> Callable[..., Awaitable[Principal]]:
    """A dependency: the request's sender, who needs this role over all tenants."""

    async def check(services: ServicesDep, principal: PrincipalDep) -> Principal:
        services.policy.check_everywhere(principal, needed)
        return principal

    return declare(check, Need(needed, "everything"))


def somewhere(needed: Role) -> Callable[..., Awaitable[Principal]]:
    """A dependency: the request's sender, who needs this role over a tenant at least; the route says over which."""

    async def check(services: ServicesDep, principal: PrincipalDep) -> Principal:
        services.policy.check_somewhere(principal, needed)
        return principal

    return declare(check, Need(needed, "something"))


async def _monitored(request: Request, services: ServicesDep) -> None:
    await services.monitoring.check(request, services.authenticate)


#: A dependency: the request has the monitoring token, or its sender is a reader of all tenants.
monitored = declare(_monitored, Need("reader", "everything"))

ReaderScope = Annotated[Scope, Depends(scoped("reader"))]
AdminScope = Annotated[Scope, Depends(scoped("admin"))]


async def noted(request: Request) -> Note:
    """What the request's entry in the audit trail will say beside what is known of every request."""
    return note_of(request.scope)


Noted = Annotated[Note, Depends(noted)]
Text = Annotated[str | None, Query(min_length=1, max_length=grammar.LONGEST)]


async def asked(
    source: Annotated[Text, Query(description=f"Feed. {_VALUES}", examples=["o365-exchange"])] = None,
    service: Annotated[Text, Query(description=f"Service. {_VALUES}", examples=["exchange"])] = None,
    operation: Annotated[Text, Query(description=f"Operation. {_VALUES}", examples=["New-InboxRule"])] = None,
    result: Annotated[
        Text,
        Query(
            description="How it ended: success, failure, partial, unknown; several with commas.",
            pattern=f"(?i)^({_RESULT})(,({_RESULT}))*$",
            examples=["failure"],
        ),
    ] = None,
    actor: Annotated[
        Text,
        Query(description=f"Who did it, by address, name or id. {_VALUES}", examples=["dana.reyes@contoso.example"]),
    ] = None,
    ip: Annotated[
        Text,
        Query(description="Address, in any spelling, or a network; several with commas.", examples=["203.0.113.0/24"]),
    ] = None,
    correlation_id: Annotated[Text, Query(description="Microsoft's correlation id.")] = None,
    q: Annotated[
        Text,
        Query(
            description="A query (docs/reference/query.md): words, names, addresses or ids, which must all occur; "
            '`"phrases"`, beginnings (`hollan*`), networks, `field:value`, `-this` to leave it out, `this OR that`.',
            examples=["dana invoices -service:sharepoint"],
        ),
    ] = None,
) -> list[Asked]:
    """What the parameters of a request ask for, as they are written."""
    named: list[tuple[str, Field, str | None]] = [
        ("source", "source", source),
        ("service", "service", service),
        ("operation", "operation", operation),
        ("result", "result", result),
        ("actor", "actor", actor),
        ("ip", "ip", ip),
        ("correlation_id", "correlation_id", correlation_id),
        ("q", "text", q),
    ]
    return [(name, field, text) for name, field, text in named if text is not None]


@dataclass(frozen=True, slots=True)
class Filtered:
    """What a request filters by: the query, and the parameters that it was made of."""

    query: EventQuery
    asked: list[Asked]


async def filters(
    request: Request,
    scope: ReaderScope,
    parameters: Annotated[list[Asked], Depends(asked)],
    twins: Annotated[
        Literal["in", "out"],
        Query(description="`out` leaves out events that are second: another event tells of the same action."),
    ] = "in",
    understood: Annotated[
        Literal["any", "no"],
        Query(description="`no`: only events whose records have a shape that no mapper knows."),
    ] = "any",
    start: Annotated[
        datetime | None,
        Query(description="From this time on; UTC when it names no zone.", examples=["2026-11-23T00:00:00Z"]),
    ] = None,
    end: Annotated[datetime | None, Query(description="Before this time.")] = None,
) -> Filtered:
    """The query that a request's parameters describe. Raises a problem that names what is wrong."""
    await refuse_unknown(request)
    begin, until = utc(start), utc(end)
    if begin and until and until <= begin:
        raise invalid("end", "must be after start")
    try:
        where = grammar.clauses(parameters)
    except grammar.QueryError as error:
        raise invalid(error.of, f"at character {error.position + 1}: {error.why}") from None
    if understood == "no":
        where = (*where, values.not_understood())
    query = EventQuery(scope, where=where, twins=twins == "in", start=begin, end=until)
    return Filtered(query, parameters)


Filters = Annotated[Filtered, Depends(filters)]


async def refuse_repeated(request: Request) -> None:
    """Refuse a repeated parameter, unless it is a list: one reader would take the first, another the last."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        route = request.scope["route"]
        lists = {
            parameter.alias
            for dependant in _dependants(route.dependant)
            for parameter in dependant.query_params
            if list in {get_origin(alternative) for alternative in _alternatives(parameter.field_info.annotation)}
        }
        for name in twice:
            if name not in lists:
                raise repeated(name[:_LONGEST])


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    """A route's dependant, and all that it depends on."""
    yield dependant
    for part in dependant.dependencies:
        yield from _dependants(part)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is UnionType else (annotation,)


async def refuse_unknown(request: Request) -> None:
    """Refuse parameters that the route does not have: a misspelt filter must not silently return everything."""
    route = request.scope["route"]
    known = {parameter.alias for dependant in _dependants(route.dependant) for parameter in dependant.query_params}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise invalid(unknown[0], f"no such parameter; there are {', '.join(sorted(known))}")


def utc(moment: datetime | None) -> datetime | None:
    """A time whose zone is UTC when it names none."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)
