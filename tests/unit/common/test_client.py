"""The client of the gateway: against the OpenAPI document, and against answers of all kinds."""

from __future__ import annotations

import inspect
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from aoc_common.client import (
    Absent,
    Conflict,
    Disconnected,
    Filters,
    Gateway,
    Invalid,
    NotAllowed,
    NotSignedIn,
    Options,
    Problem,
    Secret,
    SignedIn,
    TooOften,
    Unavailable,
    Unexpected,
)
from aoc_common.client.alerts import AlertFilters
from aoc_common.client.logins import Login, Logins
from aoc_common.client.operations import NOT_OFFERED, operation_of
from aoc_common.client.rules import RuleFilters
from aoc_common.errors import BadConfiguration
from each import each
from listening import listening

ROOT = Path(__file__).parents[3]
DOCUMENT = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text("utf-8"))
SECRET = "aoc_" + "s" * 60
#: Parameter of OpenAPI -> what the client calls it.
NAMES = {"format": "form", "if-match": "revision", "if-range": "etag", "range": "first", "slug": "kind"}
#: What filters take.
FILTERS = {"Unpack[Filters]": Filters, "Unpack[AlertFilters]": AlertFilters, "Unpack[RuleFilters]": RuleFilters}
#: Parameters that a method of the client does not take, and why.
NOT_TAKEN = {("GET", "/api/events/export"): {"trailer"}}  # it verifies the export by its receipt


def methods() -> dict[tuple[str, str], Any]:
    """Operation -> the method that asks for it."""
    gateway = Gateway("http://127.0.0.1:1")
    groups = [value for name, value in vars(gateway).items() if not name.startswith("_") and name != "address"]
    found: dict[tuple[str, str], Any] = {}
    for group in groups:
        for name, method in inspect.getmembers(type(group), inspect.isfunction):
            if (marked := operation_of(method)) is not None:
                asked = marked[0], marked[1].replace("{queue}", getattr(group, "queue", ""))
                assert asked not in found, f"{name} asks for what another method asks for"
                found[asked] = method
    return found


def described() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
    }


def test_every_operation_of_the_gateway_has_a_method_or_a_reason_why_it_has_none() -> None:
    offered = methods()

    assert offered.keys() & NOT_OFFERED.keys() == set()
    assert described().keys() - offered.keys() - NOT_OFFERED.keys() == set()
    assert (offered.keys() | NOT_OFFERED.keys()) - described().keys() == set()
    assert all(NOT_OFFERED.values())


@each("asked", sorted(methods()), ids=" ".join)
def test_a_method_takes_every_parameter_of_its_operation(asked) -> None:
    operation, method = described()[asked], methods()[asked]
    wanted = {NAMES.get(one["name"].lower(), one["name"]) for one in operation.get("parameters", ())}
    parameters = inspect.signature(method).parameters
    taken = set(parameters) - {"self"}
    if "filters" in taken:
        taken = taken - {"filters"} | FILTERS[parameters["filters"].annotation].__annotations__.keys()
    bodies = {"request", "settings", "text"} if "requestBody" in operation else set()

    assert wanted - taken - NOT_TAKEN.get(asked, set()) == set()
    assert taken - wanted - bodies == set()


