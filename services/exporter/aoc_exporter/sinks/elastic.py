"""Elasticsearch and OpenSearch by `_bulk`, into data streams or indices.

Each item has an answer of its own inside of a 200. A document whose id is there already is refused with 409: it is
there, since an id is of one version of an event only. Statuses that are about us, a permission or an index that does
not exist, give no item up.
"""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from pydantic import Field, SecretStr

from aoc_common import http
from aoc_common.errors import Unreachable
from aoc_common.outbound.refusals import UNUSABLE_WAIT_S, one_line
from aoc_common.outbound.web import HttpOptions, post
from aoc_common.settings import Frozen
from aoc_exporter.delivery.port import Limits
from aoc_exporter.encoders.elastic import dataset
from aoc_exporter.framing.bulk import pair
from aoc_exporter.outcome import Accepted, Refused, Retry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

#: What is read of an answer, so that one of thousands of items is short.
_FILTER: Final = "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason"
_ABOUT_US: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


class ElasticOptions(Frozen):
    """An Elasticsearch or OpenSearch."""

    kind: Literal["elastic"] = "elastic"
    url: str = Field(description="Address of the cluster; its parameters go with each request.")
    index: str = Field(
        "logs-{dataset}-{tenant}", description="Data stream or index, with {tenant}, {source}, {kind} and {dataset}."
    )
    api_key: SecretStr | None = Field(None, description="Encoded API key.")
    user: str | None = Field(None, description="User name, where there is no API key.")
    password: SecretStr | None = Field(None, description="The user's password.")
    http: HttpOptions = HttpOptions()


class Elastic:
    """The sink."""

    idempotent: Final = True
    limits: Final = Limits(items=2000, batch_bytes=8_000_000, entry_bytes=2_000_000)

    def __init__(self, options: ElasticOptions) -> None:
        self._options = options
        self._client = options.http.client()
        address, _, parameters = options.url.partition("?")
        self._address = f"{address.rstrip('/')}/_bulk?{parameters}{'&' if parameters else ''}{_FILTER}"
        self._remote = http.Remote("elastic", _error)
        self._headers = {"Content-Type": "application/x-ndjson", **_authorization(options)}

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says. Repeats are told apart by their id."""
        body = self.framed(items)
        answer = await post(self._client, self._address, self._remote, body, self._headers)
        try:
            told = orjson.loads(answer.body)
            if told["errors"] is False and "items" not in told:
                return [Accepted()] * len(items)
            outcomes = [_outcome(one) for one in told["items"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unreachable("elastic: an answer that is none of _bulk") from None
        if len(outcomes) != len(items):
            raise Unreachable(f"elastic: answers for {len(outcomes)} of {len(items)} documents")
        return outcomes

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says."""
        return b"".join(pair(item, self._index(item)) for item in items)

    async def close(self) -> None:
        """As the port says."""
        await self._client.aclose()

    def _index(self, item: Item) -> str:
        entry = item.entry
        return (
            self._options.index.replace("{tenant}", entry.tenant)
            .replace("{source}", entry.source)
            .replace("{kind}", entry.kind.value)
            .replace("{dataset}", dataset(item) or f"aoc.{entry.kind.value}")
        )


def _outcome(one: Mapping[str, Any]) -> Outcome:
    [told] = one.values()
    status = int(told["status"])
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status == HTTPStatus.CONFLICT:
        return Accepted()
    error = told.get("error") or {}
    words = one_line(f"elastic: {status} {error.get('type', '')}: {error.get('reason', '')}")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Retry(words)
    return Retry(words, UNUSABLE_WAIT_S, own=True) if status in _ABOUT_US else Refused(words)


def _error(body: bytes) -> tuple[str, str]:
    try:
        error = orjson.loads(body)["error"]
        return str(error["type"]), str(error["reason"])
    except (ValueError, KeyError, TypeError):
        return "", ""


def _authorization(options: ElasticOptions) -> Mapping[str, str]:
    if options.api_key is not None:
        return {"Authorization": f"ApiKey {options.api_key.get_secret_value()}"}
    if options.user is not None:
        password = options.password.get_secret_value() if options.password else ""
        return {"Authorization": "Basic " + base64.b64encode(f"{options.user}:{password}".encode()).decode()}
    return {}
