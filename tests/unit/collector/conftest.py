"""A clock that is moved by hand, a Microsoft made of canned answers, and stores in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stamina
from tests.support.memory import MemoryBacklog, MemoryDoubts, MemoryWaitingBlobs

from activity_feed import BASE, Feed
from aoc_collector.api import Api
from aoc_collector.auth import Tokens
from aoc_collector.clocks import Corrector
from aoc_collector.pacing import Bucket
from aoc_collector.settings import Rate
from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Context
from aoc_collector.tenants import Tenant
from aoc_common.store.ports import SourceState
from manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_common.contracts.letters import DeadLetter

TENANT_ID = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

type Respond = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """Retries without their pauses."""
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
def tenant(monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("CONTOSO", "the-secret")
    return Tenant(name="contoso", tenant_id=TENANT_ID, client_id=TENANT_ID, client_secret="env:CONTOSO")


@dataclass
class Microsoft:
    """Answers requests with `respond` and keeps them. Tokens are `token-1`, `token-2`, ..."""

    respond: Respond = lambda _: httpx.Response(500)
    requests: list[httpx.Request] = field(default_factory=list)
    tokens: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/oauth2/v2.0/token"):
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"token-{self.tokens}", "expires_in": 3600})
        self.requests.append(request)
        return self.respond(request)

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.requests]


@pytest.fixture
def microsoft() -> Microsoft:
    return Microsoft()


@dataclass
class MemoryBlobs:
    """`BlobLedger` in memory."""

    known: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)
    offered: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)

    async def fetched(self, tenant: str, source: str, content_ids: Any) -> set[str]:
        return self.known & set(content_ids)

    async def listed(self, tenant: str, source: str, blobs: Any, at: datetime) -> None:
        self.offered += [blob.content_id for blob in blobs]

    async def mark_fetched(self, tenant: str, source: str, records: Any, slice_id: str, at: datetime) -> None:
        self.known |= {name for name, count in records.items() if count}
        self.empty |= {name for name, count in records.items() if not count}

    async def mark_expired(self, tenant: str, source: str, content_id: str, at: datetime) -> bool:
        if content_id in self.known | self.empty:
            return False
        self.expired.append(content_id)
        return True


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def waiting(blobs: MemoryBlobs) -> MemoryWaitingBlobs:
    return MemoryWaitingBlobs(lambda: blobs.known)


@pytest.fixture
def context(
    microsoft: Microsoft, clock: ManualClock, tenant: Tenant, blobs: MemoryBlobs, waiting: MemoryWaitingBlobs
) -> Callable[[str], Context]:
    """`context(base)`: what a source is built from, with canned answers behind it."""

    def make(base: str) -> Context:
        client = httpx.AsyncClient(transport=httpx.MockTransport(microsoft))
        api = Api(
            client,
            Tokens(client, clock, attempts=3),
            tenant,
            family="graph_audit",
            base=base,
            resource=base,
            bucket=Bucket("graph_audit", Rate(1000, 1), clock),
            attempts=3,
        )
        return Context("contoso", TENANT_ID, api, blobs, waiting, clock, "publisher", 2)

    return make


@dataclass
class MemorySources:
    """`SourceStore` in memory."""

    states: dict[tuple[str, str], SourceState] = field(default_factory=dict)

    async def state(self, tenant: str, source: str) -> SourceState:
        return self.states.get((tenant, source)) or SourceState(tenant, source)

    async def advance(self, tenant: str, source: str, position: datetime, at: datetime) -> None:
        state = await self.state(tenant, source)
        self.states[tenant, source] = replace(
            state,
            watermark=position,
            position=position,
            started_at=state.started_at or at,
            last_success=at,
            last_error=None,
            trouble=None,
            code="",
        )

    async def skip(self, tenant: str, source: str, before: datetime | None, position: datetime, at: datetime) -> None:
        state = await self.state(tenant, source)
        if state.position == before:
            self.states[tenant, source] = replace(state, position=position, started_at=state.started_at or at)

    async def reread(self, tenant: str, source: str, age_s: int, before: datetime | None, until: datetime) -> None:
        state = await self.state(tenant, source)
        if state.reread.get(age_s) == before:
            self.states[tenant, source] = replace(state, reread={**state.reread, age_s: until})

    async def note_error(
        self, tenant: str, source: str, error: str, at: datetime, *, trouble: str = "other", code: str = ""
    ) -> None:
        told = {"last_error": error, "last_error_at": at, "trouble": trouble, "code": code}
        self.states[tenant, source] = replace(await self.state(tenant, source), **told)

    async def note_asked(self, tenant: str, source: str, start: datetime, end: datetime) -> None:
        state = await self.state(tenant, source)
        self.states[tenant, source] = replace(state, asked=(*state.asked, (start, end)))

    async def note_subscribed(self, tenant: str, source: str, at: datetime) -> None:
        self.states[tenant, source] = replace(await self.state(tenant, source), subscribed_at=at)

    async def note_unsubscribed(self, tenant: str, source: str, since: datetime | None) -> None:
        self.states[tenant, source] = replace(await self.state(tenant, source), unsubscribed_since=since)

    async def note_watched(self, tenant: str, throttled: Any) -> None:
        for source, share in throttled.items():
            self.states[tenant, source] = replace(await self.state(tenant, source), throttled=share)

    async def all_states(self, tenant: str | None) -> list[SourceState]:
        return [state for state in self.states.values() if tenant in {None, state.tenant}]


@pytest.fixture
def states() -> MemorySources:
    return MemorySources()


@pytest.fixture
def backlog() -> MemoryBacklog:
    return MemoryBacklog()


@dataclass
class MemoryLetters:
    """`DeadLetterStore` in memory."""

    kept: dict[str, tuple[DeadLetter, int]] = field(default_factory=dict)

    async def put(self, letter: DeadLetter, records: int, page: str) -> bool:
        self.kept[letter.key] = (letter, records)
        return True

    async def copied(self, letter: DeadLetter, sequence: int) -> None:
        raise AssertionError

    async def handled(self, keys: Any, at: datetime) -> None:
        raise AssertionError


@pytest.fixture
def letters() -> MemoryLetters:
    return MemoryLetters()


@pytest.fixture
def doubts(backlog: MemoryBacklog, states: MemorySources) -> MemoryDoubts:
    return MemoryDoubts(backlog, states.states)


@pytest.fixture
def corrector(doubts: MemoryDoubts, backlog: MemoryBacklog, states: MemorySources, clock: ManualClock) -> Corrector:
    return Corrector(doubts, backlog, states, clock)


@pytest.fixture
def feed(microsoft):
    """The Management Activity API."""
    microsoft.respond = Feed()
    return microsoft.respond


@pytest.fixture
def exchange(context):
    return SOURCES["o365-exchange"].build(context(BASE))
