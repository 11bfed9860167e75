"""Requests to a gateway: signed, bounded in time and size, tried again when that may help."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx
import orjson
import stamina
from pydantic import BaseModel, ValidationError

from aoc_common.client import errors
from aoc_common.client.filters import parameters
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.gateway.events import ProblemDocument, ProblemKind
from aoc_common.http import retry_after, system_trust

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping
    from datetime import datetime
    from pathlib import Path

    from aoc_common.client.credentials import Credentials
    from aoc_common.clock import Clock

_PROBLEM: Final = "application/problem+json"
_KIND: Final = "/problems/"
_TOO_OFTEN: Final = 429
_UNAVAILABLE: Final = 503
#: Reads may be repeated whatever became of them.
_READS: Final = frozenset({"GET", "HEAD"})
_PROBLEM_BYTES: Final = 1 << 20
#: Seconds that the advice about a problem is waited for.
_ADVICE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """How a client asks. Seconds.

    - `timeout_s`: for a connection, and between two parts of an answer. The gateway answers reads within 30 s.
    - `attempts`: how often a request is sent at most; only what may be repeated is. `longest_wait_s`: no Retry-After
      above it is waited for: the problem is raised, and says how long.
    - `ca`: file with certificates (PEM) that the gateway's may be signed by; None: those of the system.
    - `answer_bytes`: what an answer may have at most, an export aside.
    """

    timeout_s: float = 60.0
    attempts: int = 4
    longest_wait_s: float = 60.0
    ca: Path | None = None
    answer_bytes: int = 64 << 20

    def verify(self) -> ssl.SSLContext:
        """What certificates are checked against. Raises `BadConfiguration` for a file that is none."""
        if self.ca is None:
            return system_trust()
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise BadConfiguration(f"{self.ca}: no file of certificates (PEM): {error}") from None


class _Retry(Exception):  # noqa: N818  # it never leaves this module
    """Worth another attempt. `wait_s`: after which; None: soon, and later each time."""

    def __init__(self, error: errors.GatewayError, wait_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, ready to be sent as often as it takes."""

    method: str
    path: str
    params: Mapping[str, str | list[str]]
    content: bytes | None
    headers: Mapping[str, str]
    answers: Collection[int]


