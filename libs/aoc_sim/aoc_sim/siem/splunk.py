"""Splunk's HTTP Event Collector: envelopes, channels and acknowledgements.

Envelopes are taken one after the other until one is refused, as Splunk does: those before it stay taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aoc_sim.siem.answering import answered
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.taken import Taken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request


#: Channels, and acknowledgements of each, that are remembered: the newest.
_CHANNELS: Final = 1_000
_ACKS: Final = 10_000


@dataclass
class Channel:
    """Batches of a channel: acknowledgement -> whether Splunk will say that it is indexed. `given`: how many."""

    acks: dict[int, bool] = field(default_factory=dict)
    given: int = 0

    def acknowledgement(self, *, indexed: bool) -> int:
        """The number of the next one."""
        number, self.given = self.given, self.given + 1
        self.acks[number] = indexed
        self.acks.pop(number - _ACKS, None)
        return number


class SplunkReceiver:
    """Takes envelopes that come with its `token`. `acknowledges`: whether that has acknowledgements on."""

    def __init__(
        self,
        faults: RequestFaults | None = None,
        *,
        token: str = "hec-token",  # noqa: S107  # made up
        acknowledges: bool = False,
    ) -> None:
        self.faults = faults or RequestFaults()
        self.taken = Taken()
        self.token = token
        self._acknowledges = acknowledges
        self._channels: dict[str, Channel] = {}

    @property
    def channels(self) -> Mapping[str, int]:
        """Channel -> how many batches came by it. A client has one of its own."""
        return {name: channel.given for name, channel in self._channels.items()}

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route("/services/collector/event", self._events, methods=["POST"]),
            Route("/services/collector/ack", self._acks, methods=["POST"]),
        ]

    async def _events(self, request: Request) -> Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        channel = request.headers.get("X-Splunk-Request-Channel", "")

        async def serve(body: bytes, fault: RequestFault) -> Response:
            return self._take(body, channel, fault)

        return await answered(request, self.faults, self.taken, serve, _busy)

    def _refusal(self, request: Request) -> Response | None:
        given = request.headers.get("Authorization", "")
        if not given:
            return _answer(2, "Token is required", 401)
        if given != f"Splunk {self.token}":
            return _answer(4, "Invalid token", 403)
        if self._acknowledges and not request.headers.get("X-Splunk-Request-Channel"):
            return _answer(10, "Data channel is missing", 400)
        return None

    def _take(self, body: bytes, channel: str, fault: RequestFault) -> Response:
        if not body:
            return _answer(5, "No data", 400)
        number = 0
        for number, envelope in enumerate(_envelopes(body)):
            if not isinstance(envelope, dict) or not envelope.get("event"):
                return _answer(12, "Event field is required", 400, number)
            fields = envelope["fields"]
            key = f"{fields['event_id']}-{fields['event_revision']}"
            if self.faults.poisoned(json.dumps(envelope["event"], ensure_ascii=False)):
                self.taken.refused[key] += 1
                return _answer(6, "Invalid data format", 400, number)
            self.taken.take(key, envelope)
        if not self._acknowledges:
            return _answer(0, "Success", 200)
        ack = self._channel(channel).acknowledgement(indexed=fault is not RequestFault.SILENT)
        return JSONResponse({"text": "Success", "code": 0, "ackId": ack})

    def _channel(self, name: str) -> Channel:
        if name not in self._channels and len(self._channels) >= _CHANNELS:
            del self._channels[next(iter(self._channels))]
        return self._channels.setdefault(name, Channel())

    async def _acks(self, request: Request) -> Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if not self._acknowledges:
            return _answer(14, "ACK is disabled", 400)
        channel = self._channels.get(request.query_params.get("channel", ""), Channel())
        asked = orjson.loads(await request.body())["acks"]
        return JSONResponse({"acks": {str(ack): channel.acks.get(ack, False) for ack in asked}})


def _envelopes(body: bytes) -> Iterator[Any]:
    """Values that follow each other; one that is no JSON is None, and the last."""
    text, position, decoder = body.decode("utf-8", "replace"), 0, json.JSONDecoder()
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except ValueError:
            yield None
            return
        yield value
        while position < len(text) and text[position].isspace():
            position += 1


def _busy() -> Response:
    return _answer(9, "Server is busy", 503)


def _answer(code: int, text: str, status: int, number: int | None = None) -> Response:
    told: dict[str, Any] = {"text": text, "code": code}
    if number is not None:
        told["invalid-event-number"] = number
    return JSONResponse(told, status)
