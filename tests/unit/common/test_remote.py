"""What `http` makes of a server of which it knows nothing but what its caller says."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from aoc_common import http
from aoc_common.errors import Refused, Throttled, Unreachable
from each import each

ADDRESS = "https://siem.example/x"


async def ask(response: httpx.Response, remote: http.Remote) -> http.Answer:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: response)) as client:
        return await http.send(client, "POST", ADDRESS, remote)


async def test_what_an_error_says_is_read_as_the_caller_reads_it() -> None:
    remote = http.Remote("siem", read_error=lambda body: ("9", body.decode()))

    with pytest.raises(Refused, match=r"^siem: 400 9 server is busy$") as caught:
        await ask(httpx.Response(400, text="server is busy"), remote)

    assert (caught.value.status, caught.value.code) == (400, "9")


async def test_which_answers_throttle_is_what_the_caller_says() -> None:
    remote = http.Remote("siem", lambda body: (body.decode(), ""), lambda status, code: (status, code) == (503, "9"))

    with pytest.raises(Throttled) as caught:
        await ask(httpx.Response(503, text="9", headers={"Retry-After": "4"}), remote)
    with pytest.raises(Unreachable):
        await ask(httpx.Response(503, text="8"), remote)
    with pytest.raises(Refused):
        await ask(httpx.Response(429), remote)

    assert caught.value.retry_after == 4.0


@each(("status", "error"), [(429, Throttled), (503, Unreachable), (408, Unreachable), (403, Refused), (404, Refused)])
async def test_of_a_server_of_which_nothing_is_said_the_status_counts(status: int, error: type[Exception]) -> None:
    body = {"error": {"code": "AF429", "message": "slower"}}

    with pytest.raises(error, match=f"^siem: {status}$"):
        await ask(httpx.Response(status, json=body), http.Remote("siem"))


async def test_every_request_is_observed_with_its_outcome_and_how_long_it_took() -> None:
    observed: list[tuple[str, float]] = []
    remote = http.Remote("siem", observe=lambda outcome, seconds: observed.append((outcome, seconds)))
    await ask(httpx.Response(204), remote)
    with pytest.raises(Throttled):
        await ask(httpx.Response(429), remote)

    assert [outcome for outcome, _ in observed] == ["204", "429"]
    assert all(0 < seconds < 5 for _, seconds in observed)


def test_the_common_client_knows_nothing_of_microsoft() -> None:
    text = Path(http.__file__).read_text("utf-8")

    assert re.findall(r"(?i)microsoft|graph|entra|aadsts|AF\d+|management", text) == []
