"""Microsoft Sentinel by the Logs Ingestion API: rows of a custom table, through a data collection rule.

204 is a success, and has no body; a page of something in between settles nothing. A call has 1 MB, packed and unpacked.
The API does not tell repeats apart; `EventId` and `EventRevision` are columns.
"""

from __future__ import annotations

import gzip
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import quote

import orjson
from pydantic import Field

from aoc_common import http
from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import Unusable
from aoc_common.outbound.web import HttpOptions, post
from aoc_common.settings import Frozen
from aoc_exporter.delivery.entra import EntraOptions
from aoc_exporter.delivery.port import Limits
from aoc_exporter.framing.sentinel import FIELD_BYTES, TABLE, body, row, stream
from aoc_exporter.outcome import Accepted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

_VERSION: Final = "2023-01-01"


class TokenSource(Protocol):
    """Where access tokens for the scope of a cloud's monitor come from."""

    async def token(self, *, renewed: bool = False) -> str:
        """An access token. `renewed`: not the one that was given before. Raises `AocError`."""
        ...


class SentinelOptions(Frozen):
    """A workspace, by its data collection rule."""

    kind: Literal["sentinel"] = "sentinel"
    endpoint: str = Field(description="Logs ingestion endpoint of the rule, or of a data collection endpoint.")
    rule: str = Field(description="Immutable id of the rule, dcr-...")
    stream: str = Field(stream(TABLE), description="Name of the stream in the rule.")
    credential: EntraOptions = Field(EntraOptions(), description="Who we are; without one, the machine's identity.")
    http: HttpOptions = HttpOptions()


class Sentinel:
    """The sink."""

    idempotent: Final = False
    limits: Final = Limits(items=1000, batch_bytes=950_000, entry_bytes=FIELD_BYTES)

    def __init__(self, options: SentinelOptions, tokens: TokenSource) -> None:
        self._tokens = tokens
        self._client = options.http.client()
        self._remote = http.Remote("sentinel", _error)
        self._address = (
            f"{options.endpoint.rstrip('/')}/dataCollectionRules/{quote(options.rule, safe='')}"
            f"/streams/{quote(options.stream, safe='')}?api-version={_VERSION}"
        )

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says."""
        content = gzip.compress(self.framed(items), 1)
        try:
            await self._post(content, await self._tokens.token())
        except Unusable as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            await self._post(content, await self._tokens.token(renewed=True))
        return [Accepted()] * len(items)

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return body(map(row, items))

    async def close(self) -> None:
        """As the port says."""
        await self._client.aclose()

    async def _post(self, content: bytes, token: str) -> None:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }
        answer = await post(self._client, self._address, self._remote, content, headers)
        if answer.body:
            raise Unreachable("sentinel: a success that is no answer of the Logs Ingestion API")


def _error(answer: bytes) -> tuple[str, str]:
    try:
        error = orjson.loads(answer)["error"]
        return str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return "", ""
