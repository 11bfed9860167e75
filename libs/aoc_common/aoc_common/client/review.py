"""What waits for a decision: dead letters, and records in the quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aoc_common.client.operations import operation
from aoc_common.gateway.review import DecisionAccepted, ReviewContent, ReviewCounts, ReviewPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aoc_common.client.connection import Connection
    from aoc_common.gateway.review import DiscardRequest, RetryRequest, ReviewItem

type ReviewState = Literal["open", "retried", "discarded", "expired", "all"]


class ReviewQueue:
    """One of the two. Every method raises `GatewayError`. Of an operation, `{queue}` is which of them."""

    def __init__(self, connection: Connection, queue: Literal["dead-letters", "quarantine"]) -> None:
        self._connection = connection
        self.queue = queue

    @operation("GET", "/api/{queue}")
    async def page(
        self,
        *,
        tenant: str | None = None,
        source: str | None = None,
        service: str | None = None,
        reason: str | None = None,
        state: ReviewState = "open",
        before: str | None = None,
        page_size: int = 50,
    ) -> ReviewPage:
        """What waits, or was decided about, newest first. `before`: `next_before` of the page before."""
        params = {
            "tenant": tenant, "source": source, "service": service, "reason": reason, "state": state, "before": before,
            "page_size": page_size,
        }  # fmt: skip
        return await self._connection.ask(ReviewPage, "GET", f"/api/{self.queue}", params=params)

    async def all(
        self,
        *,
        tenant: str | None = None,
        source: str | None = None,
        service: str | None = None,
        reason: str | None = None,
        state: ReviewState = "open",
    ) -> AsyncIterator[ReviewItem]:
        """All of it."""
        before = None
        while True:
            page = await self.page(
                tenant=tenant, source=source, service=service, reason=reason, state=state, before=before, page_size=500
            )
            for item in page.items:
                yield item
            if (before := page.next_before) is None:
                return

    @operation("GET", "/api/{queue}/counts")
    async def counts(self, *, tenant: str | None = None) -> ReviewCounts:
        """How many there are, by source and by what was decided."""
        return await self._connection.ask(ReviewCounts, "GET", f"/api/{self.queue}/counts", params={"tenant": tenant})

    @operation("GET", "/api/{queue}/content")
    async def content(self, id: str, *, most_bytes: int = 65_536, tenant: str | None = None) -> ReviewContent:  # noqa: A002  # as the parameter is called
        """One with its content."""
        params = {"id": id, "most_bytes": most_bytes, "tenant": tenant}
        return await self._connection.ask(ReviewContent, "GET", f"/api/{self.queue}/content", params=params)

    @operation("POST", "/api/{queue}/retry")
    async def retry(self, request: RetryRequest) -> DecisionAccepted:
        """Publish them again, as they came."""
        return await self._connection.ask(DecisionAccepted, "POST", f"/api/{self.queue}/retry", body=request)

    @operation("POST", "/api/{queue}/discard")
    async def discard(self, request: DiscardRequest) -> DecisionAccepted:
        """Note that they are not needed, and why."""
        return await self._connection.ask(DecisionAccepted, "POST", f"/api/{self.queue}/discard", body=request)
