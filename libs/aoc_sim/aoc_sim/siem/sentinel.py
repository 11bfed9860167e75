"""Azure Monitor's Logs Ingestion API: a rule's stream takes rows, within its limits; and the sign-in in front of it."""

from __future__ import annotations

import gzip
import zlib
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import orjson
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aoc_sim.siem.answering import answered
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.taken import Taken

if TYPE_CHECKING:
    from starlette.requests import Request

_CALL_BYTES: Final = 1024 * 1024
_NO_CONTENT: Final = 204
#: Calls that a token is good for, and tokens that are good at a time.
_CALLS: Final = 20
_TOKENS: Final = 100


class SentinelReceiver:
    """Takes rows. `tokens`: the access tokens that are good now. `secret`: of the app that can sign in for others.

    Those end early, after some calls and long before their time: whoever has one has to ask for another.
    """

    def __init__(
        self, faults: RequestFaults | None = None, *, tokens: set[str] | None = None, secret: str | None = None
    ) -> None:
        self.faults = faults or RequestFaults()
        self.taken = Taken()
        self.tokens = tokens if tokens is not None else {"token-1"}
        self._secret = secret
        self._numbers = count(1)
        self._issued: dict[str, int] = {}

    def routes(self) -> list[Route]:
        """Its paths."""
        rows = Route("/dataCollectionRules/{rule}/streams/{stream}", self._rows, methods=["POST"])
        sign_in = Route("/{tenant}/oauth2/v2.0/token", self._sign_in, methods=["POST"])
        return [rows] if self._secret is None else [rows, sign_in]

    async def _sign_in(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        if form.get("client_secret") != [self._secret]:
            return JSONResponse({"error": "invalid_client", "error_codes": [7000215]}, 401)
        if form.get("scope") != ["https://monitor.azure.com/.default"]:
            return JSONResponse({"error": "invalid_scope", "error_codes": [70011]}, 400)
        token = f"issued-{next(self._numbers)}"
        self._issued[token] = _CALLS
        if len(self._issued) > _TOKENS:
            del self._issued[next(iter(self._issued))]
        return JSONResponse({"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def _good(self, token: str) -> bool:
        left = self._issued.get(token, 0)
        if left:
            self._issued[token] = left - 1
        return bool(left) or token in self.tokens

    async def _rows(self, request: Request) -> Response:
        if request.query_params.get("api-version") != "2023-01-01":
            return _refusal(400, "InvalidApiVersion", "unknown version")
        if not self._good(request.headers.get("Authorization", "").removeprefix("Bearer ")):
            return _refusal(401, "InvalidToken", "the token is not valid")
        if not request.path_params["rule"].startswith("dcr-"):
            return _refusal(404, "NotFound", "no such data collection rule")
        packed = request.headers.get("Content-Encoding") == "gzip"

        async def serve(body: bytes, fault: RequestFault) -> Response:
            del fault
            return self._take(body, packed=packed)

        return await answered(request, self.faults, self.taken, serve)

    def _take(self, body: bytes, *, packed: bool) -> Response:
        try:
            content = gzip.decompress(body) if packed else body
            if max(len(body), len(content)) > _CALL_BYTES:
                return _refusal(413, "ContentLengthLimitExceeded", "a call has 1 MB")
            rows: list[dict[str, Any]] = orjson.loads(content)
            keys = [f"{row['EventId']}-{row['EventRevision']}" for row in rows]
        except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error):
            return _refusal(400, "InvalidPayload", "no array of rows")
        bad = [key for key, row in zip(keys, rows, strict=True) if self.faults.poisoned(orjson.dumps(row))]
        if bad:
            self.taken.refused.update(bad)
            return _refusal(400, "InvalidPayload", "a row cannot be read")
        for key, row in zip(keys, rows, strict=True):
            self.taken.take(key, row)
        return Response(status_code=_NO_CONTENT)


def _refusal(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
