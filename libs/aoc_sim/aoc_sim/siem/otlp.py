"""A receiver of OTLP/HTTP logs, in JSON and in protobuf: it answers as it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aoc_sim.siem.answering import answered
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.taken import Taken

if TYPE_CHECKING:
    from starlette.requests import Request

_PROTOBUF: Final = "application/x-protobuf"


class OtlpReceiver:
    """Takes log records. A poisoned one is rejected as the protocol does: by number alone, the others are taken."""

    def __init__(self, faults: RequestFaults | None = None) -> None:
        self.faults = faults or RequestFaults()
        self.taken = Taken()

    def routes(self) -> list[Route]:
        """Its path."""
        return [Route("/v1/logs", self._logs, methods=["POST"])]

    async def _logs(self, request: Request) -> Response:
        packed = request.headers.get("Content-Type") == _PROTOBUF

        async def serve(body: bytes, fault: RequestFault) -> Response:
            return self._take(body, fault, packed=packed)

        return await answered(request, self.faults, self.taken, serve)

    def _take(self, body: bytes, fault: RequestFault, *, packed: bool) -> Response:
        try:
            told = MessageToDict(ExportLogsServiceRequest.FromString(body)) if packed else orjson.loads(body)
            records = [
                record | {"resource": resource["resource"]}
                for resource in told["resourceLogs"]
                for scope in resource["scopeLogs"]
                for record in scope["logRecords"]
            ]
        except (ValueError, KeyError, TypeError, DecodeError):
            return JSONResponse({"code": 3, "message": "cannot be read"}, 400)
        if fault is RequestFault.ITEM_ERRORS:
            return JSONResponse({"code": 14, "message": "exporter is full"}, 503)
        rejected = 0
        for record in records:
            key = _key(record)
            if self.faults.poisoned(record["body"]["stringValue"]):
                self.taken.refused[key] += 1
                rejected += 1
            else:
                self.taken.take(key, record)
        partial = {"rejectedLogRecords": str(rejected), "errorMessage": "invalid record"} if rejected else {}
        if packed:
            answer = ParseDict({"partialSuccess": partial}, ExportLogsServiceResponse())
            return Response(answer.SerializeToString(), media_type=_PROTOBUF)
        return JSONResponse({"partialSuccess": partial})


def _key(record: dict[str, Any]) -> str:
    said = {one["key"]: one["value"] for one in record["attributes"]}
    return f"{said['event.id']['stringValue']}-{said['event.revision']['intValue']}"
