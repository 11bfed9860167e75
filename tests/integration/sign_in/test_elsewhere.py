"""Off this machine: only over TLS, only under listed names, and proxies are believed when they are listed."""

from __future__ import annotations

import httpx
import pytest

from each import each
from signing_in import bearer, make_key

PROXY, STRANGER = "10.0.0.5", "198.51.100.7"


@pytest.fixture
async def asking(installed, database):
    """`await asking(peer, headers, path)`: a request that comes from that address, with a key that may do all."""
    aoc = await installed(
        host="0.0.0.0", trusted_proxies=[f"{PROXY}/32"], public_hosts=["aoc.example"], default_tenant="contoso"
    )
    key = bearer(await make_key(database))

    async def ask(peer: str, headers: dict[str, str], path: str = "/api/me", scheme: str = "http") -> httpx.Response:
        transport = httpx.ASGITransport(aoc.app, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://inside:8080") as client:
            return await client.get(path, headers=key | headers)

    return ask


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "aoc.example", "X-Forwarded-For": STRANGER}


async def test_who_comes_through_the_listed_proxy_is_served_as_over_tls(asking) -> None:
    answer = await asking(PROXY, FORWARDED)

    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"].startswith("max-age=")


@each(
    ("peer", "headers", "problem"),
    [
        # A stranger says what only the proxy may say.
        (STRANGER, FORWARDED, "misdirected"),
        (STRANGER, FORWARDED | {"Host": "aoc.example"}, "insecure"),
        (STRANGER, {"Host": "aoc.example"}, "insecure"),
        (STRANGER, {"Host": "localhost"}, "insecure"),
        (STRANGER, {"Host": "127.0.0.1:8080", "X-Forwarded-For": "127.0.0.1"}, "insecure"),
        # The proxy passes on what came to it in the clear, or under another name, or does not say.
        (PROXY, FORWARDED | {"X-Forwarded-Proto": "http"}, "insecure"),
        (PROXY, {"Host": "aoc.example"}, "insecure"),
        (PROXY, FORWARDED | {"X-Forwarded-Host": "evil.example"}, "misdirected"),
        (PROXY, FORWARDED | {"X-Forwarded-Host": "aoc.example.evil.example"}, "misdirected"),
        ("127.0.0.1", {"Host": "aoc.example"}, "insecure"),
    ],
)
async def test_whatever_else_comes_is_refused_before_its_key_is_looked_at(asking, peer, headers, problem) -> None:
    answer = await asking(peer, headers)

    assert answer.json()["type"] == f"/problems/{problem}"


async def test_this_machine_may_speak_plain_http_with_itself_and_probes_with_all(asking) -> None:
    here = await asking("127.0.0.1", {"Host": "localhost:8080"})
    probe = await asking(STRANGER, {"Host": "localhost"}, "/livez")

    assert (here.status_code, probe.status_code) == (200, 200)
    assert "strict-transport-security" not in here.headers


async def test_over_tls_the_cookie_is_of_this_host_alone(asking, installed) -> None:
    answer = await asking(STRANGER, {"Host": "aoc.example"}, "/auth/login", scheme="https")
    cookie = answer.headers["set-cookie"]

    assert cookie.startswith("__Host-aoc-sign-in=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "redirect_uri=https%3A%2F%2Faoc.example%2Fauth%2Fcallback" in answer.headers["location"]
