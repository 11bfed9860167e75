"""Azure Monitor's Logs Ingestion API: a rule's stream takes rows, within its limits."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aoc_sim.siem.answering import answered
from aoc_sim.siem.mishaps import Mishap, Mishaps
from aoc_sim.siem.taken import Taken

if TYPE_CHECKING:
    from starlette.requests import Request

_CALL_BYTES = 1024 * 1024
_NO_CONTENT = 204


class SentinelReceiver:
    """Takes rows. `tokens`: the access tokens that are good now."""

    def __init__(self, mishaps: Mishaps | None = None, *, tokens: set[str] | None = None) -> None:
        self.mishaps = mishaps or Mishaps()
        self.taken = Taken()
        self.tokens = tokens if tokens is not None else {"token-1"}

    def routes(self) -> list[Route]:
        """Its path."""
        return [Route("/dataCollectionRules/{rule}/streams/{stream}", self._rows, methods=["POST"])]

    async def _rows(self, request: Request) -> Response:
        if request.query_params.get("api-version") != "2023-01-01":
            return _refusal(400, "InvalidApiVersion", "unknown version")
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _refusal(401, "InvalidToken", "the token is not valid")
        if not request.path_params["rule"].startswith("dcr-"):
            return _refusal(404, "NotFound", "no such data collection rule")
        packed = request.headers.get("Content-Encoding") == "gzip"

        async def serve(body: bytes, mishap: Mishap) -> Response:
            del mishap
            return self._take(body, packed=packed)

        return await answered(request, self.mishaps, self.taken, serve)

    def _take(self, body: bytes, *, packed: bool) -> Response:
        try:
            content = gzip.decompress(body) if packed else body
            if max(len(body), len(content)) > _CALL_BYTES:
                return _refusal(413, "ContentLengthLimitExceeded", "a call has 1 MB")
            rows: list[dict[str, Any]] = orjson.loads(content)
            keys = [f"{row['EventId']}-{row['EventRevision']}" for row in rows]
        except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error):
            return _refusal(400, "InvalidPayload", "no array of rows")
        bad = [key for key, row in zip(keys, rows, strict=True) if self.mishaps.poisoned(orjson.dumps(row))]
        if bad:
            self.taken.refused.update(bad)
            return _refusal(400, "InvalidPayload", "a row cannot be read")
        for key, row in zip(keys, rows, strict=True):
            self.taken.take(key, row)
        return Response(status_code=_NO_CONTENT)


def _refusal(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
