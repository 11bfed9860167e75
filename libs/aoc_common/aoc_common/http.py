"""HTTP to the outside: one client, one mapping from answers to errors, one retry policy.

| what happened                              | raised                                        |
| ------------------------------------------ | --------------------------------------------- |
| no connection, time-out, body cut short    | `Unreachable`                                 |
| an answer that throttles                   | `Throttled`, with `retry_after` when given    |
| 408, 5xx, unless the caller says otherwise | `Unreachable`, with `retry_after` when given  |
| any other answer that is not 2xx           | `Refused` with its status and the body's code |
| an address that is none                    | `Refused` with the code `unreadable-link`     |
| an answer that is too large, or never ends | `Unreachable`                                 |

What is particular to a server, its caller says in a `Remote`: how an error's body is read, which answers throttle,
which ones pass, and where its requests are counted.

The other side is not believed: a wait that it asks for is bounded (`retry_after`), so is what it may send, and how long
it may take to (`_read`); a byte order mark before its JSON is taken off (`plain`).
"""

from __future__ import annotations

import asyncio
import codecs
import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import httpx
import stamina
from opentelemetry.trace import SpanKind, Status, StatusCode

from aoc_common.errors import AocError, Refused, Throttled, Transient, Unreachable
from aoc_common.telemetry import tracing
from aoc_common.telemetry.pulse import moved

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

#: A `retry_after` beyond this is not waited for here: the caller's work is put off instead.
LONGEST_WAIT_S: Final = 60.0
#: A `retry_after` is never below the first (0 would be asking again at once, for ever), nor above the second unless the
#: caller says otherwise (1e9 would be 31 years).
SHORTEST_RETRY_AFTER_S: Final = 1.0
LONGEST_RETRY_AFTER_S: Final = 900.0
#: Bytes that an answer may have, unpacked, unless the client says otherwise; and the part of a refusal that is read.
ANSWER_BYTES: Final = 256 * 1024**2
_REFUSAL_BYTES: Final = 1024**2
#: An answer that comes, but slowly, may take so many of the client's time-outs; without one, so many seconds.
_SLOWLY: Final = 5
_WHOLE_S: Final = 300.0
#: What is too large today is so tomorrow, as far as we know. Seconds.
_TOO_LARGE_S: Final = 300.0
UNREADABLE_LINK: Final = "unreadable-link"
_MESSAGE_LENGTH: Final = 300


def no_details(_body: bytes) -> tuple[str, str]:
    """Of a server whose errors have a status and nothing else that is read."""
    return "", ""


def too_many_requests(status: int, _code: str) -> bool:
    """RFC 6585, 4."""
    return status == HTTPStatus.TOO_MANY_REQUESTS


def server_error(status: int) -> bool:
    """RFC 9110, 15: the server's own trouble, or its impatience."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT


def uncounted(_outcome: str, _seconds: float) -> None:
    """Of requests that no metric counts."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A server, as its callers know it.

    - `api`: its name in errors and spans.
    - `read_error`: the body of an answer that is no success -> the server's own code and message; empty without one.
    - `throttles`: whether an answer with this status and code asks for fewer requests.
    - `observe`: takes the outcome (a status, or what went wrong) and the seconds of each request, for metrics.
    - `passes`: whether another request may succeed after an answer with this status.
    """

    api: str
    read_error: Callable[[bytes], tuple[str, str]] = no_details
    throttles: Callable[[int, str], bool] = too_many_requests
    observe: Callable[[str, float], None] = uncounted
    passes: Callable[[int], bool] = server_error


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer, read to its end. `headers` are found whatever their case; `body` is without a byte order mark."""

    status: int
    headers: httpx.Headers
    body: bytes


class Client(httpx.AsyncClient):
    """A client that knows how many bytes an answer may have, unpacked."""

    answer_bytes: int = ANSWER_BYTES


def make_client(
    *,
    timeout_s: float,
    connections: int = 32,
    answer_bytes: int = ANSWER_BYTES,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Client:
    """A client for all requests of a process. It follows no redirects: a token goes only where it was sent.

    `transport`: connects instead of httpx's own, which goes by the environment and takes `connections`.
    """
    client = Client(
        transport=transport,
        verify=system_trust(),
        timeout=httpx.Timeout(timeout_s, connect=min(10.0, timeout_s)),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30),
        headers={"User-Agent": "AdminOperationsCenter/0.1"},
        follow_redirects=False,
    )
    client.answer_bytes = answer_bytes
    return client


