"""What a client is told when something is wrong, and what is told to nobody."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from aoc_api import problems
from aoc_common.settings import MongoSettings
from each import each
from signing_in import known

ID = "019ab0c4-2f40-8a1b-9c2d-0123456789ab"
EVERY_ANSWER = {
    "/": 200,
    "/livez": 200,
    "/openapi.json": 200,
    "/metrics": 200,
    "/health": 200,
    "/api/events": 200,
    "/api/facets": 200,
    "/problems/internal": 200,
    "/api/events/": 307,
    "/api/events?cursor=x": 400,
    f"/api/events/{ID}": 404,
    "/nothing": 404,
    "/api/facets?top=0": 422,
}


def problem(answer, status, slug):
    """The document of a problem, after looking at what all of them have."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, problems.MEDIA_TYPE)
    document = answer.json()
    assert (document["type"], document["status"]) == (f"/problems/{slug}", status)
    assert document["title"]
    assert len(document["trace_id"]) == 32
    return document


@each(
    ("path", "name"),
    [
        ("/api/events?page_size=0", "page_size"),
        ("/api/events?page_size=501", "page_size"),
        ("/api/events?page_size=many", "page_size"),
        ("/api/events?sourc=x", "sourc"),
        ("/api/facets?page_size=5", "page_size"),
        (f"/api/events/{ID}?tenent=fabrikam", "tenent"),
        ("/api/events/17", "event_id"),
        (f"/api/events/{ID}?tenant=A.*", "tenant"),
        ("/api/events?tenant=contoso%0A", "tenant"),
        ("/api/events?tenant[$ne]=x", "tenant[$ne]"),
        ("/api/events?actor=", "actor"),
        ("/api/events?actor=%20", "actor"),
        ("/api/events?operation=%20.%20", "operation"),
        (f"/api/events?actor={'x' * 2001}", "actor"),
        ("/api/events?result=maybe", "result"),
        ("/api/events?ip=203.0.113", "ip"),
        ("/api/events?ip=203.0.113.0/33", "ip"),
        ("/api/events?ip=203.0.113.9/24", "ip"),
        ("/api/events?q=actr:dana", "q"),
        ("/api/events?q=dana%20%22inbox", "q"),
        ("/api/events?start=yesterday", "start"),
        ("/api/events?start=2026-11-23T08:00:00Z&end=2026-11-23T08:00:00Z", "end"),
        ("/api/events?start=2026-11-23T08:00:00Z&end=2026-11-23T08:30:00%2B01:00", "end"),
        ("/api/facets?start=2026-11-23&end=2026-11-22", "end"),
        ("/api/events?q=%20.%20-%20%22%22", "q"),
        (f"/api/events?q={'+'.join(map(str, range(10, 43)))}", "q"),
        (f"/api/events?cursor={'A' * 201}", "cursor"),
    ],
)
async def test_a_wrong_parameter_is_refused_by_name(gateway, path, name) -> None:
    document = problem(await gateway.client.get(path), 422, "invalid-parameters")

    assert [error["name"] for error in document["errors"]] == [name]
    assert name in document["detail"]


async def test_every_wrong_parameter_is_named(gateway) -> None:
    answer = await gateway.get("/api/events", page_size=0, result="maybe", start="yesterday")

    assert {error["name"] for error in answer.json()["errors"]} == {"page_size", "result", "start"}


@each("slug", problems.KINDS)
async def test_every_type_of_a_problem_leads_to_what_to_do_about_it(gateway, slug) -> None:
    kind = problems.KINDS[slug]
    page = await gateway.get(json.loads(problems.respond(slug, "x").body)["type"])

    assert page.status_code == 200
    assert page.json() == {"title": kind.title, "status": kind.status, "help": kind.help}


async def test_an_unknown_kind_and_an_unknown_address_are_not_found(gateway) -> None:
    problem(await gateway.get("/problems/nothing"), 404, "not-found")
    problem(await gateway.get("/api/nothing"), 404, "not-found")


async def test_a_wrong_method_is_told_the_right_one(gateway) -> None:
    answer = await gateway.client.delete("/api/events")

    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.slow
@pytest.mark.parametrize("by_token", [False, True])  # a token is verified without the database
async def test_while_the_database_is_away_a_client_is_told_when_to_try_again(serving, by_token) -> None:
    gateway = await serving(MongoSettings(uri="mongodb://user:hunter2@127.0.0.1:1", timeout_s=0.1))
    if by_token:
        gateway.app.state.services = replace(gateway.app.state.services, authenticate=known)
    paths = ("/api/events", "/api/facets", f"/api/events/{ID}")
    answers = await asyncio.gather(*(gateway.get(path) for path in paths))

    for answer in answers:
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert hardened(answer)
        assert "hunter2" not in answer.text
        assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize(
    "host",
    [
        "aoc.example",
        "aoc.example:8080",
        "localhost.aoc.example",
        "127.0.0.1.aoc.example",
        "10.0.0.1",
        "[fe80::1]:8080",
        "",
    ],
)
async def test_a_request_under_another_name_is_refused(gateway, host) -> None:
    answer = await gateway.client.get("/api/events", headers={"Host": host})

    problem(answer, 421, "misdirected")


@each("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.0.0.2:8080", "[::1]", "[::1]:8080"])
async def test_a_request_under_a_name_of_this_machine_is_served(gateway, host) -> None:
    assert (await gateway.client.get("/api/events", headers={"Host": host})).status_code == 200