class Connection:
    """The connections to one gateway. Nothing of what it shows there is in its `repr`, in a log or in an error."""

    def __init__(self, address: str, credentials: Credentials, options: Options, clock: Clock) -> None:
        self.address = address
        self.options = options
        self._credentials = credentials
        self._clock = clock
        self._advice: dict[str, str] = {}
        self._client = httpx.AsyncClient(
            base_url=address,
            timeout=options.timeout_s,
            verify=options.verify(),
            headers={"User-Agent": f"aoc-client/{version('aoc-common')}", "Accept": "application/json, */*;q=0.5"},
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"Connection({self.address!r})"

    async def close(self) -> None:
        """Close all of them."""
        await self._client.aclose()

    async def ask[M: BaseModel](self, answer: type[M], method: str, path: str, **request: Any) -> M:
        """The answer to a request, as a model. `request`: as of `send`. Members that are not known are left out."""
        response, body = await self.send(method, path, **request)
        return self.read(answer, response, body)

    def read[M: BaseModel](self, answer: type[M], response: httpx.Response, body: bytes) -> M:
        """A body as a model. Raises `Unexpected`."""
        try:
            return answer.model_validate_json(body, extra="ignore")
        except ValidationError as error:
            where = f"{response.request.method} {self.address}{response.request.url.path}"
            fault = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, fault["loc"])) or "it"
            raise errors.Unexpected(f"{where}: no {answer.__name__}: {place}: {fault['msg']}") from None

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        body: BaseModel | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        answers: Collection[int] = (),
    ) -> tuple[httpx.Response, bytes]:
        """Send a request, and read its answer. `answers`: statuses that are answers, and no problems.

        Raises `GatewayError`.
        """
        sent = self.streaming(method, path, params=params, body=body, headers=headers, answers=answers)
        async with sent as response:
            return response, await self._whole(response, self.options.answer_bytes)

    @asynccontextmanager
    async def streaming(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        body: BaseModel | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        answers: Collection[int] = (),
    ) -> AsyncIterator[httpx.Response]:
        """An answer whose body is read by who asked. Until its head is there, it is tried again as others are."""
        asked = _Asked(method, path, parameters(params or {}), _json(body), headers or {}, answers)
        response = await self._begun(asked)
        try:
            yield response
        except httpx.HTTPError as error:
            raise self._broken(method, path, error) from None
        finally:
            await response.aclose()

    async def _begun(self, asked: _Asked) -> httpx.Response:
        try:
            async for attempt in stamina.retry_context(
                on=_wait, attempts=self.options.attempts, timeout=None, wait_initial=0.2, wait_max=5.0, wait_jitter=0.2
            ):
                with attempt:
                    return await self._once(asked)
        except _Retry as attempt:
            raise attempt.error from None
        raise AssertionError("stamina neither returned nor raised")  # pragma: no cover

    async def _once(self, asked: _Asked) -> httpx.Response:
        method, path = asked.method, asked.path
        shown = await self._credentials.secret(self.address)
        headers = {**asked.headers, **({} if asked.content is None else {"Content-Type": "application/json"})}
        request = self._client.build_request(
            method, path, params=dict(asked.params), content=asked.content, headers=headers
        )
        auth = None if shown is None else _Bearer(shown)
        try:
            response = await self._client.send(request, auth=auth, stream=True)
        except httpx.HTTPError as error:
            broken = self._broken(method, path, error)
            if method in _READS or isinstance(error, httpx.ConnectError):
                raise _Retry(broken) from None
            raise broken from None
        if response.is_success or response.status_code in asked.answers:
            return response
        try:
            problem = await self._problem(response)
        finally:
            await response.aclose()
        if isinstance(problem, errors.Problem) and self._may_repeat(method, problem):
            raise _Retry(problem, problem.retry_after)
        raise problem

    def _may_repeat(self, method: str, problem: errors.Problem) -> bool:
        """What was asked too often was not begun; of reads it does not matter."""
        if problem.retry_after is not None and problem.retry_after > self.options.longest_wait_s:
            return False
        # With a Retry-After only: what takes too long does so again, and says how to ask for less.
        is_away = problem.status == _UNAVAILABLE and problem.type != "took-too-long" and method in _READS
        return problem.status == _TOO_OFTEN or is_away

    async def _problem(self, response: httpx.Response) -> errors.GatewayError:
        request_id = response.headers.get("x-request-id", "")
        where = f"{response.request.method} {self.address}{response.request.url.path}"
        body = await self._whole(response, _PROBLEM_BYTES)
        try:
            if not response.headers.get("content-type", "").startswith(_PROBLEM):
                raise ValueError  # noqa: TRY301  # as what cannot be read
            document = ProblemDocument.model_validate_json(body, extra="ignore")
        except ValueError:
            return errors.Unexpected(f"{where}: {response.status_code} {response.reason_phrase}, and no problem of AOC")
        kind = document.type.removeprefix(_KIND)
        return errors.class_of(response.status_code)(
            kind,
            response.status_code,
            document.title,
            document.detail,
            errors=document.errors or (),
            advice=await self._advised(kind),
            request_id=request_id,
            retry_after=self._asked_wait(response),
        )

    def _asked_wait(self, response: httpx.Response) -> float | None:
        now: datetime = self._clock.now()
        longest = self.options.longest_wait_s + 1  # more is as much, and not waited for
        return retry_after(response.headers.get("retry-after"), response.headers.get("date"), now, longest)

    async def _advised(self, kind: str) -> str:
        """What to do about problems of a kind. The gateway is asked once; what it does not say is no second problem."""
        if kind not in self._advice:
            try:
                shown = await self._credentials.secret(self.address)
                auth = None if shown is None else _Bearer(shown)
                answer = await self._client.get(f"{_KIND}{quote(kind, safe='')}", timeout=_ADVICE_S, auth=auth)
                self._advice[kind] = ProblemKind.model_validate_json(answer.content, extra="ignore").help
            except (httpx.HTTPError, ValueError, AocError):
                return ""
        return self._advice[kind]

    async def _whole(self, response: httpx.Response, most: int) -> bytes:
        parts, size = [], 0
        try:
            async for part in response.aiter_bytes():
                size += len(part)
                if size > most:
                    raise errors.Unexpected(f"{self.address}{response.request.url.path}: more than {most:,} bytes")
                parts.append(part)
        except httpx.HTTPError as error:
            raise self._broken(response.request.method, response.request.url.path, error) from None
        return b"".join(parts)

    def _broken(self, method: str, path: str, error: httpx.HTTPError) -> errors.Disconnected:
        return errors.Disconnected(f"{method} {self.address}{path}: {type(error).__name__}: {error}".rstrip(": "))


class _Bearer(httpx.Auth):
    """Shows a secret to this host alone: the header is set as the request leaves, and is in no client's headers."""

    def __init__(self, secret: str) -> None:
        self._header = f"Bearer {secret}"

    def auth_flow(self, request: httpx.Request) -> Any:
        """See `httpx.Auth`."""
        request.headers["Authorization"] = self._header
        yield request


def _json(body: BaseModel | Mapping[str, Any] | None) -> bytes | None:
    if body is None:
        return None
    return (
        body.model_dump_json(exclude_unset=True).encode() if isinstance(body, BaseModel) else orjson.dumps(dict(body))
    )


def _wait(error: Exception) -> bool | float:
    if not isinstance(error, _Retry):
        return False
    return True if error.wait_s is None else error.wait_s
