"""Elasticsearch's `_bulk` into data streams: an answer for each item, whatever the status of the whole."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aoc_sim.siem.answering import answered
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.taken import Taken

if TYPE_CHECKING:
    from starlette.requests import Request


class ElasticReceiver:
    """Takes documents by `create`. A document whose id is there is refused with 409."""

    def __init__(self, faults: RequestFaults | None = None, *, user: str = "aoc", password: str = "made-up") -> None:  # noqa: S107
        self.faults = faults or RequestFaults()
        self.taken = Taken()
        #: Indices that do not exist, and may not be made.
        self.closed: set[str] = set()
        #: Documents that came again and are there already.
        self.conflicts = 0
        self._there: set[tuple[str, str]] = set()
        self._authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def routes(self) -> list[Route]:
        """Its path."""
        return [Route("/_bulk", self._bulk, methods=["POST"])]

    async def _bulk(self, request: Request) -> Response:
        if request.headers.get("Authorization") != self._authorization:
            return _refusal(401, "security_exception", "unable to authenticate")

        async def serve(body: bytes, fault: RequestFault) -> Response:
            return self._take(body, fault)

        return await answered(request, self.faults, self.taken, serve)

    def _take(self, body: bytes, fault: RequestFault) -> Response:
        if not body.endswith(b"\n"):
            return _refusal(400, "illegal_argument_exception", "The bulk request must be terminated by a newline")
        lines = body.split(b"\n")[:-1]
        try:
            pairs = [(orjson.loads(lines[at]), lines[at + 1]) for at in range(0, len(lines), 2)]
        except (ValueError, IndexError):
            return _refusal(400, "illegal_argument_exception", "Malformed action/metadata line")
        items = [self._indexed(place, action, source, fault) for place, (action, source) in enumerate(pairs)]
        return JSONResponse({"errors": any("error" in item["create"] for item in items), "items": items})

    def _indexed(self, place: int, action: dict[str, Any], source: bytes, fault: RequestFault) -> dict[str, Any]:
        if action.get("create", {}).get("_index") in self.closed:
            return _failed(404, "index_not_found_exception", "no such index")
        return self._item(place, action, source, fault)

    def _item(self, place: int, action: dict[str, Any], source: bytes, fault: RequestFault) -> dict[str, Any]:
        if "create" not in action:
            return _failed(400, "illegal_argument_exception", "only write ops with an op_type of create are allowed")
        key = action["create"]["_id"]
        if fault is RequestFault.ITEM_ERRORS and place % 2:
            return _failed(429, "es_rejected_execution_exception", "queue is full")
        index = action["create"]["_index"]
        if (index, key) in self._there:
            self.conflicts += 1
            return _failed(409, "version_conflict_engine_exception", "document already exists")
        try:
            document = orjson.loads(source)
        except ValueError:
            return _failed(400, "document_parsing_exception", "failed to parse")
        if "@timestamp" not in document or self.faults.poisoned(source):
            self.taken.refused[key] += 1
            return _failed(400, "document_parsing_exception", "failed to parse field")
        self._there.add((index, key))
        self.taken.take(key, document | {"_index": index})
        return {"create": {"_id": key, "status": 201}}


def _failed(status: int, kind: str, reason: str) -> dict[str, Any]:
    return {"create": {"status": status, "error": {"type": kind, "reason": reason}}}


def _refusal(status: int, kind: str, reason: str) -> Response:
    return JSONResponse({"error": {"type": kind, "reason": reason}, "status": status}, status)