def system_trust() -> ssl.SSLContext:
    """The authorities that httpx trusts by itself. To read them takes a while, so that all clients share them."""
    return _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _trusted(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    return httpx.create_ssl_context()


async def get(
    client: httpx.AsyncClient,
    url: str,
    remote: Remote,
    *,
    headers: Mapping[str, str] | None = None,
    attempts: int = 5,
) -> Answer:
    """GET with retries. Raises as the table above says."""
    return await retried(lambda: send(client, "GET", url, remote, headers=headers), attempts=attempts)


async def retried[T](attempt: Callable[[], Awaitable[T]], *, attempts: int) -> T:
    """Repeat `attempt` while it raises `Transient`: after what the other side asked for, else 0.2 s growing to 20 s.

    Raises the last error when the attempts are used up, or when the wait asked for is too long to sit out here.
    """
    if attempts == 1:
        return await attempt()
    async for trial in stamina.retry_context(
        on=_wait, attempts=attempts, timeout=None, wait_initial=0.2, wait_max=20.0, wait_jitter=0.2
    ):
        with trial:
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
    url: str | httpx.URL,
    remote: Remote,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    document: Any = None,
    content: bytes | None = None,
    longest_asked_s: float = LONGEST_RETRY_AFTER_S,
) -> Answer:
    """One request, once, as a span and counted. Its body is a form, JSON or bytes. Raises as the table above says.

    `longest_asked_s`: the longest wait that an answer may ask for.
    """
    started = perf_counter()
    outcome = "cancelled"
    address = read_url(url, remote.api)
    # Without the query: it can hold a token.
    attributes = {
        "http.request.method": method,
        "server.address": address.host,
        "url.path": address.path,
        "aoc.api": remote.api,
    }
    with tracing.tracer().start_as_current_span(
        f"http.{method.lower()}", kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
    ) as span:
        try:
            async with (
                asyncio.timeout(_longest(client)),
                client.stream(method, address, headers=headers, data=form, json=document, content=content) as response,
            ):
                span.set_attribute("http.response.status_code", response.status_code)
                outcome = str(response.status_code)
                if not response.is_success:
                    raise await _error(response, remote, longest_asked_s)
                body = await _read(response, client.answer_bytes if isinstance(client, Client) else ANSWER_BYTES)
                if body is None:
                    outcome = "too large"
                    raise Unreachable(f"{remote.api}: an answer without bounds", retry_after=_TOO_LARGE_S)
            moved()
            return Answer(response.status_code, response.headers, plain(body))
        except TimeoutError:
            outcome = "unreachable"
            raise Unreachable(f"{remote.api}: the answer did not come to its end") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            outcome = "unreachable"
            raise Unreachable(f"{remote.api}: {type(error).__name__} {error}".rstrip()) from error
        except AocError as error:
            span.set_status(Status(StatusCode.ERROR, str(error)))
            raise
        finally:
            remote.observe(outcome, perf_counter() - started)


def _longest(client: httpx.AsyncClient) -> float:
    """Seconds for a whole answer. The client's own time-outs are for each piece, and a trickle never meets them."""
    return _SLOWLY * client.timeout.read if client.timeout.read else _WHOLE_S


async def _read(response: httpx.Response, most: int) -> bytes | None:
    """The body, unpacked piece by piece; None when it is larger than it may be.

    One piece of gzip grows a thousandfold at most; packed twice it would be a millionfold, and nobody packs twice.
    """
    if "," in response.headers.get("Content-Encoding", ""):
        return None
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > most:
            return None
    return bytes(body)


def read_url(url: str | httpx.URL, what: str) -> httpx.URL:
    """An address as it will be asked. Raises `Refused` for what is none: links come from outside."""
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        # Without `from`: the cause would hold the link, and a link can hold a token.
        raise Refused(f"{what}: a link cannot be read ({str(error)[:100]})", code=UNREADABLE_LINK) from None


async def _error(response: httpx.Response, remote: Remote, longest_asked_s: float) -> AocError:
    """What an answer means that is no success."""
    status = response.status_code
    code, text = remote.read_error(await _read(response, _REFUSAL_BYTES) or b"")
    # Some texts begin with their code.
    said = text if code and text.startswith(code) else f"{code} {text}"
    message = f"{remote.api}: {status} {said}".strip()[:_MESSAGE_LENGTH]
    headers = response.headers
    wait = retry_after(headers.get("Retry-After"), headers.get("Date"), datetime.now(UTC), longest_asked_s)
    if remote.throttles(status, code):
        return Throttled(message, retry_after=wait)
    if remote.passes(status):
        return Unreachable(message, retry_after=wait)
    return Refused(message, status=status, code=code)


def retry_after(value: str | None, date: str | None, now: datetime, longest_s: float) -> float | None:
    """Seconds in a Retry-After header, from `SHORTEST_RETRY_AFTER_S` to `longest_s`; None without a value.

    It holds seconds or an HTTP date. A date is measured from the answer's own `date` where there is one: our clock, or
    theirs, may be wrong by days.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        until, since = _http_date(value), _http_date(date or "") or now
        if until is None:
            return None
        seconds = (until - since).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, SHORTEST_RETRY_AFTER_S), longest_s)


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


#: Longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def plain(body: bytes) -> bytes:
    """JSON as UTF-8 without a byte order mark (RFC 8259, 8.1: a reader may ignore one); anything else as it is."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            rest = body[len(mark) :]
            if encoding == "utf-8":
                return rest
            try:
                return rest.decode(encoding).encode()
            except UnicodeError:
                return body
    return body
