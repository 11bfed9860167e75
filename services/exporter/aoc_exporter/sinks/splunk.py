"""Splunk by its HTTP Event Collector.

A 200 means that Splunk accepted a batch, not that it has indexed it. With `acknowledgements` (Splunk Enterprise, a
setting of the token) a batch counts once Splunk says that it is indexed; until then it is asked, and a batch of which
Splunk never says so is sent again. Acknowledgements belong to a channel and, behind a load balancer, to one indexer:
the client keeps cookies, and the balancer needs sticky sessions.

A 200 whose body is no answer of the collector comes from something before it, such as a proxy that wants a sign-in: it
settles nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal
from uuid import uuid4

import orjson
from pydantic import Field, SecretStr

from aoc_common import http
from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import RefusedWhole, Unusable, one_line
from aoc_common.outbound.web import HttpOptions, post
from aoc_common.settings import Frozen
from aoc_exporter.delivery.port import Limits
from aoc_exporter.framing.hec import HecFields, envelope
from aoc_exporter.outcome import Accepted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.clock import Clock
    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

_BUSY: Final = 9
#: Codes of answers with status 400 that are about an event: no data, invalid format, no event, a blank one, a field.
_ABOUT_EVENTS: Final = frozenset({"5", "6", "12", "13", "15"})


class SplunkOptions(Frozen):
    """A Splunk."""

    kind: Literal["splunk"] = "splunk"
    url: str = Field(description="Address of the collector, e.g. https://splunk.example:8088.")
    token: SecretStr = Field(description="Token of the collector.")
    index: str | None = Field(None, description="Index, with {tenant} and {source}; without one the token's own.")
    sourcetype: str | None = Field(None, description="Instead of the usual sourcetype of the format.")
    host: str = Field("aoc", description="What Splunk shows as host.")
    acknowledgements: bool = Field(False, description="Wait until Splunk has indexed a batch.")
    acknowledge_every_s: float = Field(2.0, gt=0, description="How often Splunk is asked whether it has.")
    acknowledge_within_s: float = Field(120.0, gt=0, description="After that the batch is sent again.")
    http: HttpOptions = HttpOptions()


class Splunk:
    """The sink."""

    idempotent: Final = False
    limits: Final = Limits(items=1000, batch_bytes=4_000_000, entry_bytes=900_000)

    def __init__(self, options: SplunkOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._client = options.http.client()
        self._base = options.url.rstrip("/")
        self._channel = str(uuid4())
        self._remote = http.Remote("splunk", _error, _throttles)

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says. Splunk cannot tell a repeat apart."""
        body = self.framed(items)
        try:
            answer = await post(
                self._client, f"{self._base}/services/collector/event", self._remote, body, self._headers()
            )
        except RefusedWhole as error:
            raise _about(error) from None
        _check(answer.body)
        if self._options.acknowledgements:
            await self._acknowledged(_ack_id(answer.body))
        return [Accepted()] * len(items)

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return b"".join(envelope(item, self._fields(item)) for item in items)

    async def close(self) -> None:
        """As the port says."""
        await self._client.aclose()

    def _fields(self, item: Item) -> HecFields:
        options, entry = self._options, item.entry
        index = options.index and options.index.replace("{tenant}", entry.tenant).replace("{source}", entry.source)
        return HecFields(options.host, index, options.sourcetype)

    def _headers(self) -> Mapping[str, str]:
        headers = {
            "Authorization": f"Splunk {self._options.token.get_secret_value()}",
            "Content-Type": "application/json",
        }
        return headers | ({"X-Splunk-Request-Channel": self._channel} if self._options.acknowledgements else {})

    async def _acknowledged(self, ack: int) -> None:
        """Wait until Splunk has indexed a batch. Raises `Unreachable` when it does not say so in time."""
        address = f"{self._base}/services/collector/ack?channel={self._channel}"
        question = orjson.dumps({"acks": [ack]})
        deadline = self._clock.monotonic() + self._options.acknowledge_within_s
        while self._clock.monotonic() < deadline:
            await self._clock.sleep(self._options.acknowledge_every_s)
            try:
                async with asyncio.timeout(self._options.acknowledge_within_s):
                    answer = await post(self._client, address, self._remote, question, self._headers())
                told = orjson.loads(answer.body)["acks"]
                if told.get(str(ack)) is True:
                    return
            except (Unreachable, TimeoutError):
                continue
            except (ValueError, KeyError, TypeError, AttributeError):
                raise Unusable("splunk: an answer about acknowledgements that is none") from None
        raise Unreachable(f"splunk: batch {ack} was not acknowledged in {self._options.acknowledge_within_s:g} s")


def _check(body: bytes) -> None:
    """Whether it says that everything was taken. Raises `Unreachable`. Collectors of OpenTelemetry said "OK" once."""
    try:
        told = orjson.loads(body)
        if told == "OK" or told["code"] == 0:
            return
        words = f"with the code {told['code']} {told.get('text', '')}"
    except (ValueError, KeyError, TypeError):
        words = "that is no answer of its event collector"
    raise Unreachable(one_line(f"splunk: a success {words}"))


def _ack_id(body: bytes) -> int:
    try:
        return int(orjson.loads(body)["ackId"])
    except (ValueError, KeyError, TypeError):
        raise Unusable("splunk: no acknowledgement is offered: it is off for this token") from None


def _error(body: bytes) -> tuple[str, str]:
    """The code, with the number of the event that it is about behind a colon, and the text."""
    try:
        told = orjson.loads(body)
        at = told.get("invalid-event-number")
        return f"{told['code']}" + (f":{at}" if isinstance(at, int) else ""), str(told.get("text", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _throttles(status: int, code: str) -> bool:
    return http.too_many_requests(status, code) or code == str(_BUSY)


def _about(error: RefusedWhole) -> RefusedWhole | Unusable:
    """What a refusal means: of an event, which the code may name, or of us."""
    code, _, at = error.code.partition(":")
    if code and code not in _ABOUT_EVENTS:
        return Unusable(str(error))
    # Events before the one that is refused may be indexed.
    return RefusedWhole(str(error), at=int(at) if at.isdigit() else None, maybe_taken=at.isdigit())
