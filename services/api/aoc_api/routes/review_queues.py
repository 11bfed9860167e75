"""Dead letters and the quarantine: listed, shown, counted, retried and discarded, both alike."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from itertools import batched
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query

from aoc_api import problems
from aoc_api.access.note import Note
from aoc_api.access.principal import Principal
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import Noted, PrincipalDep, ReaderScope, ScopeOf, Services, ServicesDep, request_pace, scoping
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY
from aoc_common.contracts.access import Scope
from aoc_common.contracts.jobs import MOST_ITEMS, DecisionJob
from aoc_common.errors import NotFound, Transient
from aoc_common.gateway.review import (
    DecisionAccepted,
    DiscardRequest,
    ItemId,
    LeftItem,
    RetryRequest,
    ReviewChoice,
    ReviewContent,
    ReviewCount,
    ReviewCounts,
    ReviewItem,
    ReviewPage,
)
from aoc_common.review.deciding import decide, needs_no_retry
from aoc_common.store.review_queues import Item, ItemState, Selection
from aoc_common.telemetry import logs

_log = logs.get(__name__)

#: Bytes of a content in one answer.
_MOST_BYTES: Final = 1024 * 1024
_HIDDEN: Final = "A privacy rule of the tenant hides something from you, and a reason can quote what it hides."
_NAME: Final = 256

type Queue = Literal["dead-letters", "quarantine"]

Before = Annotated[str | None, Query(max_length=2_000, description="`next_before` of the page before.")]
Source = Annotated[str | None, Query(min_length=1, max_length=64, description="Only of this feed.")]
Service = Annotated[str | None, Query(min_length=1, max_length=64, description="Only what this service gave up.")]
Reason = Annotated[str | None, Query(min_length=1, max_length=200, description="Only whose reason holds this text.")]
State = Annotated[
    Literal["open", "retried", "discarded", "expired", "all"], Query(description="What was decided about them.")
]


def _routes(queue: Queue) -> APIRouter:
    """The routes of one of the two."""
    router = APIRouter(
        prefix=f"/api/{queue}",
        tags=["operations"],
        route_class=StrictRoute,
        dependencies=[Depends(refuse_unknown), Depends(request_pace, scope="function")],
    )
    reads = problems.responses("repeated", "forbidden", "invalid-parameters", *BUSY)
    changes = problems.responses(
        "bad-request", "repeated", "forbidden", "too-slow", "too-large", "invalid-parameters", "not-now", *BUSY
    )

    @router.get("", response_model=ReviewPage, responses=reads)
    @audited(f"{queue}.list", "read")
    async def list_items(
        services: ServicesDep,
        scope: ReaderScope,
        note: Noted,
        source: Source = None,
        service: Service = None,
        reason: Reason = None,
        state: State = "open",
        before: Before = None,
        page_size: Annotated[int, Query(ge=1, le=500, description="Items a page.")] = 50,
    ) -> ReviewPage:
        """What waits for a decision, or was decided about, newest first."""
        _check_reason(scope, reason, "query")
        chosen_state = None if state == "all" else ItemState(state)
        place = None if before is None else _place(before)
        selection = Selection(scope.tenant, source, service, reason, chosen_state, (), page_size + 1, place)
        found = await services.review[queue].find(selection)
        shown, now = found[:page_size], services.clock.now()
        note.rows = len(shown)
        return ReviewPage(
            items=[ReviewItem.of(item, now, withheld=bool(scope.hidden)) for item in shown],
            next_before=_cursor(shown[-1]) if len(found) > page_size else None,
        )

    @router.get("/counts", response_model=ReviewCounts, responses=reads)
    @audited(f"{queue}.count", "read")
    async def count_items(services: ServicesDep, scope: ReaderScope, note: Noted) -> ReviewCounts:
        """How many there are, by source and by what was decided."""
        counts = await services.review[queue].counts(scope.tenant)
        note.rows = len(counts)
        return ReviewCounts(
            tenant=scope.tenant,
            open=sum(count.items for count in counts if count.state is ItemState.OPEN),
            counts=[ReviewCount.model_validate(count, from_attributes=True) for count in counts],
        )

    @router.get("/content", response_model=ReviewContent, responses=reads | problems.responses("not-found"))
    @audited(f"{queue}.read", "read")
    async def read_item(
        services: ServicesDep,
        scope: ReaderScope,
        note: Noted,
        id: Annotated[ItemId, Query(description="Its id, as the list shows it.")],  # noqa: A002  # of the parameter
        most_bytes: Annotated[int, Query(ge=1, le=_MOST_BYTES, description="How much of the content to show.")] = 64
        * 1024,
    ) -> ReviewContent:
        """One with its content: a message, or a record, as it came. From whom something is hidden, it is withheld."""
        note.about = id
        store = services.review[queue]
        found = await store.find(Selection(scope.tenant, state=None, keys=(id,)))
        if not found:
            raise NotFound("There is no such item in this tenant.")
        note.rows = 1
        withheld = bool(scope.hidden)
        content = None if withheld else await store.content(id, scope.tenant)
        return ReviewContent(
            item=ReviewItem.of(found[0], services.clock.now(), withheld=withheld),
            headers={} if withheld else dict(found[0].headers),
            content=None if content is None else content[:most_bytes].decode("utf-8", "replace"),
            whole=content is not None and len(content) <= most_bytes,
        )

    @router.post("/retry", status_code=202, response_model=DecisionAccepted, responses=changes)
    @audited(f"{queue}.retry", "change")
    async def retry_items(
        request: RetryRequest,
        services: ServicesDep,
        principal: PrincipalDep,
        scope_of: Annotated[ScopeOf, Depends(scoping("admin"))],
        note: Noted,
    ) -> DecisionAccepted:
        """Publish them again, as they came. What was stored already is not stored twice.

        Those that are on their way already, or whose event is stored, are passed over unless their ids are given.
        """
        scope = await scope_of(request.tenant)
        return await _asked(services, queue, scope, request, principal, note, "")

    @router.post("/discard", status_code=202, response_model=DecisionAccepted, responses=changes)
    @audited(f"{queue}.discard", "delete")
    async def discard_items(
        request: DiscardRequest,
        services: ServicesDep,
        principal: PrincipalDep,
        scope_of: Annotated[ScopeOf, Depends(scoping("admin"))],
        note: Noted,
    ) -> DecisionAccepted:
        """Note that they are not needed, who says so and why. They stay on record, and are counted."""
        scope = await scope_of(request.tenant)
        return await _asked(services, queue, scope, request, principal, note, request.why.strip())

    return router


async def _asked(
    services: Services,
    queue: Queue,
    scope: Scope,
    request: ReviewChoice,
    principal: Principal,
    note: Note,
    why: str,
) -> DecisionAccepted:
    """Ask the collector for what was decided; `why`: of what is discarded, empty for a retry."""
    note.about = "; ".join(filter(None, (_chosen_by(request), why)))
    _check_reason(scope, request.reason, "body")
    now, keys = services.clock.now(), list[str]()

    async def choose(item: Item) -> str | None:
        keys.append(item.key)
        return None

    selection = Selection(
        scope.tenant, request.source, request.service, request.reason, keys=tuple(request.ids), limit=request.limit
    )
    skip = (lambda _: False) if why else (lambda item: needs_no_retry(item, now))
    outcome = await decide(services.review[queue], selection, choose, skip)
    jobs = [
        DecisionJob(
            tenant=scope.tenant,
            queue=queue,
            decision="discard" if why else "retry",
            keys=part,
            asked_at=now.astimezone(UTC).replace(microsecond=0),
            who=principal.name[:_NAME] or principal.id[:_NAME],
            why=why,
        )
        for part in batched(keys, MOST_ITEMS)
    ]
    try:
        await services.publish_jobs(jobs)
    except Transient as error:
        _log.warning("job.unpublished", tenant=scope.tenant, jobs=len(jobs), error=str(error))
        raise problems.not_now("The bus does not answer; ask again, nothing is done twice.") from error
    note.rows = len(keys)
    return DecisionAccepted(
        tenant=scope.tenant,
        chosen=outcome.chosen,
        asked=len(keys),
        left=[LeftItem(id=key, why=reason) for key, reason in outcome.left.items()],
    )


def _chosen_by(request: ReviewChoice) -> str:
    """Which items were chosen, in words."""
    named = {name: getattr(request, name) for name in ("source", "service", "reason") if getattr(request, name)}
    words = [f"{name} {value}" for name, value in named.items()] or ([] if request.ids else ["all that are open"])
    return ", ".join([*words, *request.ids])


def _check_reason(scope: Scope, reason: str | None, location: str) -> None:
    """Refuse a search of reasons to whom something is hidden from."""
    if reason is not None and scope.hidden:
        raise problems.invalid("reason", _HIDDEN, location)


def _cursor(item: Item) -> str:
    return urlsafe_b64encode(f"{item.at.astimezone(UTC).isoformat()} {item.key}".encode("utf-8", "replace")).decode()


def _place(before: str) -> tuple[datetime, str]:
    """Time and key of the item that a page goes on after. Raises a problem for what is no cursor of ours."""
    try:
        moment, blank, key = urlsafe_b64decode(before.encode("ascii")).decode().partition(" ")
        at = datetime.fromisoformat(moment)
    except ValueError:
        blank = ""
    if not blank or at.tzinfo is None:
        raise problems.invalid("before", "is no `next_before` of this gateway")
    return at, key


dead_letters = _routes("dead-letters")
quarantine = _routes("quarantine")
