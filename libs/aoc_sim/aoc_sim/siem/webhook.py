"""A receiver of webhooks that checks their signature (Standard Webhooks) and knows messages by their id."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING, Final

import orjson
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aoc_sim.siem.answering import answered
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.taken import Taken

if TYPE_CHECKING:
    from starlette.requests import Request


#: Messages that are remembered, the newest.
_REMEMBERED: Final = 100_000


class WebhookReceiver:
    """Takes messages that are signed; one that came before is answered 200 and not taken again."""

    def __init__(self, secret: str, faults: RequestFaults | None = None) -> None:
        self.faults = faults or RequestFaults()
        self.taken = Taken()
        self.messages: dict[str, None] = {}
        self._key = base64.b64decode(secret.removeprefix("whsec_"))

    def routes(self) -> list[Route]:
        """Its path."""
        return [Route("/hook", self._hook, methods=["POST"])]

    async def _hook(self, request: Request) -> Response:
        headers = request.headers
        identity = headers.get("webhook-id", "")
        signed = f"{identity}.{headers.get('webhook-timestamp', '')}.".encode() + await request.body()
        expected = "v1," + base64.b64encode(hmac.digest(self._key, signed, "sha256")).decode()
        if not hmac.compare_digest(expected, headers.get("webhook-signature", "")):
            return PlainTextResponse("no valid signature", 401)

        async def serve(body: bytes, fault: RequestFault) -> Response:
            del fault
            return self._take(identity, body)

        return await answered(request, self.faults, self.taken, serve)

    def _take(self, identity: str, body: bytes) -> Response:
        try:
            entries = orjson.loads(body)["data"]
            keys = [f"{entry['aoc']['id']}-{entry['aoc']['revision']}" for entry in entries]
        except (ValueError, KeyError, TypeError):
            return PlainTextResponse("cannot be read", 400)
        bad = [key for key, entry in zip(keys, entries, strict=True) if self.faults.poisoned(orjson.dumps(entry))]
        if bad:
            self.taken.refused.update(bad)
            return PlainTextResponse("an entry that we do not take", 422)
        if identity not in self.messages:
            self.messages[identity] = None
            if len(self.messages) > _REMEMBERED:
                del self.messages[next(iter(self.messages))]
            for key, entry in zip(keys, entries, strict=True):
                self.taken.take(key, entry)
        return PlainTextResponse("thanks")