@each("path", [path for path in EVERY_ANSWER if path != "/api/events/"])
async def test_head_has_the_status_and_the_headers_of_get_and_no_body(gateway, path) -> None:
    got, asked = await gateway.client.get(path), await gateway.client.head(path)
    of_one_request = {"x-request-id", "x-correlation-id", "traceresponse", "traceparent", "ratelimit"}
    ours = {*of_one_request, "content-length"}

    assert (asked.status_code, asked.content) == (got.status_code, b"")
    assert {name: asked.headers[name] for name in asked.headers if name not in ours} == {
        name: got.headers[name] for name in got.headers if name not in ours
    }
    assert "content-length" in asked.headers


async def test_head_of_what_changes_something_is_refused(gateway) -> None:
    answer = await gateway.client.head("/api/fetch-audit-logs")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_the_index_lists_every_route_that_the_description_has(gateway) -> None:
    index = (await gateway.get("/")).json()
    described = (await gateway.get(index["openapi"])).json()["paths"]
    listed: dict[str, set[str]] = {}
    for route in index["routes"]:
        listed.setdefault(route["path"], set()).update(route["methods"])

    assert set(listed) == {*described, "/", "/livez", "/readyz", "/openapi.json"}
    for path, operations in described.items():
        assert {method.upper() for method in operations} | ({"HEAD"} if "get" in operations else set()) == listed[path]
    assert all(route["summary"] for route in index["routes"])


@pytest.mark.parametrize(
    ("path", "location", "name"),
    [
        ("/api/events?cursor=x", "query", "cursor"),
        (f"/api/events/{ID}", "path", "event_id"),
        (f"/api/events/{ID}/versions", "path", "event_id"),
        ("/api/events?tenant=contoso&tenant=fabrikam", "query", "tenant"),
    ],
)
async def test_a_problem_that_a_parameter_makes_names_it(gateway, path, location, name) -> None:
    errors = (await gateway.client.get(path)).json()["errors"]

    assert [(error["location"], error["name"]) for error in errors] == [(location, name)]
    assert errors[0]["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1, "])
async def test_a_body_that_is_no_json_is_called_the_body(gateway, body) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await gateway.client.post("/api/fetch-audit-logs", content=body, headers=headers)

    assert [error["name"] for error in problem(answer, 422, "invalid-parameters")["errors"]] == ["body"]


HARDENED = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "strict-transport-security": None,
    "access-control-allow-origin": None,
}


def hardened(answer):
    return {name: answer.headers.get(name) for name in HARDENED} == HARDENED


async def test_every_answer_has_the_headers_that_keep_browsers_from_harm(gateway) -> None:
    answers = {path: await gateway.client.get(path) for path in EVERY_ANSWER}
    identities = {answer.headers["x-request-id"] for answer in answers.values()}

    assert {path: answer.status_code for path, answer in answers.items()} == EVERY_ANSWER
    assert [path for path, answer in answers.items() if not hardened(answer)] == []
    assert len(identities) == len(answers)
    assert hardened(await gateway.client.get("/", headers={"Host": "aoc.example"}))
    assert hardened(await gateway.client.delete("/api/events"))


async def test_a_page_may_load_nothing_send_no_form_and_stand_in_no_frame(gateway) -> None:
    page = await gateway.client.get("/auth/login")

    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


async def test_browsers_are_told_to_stay_with_tls_only_over_tls(serving, mongo_settings, store) -> None:
    proxied = await serving(mongo_settings, trusted_proxies=["127.0.0.1/32"])
    plain = await proxied.client.get("/livez")
    encrypted = await proxied.client.get("/livez", headers={"X-Forwarded-Proto": "https"})

    assert "strict-transport-security" not in plain.headers
    assert encrypted.headers["strict-transport-security"].startswith("max-age=31536000")


async def test_a_fault_is_told_by_its_trace_and_not_by_its_details(gateway, monkeypatch) -> None:
    async def fail(*_):
        raise RuntimeError("hunter2")

    monkeypatch.setattr(gateway.app.state.services.search, "_find", fail)
    answer = await gateway.client.get("/api/events", headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
    document = problem(answer, 500, "internal")
    (failed,) = [entry for entry in gateway.logged if entry["event"] == "request.failed"]

    assert document["trace_id"] == "ab" * 16
    assert set(document) == {"type", "title", "status", "detail", "trace_id"}
    assert "hunter2" not in answer.text
    assert hardened(answer)
    assert failed["request_id"] == answer.headers["x-request-id"]
    assert failed["exc_info"]


async def test_requests_are_counted_by_route_and_not_by_address(gateway) -> None:
    for path in (f"/api/events/{ID}", "/api/events/secret", "/secret/address", "/api/events?q=secret"):
        await gateway.client.get(path)
    metrics = (await gateway.get("/metrics")).text

    assert 'aoc_api_requests_total{method="GET",route="/api/events/{event_id}",status="404"}' in metrics
    assert 'aoc_api_requests_total{method="GET",route="/api/events/{event_id}",status="422"}' in metrics
    assert 'aoc_api_requests_total{method="GET",route="/api/events",status="200"}' in metrics
    assert 'aoc_api_requests_total{method="GET",route="unmatched",status="404"}' in metrics
    assert "secret" not in metrics
    assert ID not in metrics
