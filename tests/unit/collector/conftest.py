"""A clock that is moved by hand, a Microsoft made of canned answers, and stores in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import stamina

from activity_feed import BASE, Feed
from aoc_collector.clock_faults import PositionCorrector
from aoc_collector.microsoft.api import Api
from aoc_collector.microsoft.auth import Tokens
from aoc_collector.microsoft.families import families
from aoc_collector.microsoft.pacing import Bucket
from aoc_collector.settings import CollectorSettings, Rate
from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Context
from aoc_common.tenants.tenant import Tenant
from manual_clock import ManualClock
from memory import MemoryBacklog, MemoryBlobRetries, MemoryBlobs, MemoryClockCorrections, MemorySources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_common.contracts.dead_letters import DeadLetter

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


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def waiting(blobs: MemoryBlobs) -> MemoryBlobRetries:
    return MemoryBlobRetries(lambda: blobs.known)


@pytest.fixture
def context(
    microsoft: Microsoft, clock: ManualClock, tenant: Tenant, blobs: MemoryBlobs, waiting: MemoryBlobRetries
) -> Callable[[str], Context]:
    """`context(base)`: what a source is built from, with canned answers behind it."""

    def make(base: str) -> Context:
        client = httpx.AsyncClient(transport=httpx.MockTransport(microsoft))
        api = Api(
            client,
            Tokens(client, clock, attempts=3),
            tenant,
            family=replace(families(CollectorSettings())["graph_audit"], host=lambda _: base),
            bucket=Bucket("graph_audit", Rate(1000, 1), clock),
            attempts=3,
        )
        return Context("contoso", TENANT_ID, api, blobs, waiting, clock, "publisher", 2)

    return make


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
def corrections(backlog: MemoryBacklog, states: MemorySources) -> MemoryClockCorrections:
    return MemoryClockCorrections(backlog, states.states)


@pytest.fixture
def corrector(
    corrections: MemoryClockCorrections, backlog: MemoryBacklog, states: MemorySources, clock: ManualClock
) -> PositionCorrector:
    return PositionCorrector(corrections, backlog, states, clock)


@pytest.fixture
def feed(microsoft):
    """The Management Activity API."""
    microsoft.respond = Feed()
    return microsoft.respond


@pytest.fixture
def exchange(context):
    return SOURCES["o365-exchange"].build(context(BASE))