class Answers:
    """A server that answers one after the other; the last one again and again."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, str | None]] = []

    async def __call__(self, scope, receive, send) -> None:
        headers = {name: value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["method"], scope["path"], headers.get(b"authorization")))
        if scope["path"].startswith("/problems/"):
            answer: Response = JSONResponse({"title": "t", "status": 400, "help": f"about {scope['path'][10:]}"})
        else:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await answer(scope, receive, send)

    @property
    def times(self) -> int:
        return sum(not path.startswith("/problems/") for _, path, _ in self.asked)


def problem(status: int, kind: str = "k", **headers: str) -> Response:
    body = {"type": f"/problems/{kind}", "title": "T", "status": status, "detail": "What was wrong.", "more": 1}
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(body), status, {"X-Request-Id": "r1", **headers}, "application/problem+json")


VERSION = {"name": "AOC gateway", "version": "9", "new": {"of": "later"}}


@asynccontextmanager
async def asking(answers: Answers, **options: Any):
    async with listening(answers) as address, Gateway(address, Secret(SECRET), Options(**options)) as gateway:
        yield gateway


async def test_an_answer_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    answers = Answers(JSONResponse(VERSION))
    async with asking(answers) as gateway:
        assert (await gateway.system.version()).version == "9"

    assert answers.asked == [("GET", "/api/version", f"Bearer {SECRET}")]


@each(
    ("status", "kind"),
    [
        (400, Invalid), (401, NotSignedIn), (403, NotAllowed), (404, Absent), (408, Invalid), (409, Conflict),
        (412, Conflict), (413, Invalid), (422, Invalid), (428, Conflict), (500, Unavailable), (503, Unavailable),
    ],
)  # fmt: skip
async def test_a_problem_is_raised_with_what_is_known_of_it(status, kind) -> None:
    async with asking(Answers(problem(status, "some-kind")), attempts=1) as gateway:
        with pytest.raises(Problem) as raised:
            await gateway.access.me()

    error = raised.value
    assert type(error) is kind
    assert (error.type, error.status, error.detail) == ("some-kind", status, "What was wrong.")
    assert (error.advice, error.request_id) == ("about some-kind", "r1")
    assert str(error) == "What was wrong. (request r1)"


@each(
    ("answer", "ask", "times"),
    [
        # What is asked too often was not begun, whatever it was.
        (problem(429, Retry_After="1"), "read", 2),
        (problem(429, Retry_After="1"), "change", 2),
        (problem(503, Retry_After="1"), "read", 2),
        # It may have been done.
        (problem(503, Retry_After="1"), "change", 1),
        # To ask for the same again would take as long again.
        (problem(503, "took-too-long", Retry_After="1"), "read", 1),
        # Nobody waits for so long.
        (problem(429, Retry_After="3"), "read", 1),
        (problem(429, Retry_After="Fri, 31 Dec 2066 23:59:59 GMT"), "read", 1),
        (problem(500), "read", 1),
        (problem(404), "read", 1),
    ],
)
async def test_a_request_is_sent_again_when_that_may_help_and_as_the_gateway_asks(answer, ask, times) -> None:
    answers = Answers(answer, JSONResponse(VERSION))
    async with asking(answers, longest_wait_s=2) as gateway:
        began = datetime.now(UTC)
        try:
            await (gateway.system.version() if ask == "read" else gateway.access.take_back("a1"))
        except Problem:
            assert times == 1
        waited = (datetime.now(UTC) - began).total_seconds()

    assert answers.times == times
    assert times == 1 or waited >= 1


async def test_attempts_end() -> None:
    answers = Answers(problem(429, Retry_After="0"))
    async with asking(answers, attempts=2) as gateway:
        with pytest.raises(TooOften):
            await gateway.system.version()

    assert answers.times == 2


@each(
    "answer",
    [
        Response("<html>", 200, media_type="text/html"),
        JSONResponse([1]),
        JSONResponse({"name": 1}),
        Response("no", 502),
        Response("{", 404, media_type="application/problem+json"),
        Response("", 302, {"Location": "http://127.0.0.1:1/"}),
    ],
)
async def test_what_no_gateway_answers_is_named_and_no_secret_with_it(answer) -> None:
    answers = Answers(answer)
    async with asking(answers) as gateway:
        with pytest.raises(Unexpected) as raised:
            await gateway.system.version()

    assert "GET http://127.0.0.1" in str(raised.value)
    assert SECRET not in repr(raised.value)
    assert answers.times == 1


async def test_an_answer_without_end_is_given_up() -> None:
    async with asking(Answers(Response(b" " * 2_000)), answer_bytes=1_000) as gateway:
        with pytest.raises(Unexpected, match="more than 1,000 bytes"):
            await gateway.system.version()


async def test_nobody_there_is_told_after_some_attempts() -> None:
    async with Gateway("http://127.0.0.1:1", Secret(SECRET), Options(attempts=2)) as gateway:
        with pytest.raises(Disconnected, match="/api/me") as raised:
            await gateway.access.me()

    assert SECRET not in repr(raised.value)


def test_no_secret_is_in_what_is_printed() -> None:
    gateway = Gateway("http://localhost:1", Secret(SECRET))
    seen = [repr(gateway), repr(gateway._connection), repr(Secret(SECRET)), str(vars(gateway._connection))]

    assert SECRET not in "".join(seen)


@each(
    "address", ["http://aoc.example", "https://aoc.example/api", "https://a:b@aoc.example", "ftp://aoc.example", "aoc"]
)
def test_no_secret_is_sent_where_others_read_it(address) -> None:
    with pytest.raises(BadConfiguration, match="must be"):
        Gateway(address, Secret(SECRET))


async def test_a_login_is_shown_to_its_own_gateway_only(tmp_path) -> None:
    logins, answers = Logins(tmp_path), Answers(JSONResponse(VERSION))
    async with listening(answers) as address, Gateway(address, SignedIn(logins)) as gateway:
        with pytest.raises(BadConfiguration, match="not signed in at"):
            await gateway.system.version()
        logins.keep(Login(address, "c", "s", "http://127.0.0.1:1/token", "the-token", 4e9))
        await gateway.system.version()

    assert [shown for _, _, shown in answers.asked] == ["Bearer the-token"]


def test_certificates_are_read_from_a_file_that_must_be_one(tmp_path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    for name in ("ca.pem", "absent.pem"):
        with pytest.raises(BadConfiguration, match="no file of certificates"):
            Gateway("https://aoc.example", None, Options(ca=tmp_path / name))
