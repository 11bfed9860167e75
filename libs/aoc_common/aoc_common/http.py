"""HTTP to the outside: one client, one mapping from answers to errors, one retry policy.

| what happened                              | raised                                        |
| ------------------------------------------ | --------------------------------------------- |
| no connection, time-out, body cut short    | `Unreachable`                                 |
| 5xx                                        | `Unreachable`, with `retry_after` when given  |
| 429, or 403 with code AF429                | `Throttled`, with `retry_after` when given    |
| any other answer that is not 2xx           | `Refused` with its status and the body's code |
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson
import stamina
from opentelemetry.trace import SpanKind, Status, StatusCode

from aoc_common.errors import AocError, Refused, Throttled, Transient, Unreachable
from aoc_common.telemetry import metrics, tracing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

#: A `retry_after` beyond this is not waited for here: the caller's work is put off instead.
LONGEST_WAIT_S: Final = 60.0
_AADSTS: Final = re.compile(r"^(AADSTS\d+)")
_MESSAGE_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer, read to its end. `headers` are found without regard to case."""

    status: int
    headers: httpx.Headers
    body: bytes


def make_client(*, timeout_s: float, connections: int = 32) -> httpx.AsyncClient:
    """A client for all requests of a process. It follows no redirects: a token goes only where it was sent."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout_s, connect=min(10.0, timeout_s)),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30),
        headers={"User-Agent": "AdminOperationsCenter/0.1"},
        follow_redirects=False,
    )


async def get(
    client: httpx.AsyncClient,
    url: str,
    *,
    api: str,
    headers: Mapping[str, str] | None = None,
    attempts: int = 5,
) -> Answer:
    """GET with retries. `api` is the label in metrics. Raises as the table above says."""
    return await retried(lambda: send(client, "GET", url, api=api, headers=headers), attempts=attempts)


async def retried[T](attempt: Callable[[], Awaitable[T]], *, attempts: int) -> T:
    """Repeat `attempt` while it raises `Transient`: after what the other side asked for, else 0.2 s growing to 20 s.

    Raises the last error when the attempts are used up, or when the wait asked for is too long to sit out here.
    """
    async for one in stamina.retry_context(
        on=_wait, attempts=attempts, timeout=None, wait_initial=0.2, wait_max=20.0, wait_jitter=0.2
    ):
        with one:
            return await attempt()
    raise AssertionError("stamina neither returned nor raised")  # pragma: no cover


def _wait(error: Exception) -> bool | float:
    if not isinstance(error, Transient):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= LONGEST_WAIT_S else False


async def send(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    api: str,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    document: Any = None,
) -> Answer:
    """One request, once, as a span and in the metrics. Its body is a form, or JSON. Raises as the table above says."""
    started = perf_counter()
    outcome = "cancelled"
    address = httpx.URL(url)
    # A query can hold a skip token, and says nothing that the source and its slice do not say.
    attributes = {
        "http.request.method": method,
        "server.address": address.host,
        "url.path": address.path,
        "aoc.api": api,
    }
    with tracing.tracer().start_as_current_span(
        f"http.{method.lower()}", kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
    ) as span:
        try:
            response = await client.request(method, address, headers=headers, data=form, json=document)
            span.set_attribute("http.response.status_code", response.status_code)
            outcome = str(response.status_code)
            _raise_for(response, api)
            return Answer(response.status_code, response.headers, response.content)
        except (httpx.TransportError, httpx.DecodingError) as error:
            outcome = "unreachable"
            raise Unreachable(f"{api}: {type(error).__name__} {error}".rstrip()) from error
        except AocError as error:
            span.set_status(Status(StatusCode.ERROR, str(error)))
            raise
        finally:
            metrics.HTTP_REQUESTS.labels(api, outcome).inc()
            metrics.HTTP_SECONDS.labels(api).observe(perf_counter() - started)


def _raise_for(response: httpx.Response, api: str) -> None:
    status = response.status_code
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    code, text = read_error(response.content)
    said = f"{api}: {status} {code} {text}".strip()[:_MESSAGE_LENGTH]
    wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and code == "AF429"):
        raise Throttled(said, retry_after=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        raise Unreachable(said, retry_after=wait)
    raise Refused(said, status=status, code=code)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for: it holds seconds or an HTTP date. None when absent or unreadable."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def read_error(body: bytes) -> tuple[str, str]:
    """Code and message of an error body of Graph, of the Management API or of the token endpoint; empty if unread."""
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    error = document.get("error")
    if isinstance(error, dict):
        return str(error.get("code") or ""), str(error.get("message") or "")
    if isinstance(error, str):
        text = str(document.get("error_description") or "")
        found = _AADSTS.match(text)
        return (found[1] if found else error), text
    return str(document.get("code") or ""), str(document.get("Message") or document.get("message") or "")
