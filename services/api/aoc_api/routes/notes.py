"""Tags and comments: what analysts note on events."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Path, Query

from aoc_api import problems
from aoc_api.audit.acts import audited
from aoc_api.bodies import StrictRoute
from aoc_api.deps import AnalystScope, Noted, Paced, PrincipalDep, ReaderScope, ServicesDep
from aoc_api.event_lookup import event_of
from aoc_api.filters import AnalystFilters
from aoc_api.parameters import refuse_unknown
from aoc_api.problems import BUSY, Problem
from aoc_api.routes.events import bound
from aoc_common.contracts.access import Scope
from aoc_common.contracts.notes import MOST_TAGS, Comment
from aoc_common.contracts.privacy.texts import redacted_texts
from aoc_common.errors import NotFound
from aoc_common.gateway.notes import BulkTagged, BulkTags, CommentList, CommentText, CommentView, Tag, TagList
from aoc_common.store.event_notes import TagChange, TooManyNotes
from aoc_common.store.pace import Pace
from aoc_common.store.searches import EventQuery, EventSearch

router = APIRouter(prefix="/api/events", tags=["notes"], route_class=StrictRoute)

#: Events whose tags are changed by one request.
MOST_AT_ONCE: Final = 10_000
_PAGE: Final = 500
_CHANGES: Final = problems.responses(
    "bad-request", "repeated", "forbidden", "not-found", "too-slow", "too-large", "invalid-parameters", "notes-full",
    "unavailable",
)  # fmt: skip
_READS: Final = problems.responses("repeated", "forbidden", "not-found", "invalid-parameters", "unavailable")
_ALONE: Final = [Depends(refuse_unknown)]

EventId = Annotated[UUID, Path(description="Event id.")]
CommentId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="Comment id.")]


@router.get("/{event_id}/tags", response_model=TagList, dependencies=_ALONE, responses=_READS)
@audited("tags.list", "read")
async def get_tags(services: ServicesDep, scope: ReaderScope, event_id: EventId) -> TagList:
    """The tags of an event."""
    event = await event_of(services.search, scope, event_id)
    return TagList.model_construct(tags=list(event.note_tags))


@router.put("/{event_id}/tags", response_model=TagList, dependencies=_ALONE, responses=_CHANGES)
@audited("tags.replace", "change")
async def put_tags(
    services: ServicesDep, scope: AnalystScope, note: Noted, event_id: EventId, body: TagList
) -> TagList:
    """Give an event these tags, and no others."""
    note.about = f"only {_named(body.tags)}"
    return await _tagged(services, scope, event_id, TagChange(add=frozenset(body.tags), replace=True))


@router.post("/{event_id}/tags", response_model=TagList, dependencies=_ALONE, responses=_CHANGES)
@audited("tags.add", "change")
async def post_tags(
    services: ServicesDep, scope: AnalystScope, note: Noted, event_id: EventId, body: TagList
) -> TagList:
    """Add tags to those that an event has."""
    note.about = f"add {_named(body.tags)}"
    return await _tagged(services, scope, event_id, TagChange(add=frozenset(body.tags)))


@router.delete("/{event_id}/tags", response_model=TagList, dependencies=_ALONE, responses=_CHANGES)
@audited("tags.remove", "change")
async def delete_tags(
    services: ServicesDep,
    scope: AnalystScope,
    note: Noted,
    event_id: EventId,
    tag: Annotated[list[Tag], Query(min_length=1, max_length=MOST_TAGS, description="Tags to remove.")],
) -> TagList:
    """Remove tags; those that the event does not have are none of it already."""
    note.about = f"remove {_named(tag)}"
    return await _tagged(services, scope, event_id, TagChange(remove=frozenset(tag)))


@router.get("/{event_id}/comments", response_model=CommentList, dependencies=_ALONE, responses=_READS)
@audited("comments.list", "read")
async def get_comments(services: ServicesDep, scope: ReaderScope, note: Noted, event_id: EventId) -> CommentList:
    """The comments on an event."""
    await event_of(services.search, scope, event_id)
    comments = (await services.notes.get(scope.tenant, event_id)).comments
    texts = [comment.text for comment in comments]
    if scope.hidden.fields and comments:
        # Who wrote them may have seen what is hidden from who reads them.
        whole = await event_of(
            services.search, replace(scope, hidden=replace(scope.hidden, fields=frozenset())), event_id
        )
        texts = redacted_texts(whole, texts, scope.hidden.fields)
    note.rows = len(comments)
    items = [CommentView.of(comment, text) for comment, text in zip(comments, texts, strict=True)]
    return CommentList.model_construct(items=items)


@router.post(
    "/{event_id}/comments", status_code=201, response_model=CommentView, dependencies=_ALONE, responses=_CHANGES
)
@audited("comments.add", "create")
async def post_comment(
    services: ServicesDep,
    scope: AnalystScope,
    principal: PrincipalDep,
    note: Noted,
    event_id: EventId,
    body: CommentText,
) -> CommentView:
    """Comment on an event."""
    await event_of(services.search, scope, event_id)
    comment = Comment(uuid4().hex, principal.id, principal.name, services.clock.now(), body.text)
    note.about = f"comment {comment.id}"
    try:
        await services.notes.comment(scope.tenant, event_id, comment)
    except TooManyNotes as error:
        raise Problem("notes-full", f"Not added: {error}.") from None
    return CommentView.of(comment)


@router.put("/{event_id}/comments/{comment_id}", response_model=CommentView, dependencies=_ALONE, responses=_CHANGES)
@audited("comments.edit", "change")
async def put_comment(
    services: ServicesDep,
    scope: AnalystScope,
    principal: PrincipalDep,
    note: Noted,
    event_id: EventId,
    comment_id: CommentId,
    body: CommentText,
) -> CommentView:
    """Change the text of a comment of your own."""
    note.about = f"comment {comment_id}"
    comment = await _comment(services, scope, event_id, comment_id)
    if comment.author != principal.id:
        raise problems.forbidden("Only who wrote a comment changes it.")
    try:
        edited = await services.notes.edit(scope.tenant, event_id, comment_id, body.text, services.clock.now())
    except NotFound as error:
        raise _absent(error) from None
    return CommentView.of(edited)


@router.delete("/{event_id}/comments/{comment_id}", status_code=204, dependencies=_ALONE, responses=_CHANGES)
@audited("comments.remove", "delete")
async def delete_comment(
    services: ServicesDep,
    scope: AnalystScope,
    principal: PrincipalDep,
    note: Noted,
    event_id: EventId,
    comment_id: CommentId,
) -> None:
    """Remove a comment: one of your own, or any as an administrator of the tenant."""
    comment = await _comment(services, scope, event_id, comment_id)
    note.about = f"comment {comment_id} of {comment.author}"
    if comment.author != principal.id:
        await services.policy.role(principal, scope.tenant, "admin")
    try:
        await services.notes.remove(scope.tenant, event_id, comment_id)
    except NotFound as error:
        raise _absent(error) from None


@router.post(
    "/bulk-tags",
    response_model=BulkTagged,
    responses=problems.responses(
        "bad-request", "repeated", "too-slow", "too-large", "invalid-parameters", "bulk-changed", *BUSY
    ),
)
@audited("tags.bulk", "change")
async def bulk_tags(
    filters: AnalystFilters,
    services: ServicesDep,
    principal: PrincipalDep,
    paced: Paced,
    note: Noted,
    body: BulkTags,
) -> BulkTagged:
    """Change the tags of all events of a search, 10,000 at most. Without a token they are only counted.

    The answer to the first request has the count, and a token: the same request with it changes them, unless the number
    of events that match differs by now by more than ten, or one of a hundred.
    """
    note.about = f"add {_named(body.add)}; remove {_named(body.remove)}"
    change: dict[str, Any] = {
        "query": bound(filters.query),
        "add": sorted(body.add),
        "remove": sorted(body.remove),
        "principal": principal.id,
    }
    found = await _ids(services.search, filters.query, paced)
    if body.token is None:
        note.about = f"only counted: {note.about}"
        return BulkTagged(count=len(found), token=services.bulk_tokens.make(len(found), change), changed=None, full=[])
    services.bulk_tokens.check(body.token, len(found), change)
    tags = TagChange(frozenset(body.add), frozenset(body.remove))
    tagged = await services.notes.tag(filters.query.tenant, found, tags)
    note.rows = tagged.changed
    return BulkTagged(
        count=len(found), token=None, changed=tagged.changed, full=[str(one) for one in tagged.full[:100]]
    )


async def _ids(search: EventSearch, query: EventQuery, pace: Pace) -> list[UUID]:
    """The ids of all events that match. Raises a problem when they are too many, or not found in time."""
    found: list[UUID] = []
    while True:
        page = await search.search(replace(query, limit=_PAGE), pace)
        found += [event.id for event in page.events]
        if len(found) > MOST_AT_ONCE:
            raise problems.invalid("q", f"more than {MOST_AT_ONCE:,} events match; narrow the time or the filters")
        if page.searched_to is not None:
            raise problems.invalid("start", "the search takes too long; narrow the time or the filters")
        if not page.more:
            return found
        query = replace(query, before=page.events[-1].id)


async def _tagged(services: ServicesDep, scope: Scope, event_id: UUID, change: TagChange) -> TagList:
    await event_of(services.search, scope, event_id)
    tagged = await services.notes.tag(scope.tenant, [event_id], change)
    if tagged.full:
        raise Problem("notes-full", f"Not added: the event would have more than {MOST_TAGS} tags.")
    return TagList.model_construct(tags=list((await services.notes.get(scope.tenant, event_id)).tags))


async def _comment(services: ServicesDep, scope: Scope, event_id: UUID, comment_id: str) -> Comment:
    await event_of(services.search, scope, event_id)
    notes = await services.notes.get(scope.tenant, event_id)
    for comment in notes.comments:
        if comment.id == comment_id:
            return comment
    raise _absent(NotFound(f"the event has no comment {comment_id}"))


def _absent(error: NotFound) -> Problem:
    return Problem("not-found", f"Nothing is changed: {error}.")


def _named(tags: list[str]) -> str:
    return ", ".join(sorted(tags)) or "none"
