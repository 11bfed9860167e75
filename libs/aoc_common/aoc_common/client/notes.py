"""What people note about events: tags and comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack
from urllib.parse import quote

from aoc_common.client.operations import operation
from aoc_common.gateway.notes import BulkTagged, CommentList, CommentText, CommentView, TagList

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from aoc_common.client.connection import Connection
    from aoc_common.client.filters import Filters
    from aoc_common.gateway.notes import BulkTags

_TAGS = "/api/events/{event_id}/tags"
_COMMENTS = "/api/events/{event_id}/comments"


class Notes:
    """Tags and comments. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", _TAGS)
    async def tags(self, event_id: UUID | str, *, tenant: str | None = None) -> TagList:
        """What an event is tagged with."""
        return await self._connection.ask(TagList, "GET", _path(event_id, "tags"), params={"tenant": tenant})

    @operation("PUT", _TAGS)
    async def set_tags(self, event_id: UUID | str, request: TagList, *, tenant: str | None = None) -> TagList:
        """Give it these tags, and no others."""
        params = {"tenant": tenant}
        return await self._connection.ask(TagList, "PUT", _path(event_id, "tags"), params=params, body=request)

    @operation("POST", _TAGS)
    async def add_tags(self, event_id: UUID | str, request: TagList, *, tenant: str | None = None) -> TagList:
        """Give it these tags, too."""
        params = {"tenant": tenant}
        return await self._connection.ask(TagList, "POST", _path(event_id, "tags"), params=params, body=request)

    @operation("DELETE", _TAGS)
    async def remove_tags(self, event_id: UUID | str, *, tag: Sequence[str], tenant: str | None = None) -> TagList:
        """Take these tags off it."""
        params = {"tag": list(tag), "tenant": tenant}
        return await self._connection.ask(TagList, "DELETE", _path(event_id, "tags"), params=params)

    @operation("POST", "/api/events/bulk-tags")
    async def bulk_tags(self, request: BulkTags, **filters: Unpack[Filters]) -> BulkTagged:
        """Tag all events of a search: first they are counted, and then, with the `token` of that answer, tagged."""
        return await self._connection.ask(BulkTagged, "POST", "/api/events/bulk-tags", params=filters, body=request)

    @operation("GET", _COMMENTS)
    async def comments(self, event_id: UUID | str, *, tenant: str | None = None) -> CommentList:
        """What people wrote about an event."""
        return await self._connection.ask(CommentList, "GET", _path(event_id, "comments"), params={"tenant": tenant})

    @operation("POST", _COMMENTS)
    async def comment(self, event_id: UUID | str, text: str, *, tenant: str | None = None) -> CommentView:
        """Write something about it."""
        path, params = _path(event_id, "comments"), {"tenant": tenant}
        return await self._connection.ask(CommentView, "POST", path, params=params, body=CommentText(text=text))

    @operation("PUT", f"{_COMMENTS}/{{comment_id}}")
    async def edit_comment(
        self, event_id: UUID | str, comment_id: str, text: str, *, tenant: str | None = None
    ) -> CommentView:
        """Change a comment of one's own."""
        path, params = _comment(event_id, comment_id), {"tenant": tenant}
        return await self._connection.ask(CommentView, "PUT", path, params=params, body=CommentText(text=text))

    @operation("DELETE", f"{_COMMENTS}/{{comment_id}}")
    async def remove_comment(self, event_id: UUID | str, comment_id: str, *, tenant: str | None = None) -> None:
        """Remove a comment."""
        await self._connection.send("DELETE", _comment(event_id, comment_id), params={"tenant": tenant})


def _path(event_id: UUID | str, what: str) -> str:
    return f"/api/events/{event_id}/{what}"


def _comment(event_id: UUID | str, comment_id: str) -> str:
    return f"{_path(event_id, 'comments')}/{quote(comment_id, safe='')}"
