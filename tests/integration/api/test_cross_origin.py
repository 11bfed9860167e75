"""Pages of other origins: none may use the gateway but those that are listed, and never with a session's cookie."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aoc_api.settings import ApiOptions
from each import each

OURS, THEIRS = "https://dashboard.example", "https://dashboard.example.evil"


@pytest.fixture
async def shared(serving, mongo_settings, store):
    """A gateway that pages of one other origin may use."""
    return await serving(mongo_settings, cors_origins=[OURS])


def preflight(origin, method="PATCH", headers="authorization,if-match"):
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


def granted(answer):
    return {name: answer.headers[name] for name in answer.headers if name.startswith("access-control-allow-")}


async def test_a_listed_origin_is_named_and_no_other(shared) -> None:
    ours = await shared.client.get("/api/events", headers={"Origin": OURS})
    theirs = await shared.client.get("/api/events", headers={"Origin": THEIRS})

    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (200, OURS)
    assert "access-control-allow-credentials" not in ours.headers
    assert "ratelimit" in ours.headers["access-control-expose-headers"].lower()
    assert granted(theirs) == {}


@pytest.mark.parametrize("origin", [OURS, THEIRS, None, "null"])
async def test_every_answer_says_that_it_depends_on_the_origin(shared, origin) -> None:
    for path in ("/livez", "/api/events", "/nothing"):
        answer = await shared.client.get(path, headers={"Origin": origin} if origin else {})
        assert answer.headers["vary"].split(", ").count("Origin") == 1


async def test_a_browser_that_asks_before_is_told_without_signing_in(shared) -> None:
    del shared.client.headers["authorization"]
    ours = await shared.client.options("/api/tenants/contoso", headers=preflight(OURS))
    theirs = await shared.client.options("/api/tenants/contoso", headers=preflight(THEIRS))
    odd = await shared.client.options("/api/tenants/contoso", headers=preflight(OURS, headers="x-odd"))

    assert ours.status_code == 200
    assert granted(ours)["access-control-allow-origin"] == OURS
    assert "PATCH" in granted(ours)["access-control-allow-methods"]
    assert ours.headers["x-content-type-options"] == "nosniff"
    assert (theirs.status_code, "access-control-allow-origin" in theirs.headers) == (400, False)
    assert odd.status_code == 400


async def test_a_problem_can_be_read_by_a_listed_origin_too(shared) -> None:
    del shared.client.headers["authorization"]
    answer = await shared.client.get("/api/events", headers={"Origin": OURS})

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, OURS)


async def test_by_default_no_origin_is_granted_anything(gateway) -> None:
    answers = [
        await gateway.client.get("/api/events", headers={"Origin": OURS}),
        await gateway.client.options("/api/events", headers=preflight(OURS)),
    ]

    assert [granted(answer) for answer in answers] == [{}, {}]


@each(
    "origin",
    [
        "*",
        "null",
        "",
        "dashboard.example",
        "https://",
        "https://dashboard.example/",
        "https://dashboard.example/app",
        "https://Dashboard.example",
        "https://*.example",
        "https://user@dashboard.example",
        "https://dashboard.example?x",
        "http://dashboard.example",
        "ftp://dashboard.example",
        "https://dashboard.example:port",
        "https://dashboard.example:443",
        "http://localhost:80",
    ],
)
def test_what_is_no_origin_of_its_own_is_refused_as_a_setting(origin) -> None:
    with pytest.raises(ValidationError, match="cors_origins"):
        ApiOptions(cors_origins=[origin])


@each("origin", [OURS, "https://dashboard.example:8443", "http://localhost:5173", "http://[::1]:5173"])
def test_an_origin_is_one(origin) -> None:
    assert ApiOptions(cors_origins=[origin]).cors_origins == [origin]
