"""OTLP/HTTP for logs, in JSON or protobuf: OpenTelemetry collectors, and through them Kafka, Loki and many others.

By the protocol 429, 502, 503 and 504 come again and everything else is final. A partial success tells how many records
were refused, not which; so the batch is halved until they stand alone. What was taken comes twice then, and counts as
repeated: the alternative is to lose records without a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse
from pydantic import Field, SecretStr

from aoc_common import http
from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import RefusedWhole, one_line
from aoc_common.outbound.web import ABOUT_CONTENT, HttpOptions, post
from aoc_common.settings import Frozen
from aoc_exporter.delivery.port import Limits
from aoc_exporter.framing.otlp import body, packed
from aoc_exporter.outcome import Accepted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

_AGAIN: Final = frozenset({
    HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.REQUEST_TIMEOUT,
})  # fmt: skip

#: Final by the protocol, and of what was sent, as far as anybody knows.
_FINAL: Final = ABOUT_CONTENT | {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.NOT_IMPLEMENTED}


class OtlpOptions(Frozen):
    """A receiver of OTLP."""

    kind: Literal["otlp"] = "otlp"
    url: str = Field(description="Address of the receiver, without /v1/logs.")
    encoding: Literal["json", "protobuf"] = Field(
        "json", description="How requests are written; collectors take both, VictoriaLogs protobuf alone."
    )
    headers: Mapping[str, SecretStr] = Field({}, description="Headers that it wants, such as a token.")
    http: HttpOptions = HttpOptions()


class Otlp:
    """The sink."""

    idempotent: Final = False
    limits: Final = Limits(items=1000, batch_bytes=3_500_000, entry_bytes=1_000_000)

    def __init__(self, options: OtlpOptions) -> None:
        self._client = options.http.client()
        self._address = f"{options.url.rstrip('/')}/v1/logs"
        self._remote = http.Remote("otlp", _error, passes=lambda status: status in _AGAIN)
        given = {name: value.get_secret_value() for name, value in options.headers.items()}
        self._packed = options.encoding == "protobuf"
        self._headers = {**given, "Content-Type": "application/x-protobuf" if self._packed else "application/json"}

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says. Repeats cannot be told apart but by the attributes `event.id` and `event.revision`."""
        answer = await post(self._client, self._address, self._remote, self.framed(items), self._headers, _FINAL)
        partial = _partial(answer.body, packed=self._packed)
        if (rejected := partial.rejected_log_records) > 0:
            words = f"otlp: {rejected} rejected: {partial.error_message}"
            raise RefusedWhole(words, maybe_taken=rejected < len(items))
        return [Accepted()] * len(items)

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return packed(items) if self._packed else body(items)

    async def close(self) -> None:
        """As the port says."""
        await self._client.aclose()


def _partial(answer: bytes, *, packed: bool) -> ExportLogsPartialSuccess:
    """What a success says of records that were refused; some send nothing with it. Raises `Unreachable`.

    What is no answer of this protocol comes from something else, such as the page of a proxy.
    """
    response = ExportLogsServiceResponse()
    try:
        if packed:
            response.ParseFromString(answer)
        elif answer.strip():
            ParseDict(_object(orjson.loads(answer)), response, ignore_unknown_fields=True)
    except (DecodeError, ParseError, ValueError):
        raise Unreachable("otlp: its answer is none of OTLP") from None
    return response.partial_success


def _object(value: object) -> dict[str, Any]:
    """Raises `ValueError` for anything else."""
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004  # of a text, not of a program
    return value


def _error(answer: bytes) -> tuple[str, str]:
    """Code and words. Some say them as plain text; those in protobuf are for programs, and left out."""
    try:
        told = orjson.loads(answer)
        return str(told.get("code", "")), str(told.get("message", ""))
    except (ValueError, AttributeError):
        text = answer.decode("utf-8", "replace").strip()
        return "", one_line(text) if text.isprintable() else ""
