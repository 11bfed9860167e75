"""What routes depend on: services, the tenant, who asks, and the pace of a request.

Every one is `async`: FastAPI runs any other in a thread, which costs more than the work, and is not the thread of the
audit trail's spool.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request

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
from aoc_api.alert_notifications import AlertNotifications
from aoc_api.alert_work import AlertWork
from aoc_api.audit.full import check_room
from aoc_api.audit.trail import AuditTrail
from aoc_api.bulk_tokens import BulkTokens
from aoc_api.cursors import Cursors
from aoc_api.export.stores import ExportStores
from aoc_api.job_requests import PublishJobs
from aoc_api.ranges import DefaultRange
from aoc_api.rates.throttle import Throttle
from aoc_api.rule_work import RuleWork
from aoc_api.settings import ApiOptions
from aoc_api.single_flight import SingleFlight
from aoc_api.sinks import Sinks
from aoc_api.tail.live_tail import LiveTail
from aoc_api.ticket_systems import TicketSystem, TicketWork
from aoc_api.webhooks.verification import Verifier
from aoc_common.clock import Clock
from aoc_common.contracts import subjects
from aoc_common.contracts.access import Role, Scope
from aoc_common.gateway.sign_in import SignInWays
from aoc_common.service.probes import Probe, run_probes
from aoc_common.service.standstill import Standstill
from aoc_common.store.accounts import AccountStore, SourceAccount
from aoc_common.store.api_keys import ApiKeyStore
from aoc_common.store.audit_trail import AuditTrailStore
from aoc_common.store.break_glass import BreakGlassStore
from aoc_common.store.directory_histories import DirectoryHistories
from aoc_common.store.event_counts import EventCounts
from aoc_common.store.event_notes import EventNotes
from aoc_common.store.grants import GrantStore
from aoc_common.store.hints import Hints
from aoc_common.store.report_keys import KeyRegister
from aoc_common.store.review_reading import ReviewReading
from aoc_common.store.saved_searches import SavedSearchStore
from aoc_common.store.searches import EventSearch
from aoc_common.store.sign_in_links import SignInLinks
from aoc_common.tenants.administration import TenantAdministration
from aoc_common.tenants.combined_registry import CombinedTenants

#: Seconds that a server may take for a probe: /health answers within two.
_PROBE_S = 1.5


@dataclass(frozen=True, slots=True)
class Services:
    """What the application was wired with.

    `check_tenant`: what a collector finds of a tenant's settings; raises a problem that refuses them.
    `account_reads`, `probe_runs`: shared by concurrent requests. `still`: what stands still, or why that is not known.
    `review`: `dead-letters` and `quarantine`. `check_store`: raises `Transient` while the store is known to be away.
    `reauthenticate`: of a request whose answer goes on, which is no use of a session.
    `verifier`: None when webhooks are off. `sign_in`: None without an identity provider.
    """

    search: EventSearch
    exports: ExportStores
    counts: EventCounts
    tail: LiveTail
    hints: Hints
    directory: DirectoryHistories
    saved_searches: SavedSearchStore
    incomplete_before: Callable[[], Awaitable[datetime | None]]
    default_range: DefaultRange
    accounts: AccountStore
    account_reads: SingleFlight[list[SourceAccount]]
    keys: KeyRegister
    cursors: Cursors
    throttle: Throttle
    check_store: Callable[[], None]
    authenticate: Authenticate
    reauthenticate: Authenticate
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
    review: Mapping[str, ReviewReading]
    record_change: RecordChange
    notes: EventNotes
    alerts: AlertWork
    tickets: TicketWork
    ticket_systems: Mapping[str, TicketSystem]
    rules: RuleWork
    bulk_tokens: BulkTokens
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
    sinks: Sinks
    notifications: AlertNotifications
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
        name: Annotated[str, Path(pattern=subjects.TENANT_PATTERN, description="Its short name.")],
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
AnalystScope = Annotated[Scope, Depends(scoped("analyst"))]
AdminScope = Annotated[Scope, Depends(scoped("admin"))]


async def noted(request: Request) -> Note:
    """What the request's entry in the audit trail will say beside what is known of every request."""
    return note_of(request.scope)


Noted = Annotated[Note, Depends(noted)]
