"""What holds at every route there is."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import ResponseValidationError
from pydantic import BaseModel
from pymongo import errors as mongo_errors
from starlette.exceptions import HTTPException

from access_table import request, rows
from aoc_api import problems
from aoc_api.bodies import MAX_BODY
from aoc_api.settings import LimitOptions
from aoc_common import errors as ours
from signing_in import known

if TYPE_CHECKING:
    import httpx

SECRET = "hunter2 mongodb://root:hunter2@db.internal:27017 /run/secrets/key"
EVENT = "019ab0c4-2f40-8a1b-9c2d-0123456789ab"
#: Whose bodies are read; those of the webhooks are off here, and their addresses are none.
WITH_BODY = [row for row in rows() if "json" in request(row, "contoso", EVENT) or row.method in {"PUT", "PATCH"}]


def sent(row: Any) -> dict[str, Any]:
    """A request for a row, without what is read from its body."""
    made = request(row, "contoso", EVENT)
    made.pop("json", None)
    return made


def kind(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def test_a_body_that_says_it_is_too_large_is_refused_everywhere(gateway) -> None:
    headers = {"Content-Length": str(MAX_BODY + 1), "Content-Type": "application/json"}
    answers = {row.name: kind(await gateway.client.request(**sent(row), headers=headers)) for row in rows()}

    assert answers == dict.fromkeys(answers, (413, "/problems/too-large"))


async def test_a_body_that_is_too_large_and_does_not_say_so_is_read_no_further(gateway) -> None:
    read = dict.fromkeys((row.name for row in WITH_BODY), 0)

    async def body(name):
        while read[name] < 1_000:
            read[name] += 1
            yield b" " * 64 * 1024

    headers = {"Content-Type": "application/json"}
    answers = {
        row.name: kind(await gateway.client.request(**sent(row), content=body(row.name), headers=headers))
        for row in WITH_BODY
    }

    assert answers == dict.fromkeys(read, (413, "/problems/too-large"))
    assert max(read.values()) <= MAX_BODY // (64 * 1024) + 2


async def test_a_body_that_does_not_come_is_not_waited_for(serving, mongo_settings, store) -> None:
    hasty = await serving(mongo_settings, limits=LimitOptions(body_s=0.05))

    async def body():
        yield b"{"
        await asyncio.sleep(30)

    headers = {"Content-Type": "application/json"}
    answers = {
        row.name: kind(await hasty.client.request(**sent(row), content=body(), headers=headers)) for row in WITH_BODY
    }

    assert answers == dict.fromkeys(answers, (408, "/problems/too-slow"))


def of_a_model() -> Exception:
    class Model(BaseModel):
        number: int

    try:
        Model(number=SECRET)
    except ValueError as error:
        return error
    raise AssertionError


def of_our_own() -> list[Exception]:
    found: list[Exception] = []
    classes = [ours.AocError]
    while classes:
        classes += (kind := classes.pop()).__subclasses__()
        if kind is not ours.NotFound and kind.__module__ == ours.__name__:  # whose text is written to be shown
            found.append(kind(SECRET))
    return found


RAISED = [
    *of_our_own(),
    *(
        kind(SECRET)
        for kind in (
            mongo_errors.PyMongoError, mongo_errors.AutoReconnect, mongo_errors.ConfigurationError,
            mongo_errors.ExecutionTimeout, mongo_errors.OperationFailure, mongo_errors.DocumentTooLarge,
        )
    ),
    *(
        kind(SECRET)
        for kind in (
            Exception, RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError,
            LookupError, ArithmeticError, OSError, ConnectionError, PermissionError, FileNotFoundError, TimeoutError,
            EOFError, MemoryError, RecursionError, StopAsyncIteration, SystemError, UnicodeError,
            BufferError,
        )
    ),
    UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
    json.JSONDecodeError(SECRET, SECRET, 0),
    ExceptionGroup(SECRET, [ValueError(SECRET)]),
    OSError(2, SECRET, SECRET),
    HTTPException(500, SECRET),
    HTTPException(502, SECRET),
    ResponseValidationError([{"type": "x", "loc": (SECRET,), "msg": SECRET, "input": SECRET}], body=SECRET),
    of_a_model(),
]  # fmt: skip


async def test_whatever_is_raised_inside_tells_nothing_outside(gateway) -> None:
    class Failing:
        async def search(self, *_):
            raise raised

    gateway.app.state.services = replace(gateway.app.state.services, search=Failing(), authenticate=known)
    for raised in RAISED:
        name = type(raised).__name__
        answer = await gateway.get("/api/events")
        document = answer.json()
        whole = answer.text + repr(answer.headers.multi_items())

        assert answer.status_code in {500, 503}, name
        assert answer.headers["content-type"] == problems.MEDIA_TYPE, name
        assert document.keys() <= {"type", "title", "status", "detail", "trace_id"}, name
        for piece in ("hunter2", "db.internal", "/run/secrets", "Traceback", name, "pymongo", ".py"):
            assert piece not in whole, name
        assert (answer.status_code == 500) == (document["type"] == "/problems/internal"), name
        assert answer.status_code == 500 or int(answer.headers["retry-after"]) >= 1, name


async def test_who_sees_the_answer_to_a_fault_can_name_its_line_in_the_log(gateway) -> None:
    class Failing:
        async def search(self, *_):
            raise RuntimeError(SECRET)

    gateway.app.state.services = replace(gateway.app.state.services, search=Failing())
    answer = await gateway.get("/api/events")
    (line,) = [line for line in gateway.logged if line["event"] == "request.failed"]

    assert line["request_id"] == answer.headers["x-request-id"]
