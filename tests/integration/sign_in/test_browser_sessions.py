"""A browser signs in through the identity provider, and nobody signs it in as somebody else."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from aoc_common.contracts.audit import INSTALLATION
from aoc_common.store.audit_trail import AuditQuery
from each import each

AOC = "http://127.0.0.1:8080"


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def test_a_person_signs_in_and_has_the_role_that_the_directory_says(browser) -> None:
    done = await browser.sign_in("analyst", return_to="/api/events?tenant=contoso")
    me = (await browser.client.get("/api/me")).json()
    events = await browser.client.get("/api/events", params={"tenant": "contoso"})

    assert (done.status_code, done.headers["location"]) == (303, "/api/events?tenant=contoso")
    assert (me["means"], me["kind"], [grant["role"] for grant in me["grants"]]) == ("session", "person", ["analyst"])
    assert events.status_code == 200


async def test_a_browser_that_signed_in_from_nowhere_else_sees_a_page_and_a_program_the_addresses(browser) -> None:
    done = await browser.sign_in("analyst")
    seen, asked = await browser.visit(done.headers["location"]), await browser.client.get("/")
    links = re.findall(r'<a href="(/[^"]*)">', seen.text)

    assert (done.headers["location"], seen.headers["content-type"]) == ("/", "text/html; charset=utf-8")
    assert "You are signed in." in seen.text
    assert {link: (await browser.visit(link)).status_code for link in links} == dict.fromkeys(links, 200)
    assert {route["path"] for route in asked.json()["routes"]} > {link for link in links if link != "/openapi.json"}


async def test_the_cookie_is_of_a_kind_that_scripts_and_other_sites_do_not_get(browser) -> None:
    done = await browser.sign_in()
    cookie = next(one for one in done.headers.get_list("set-cookie") if one.startswith("aoc-session-8080="))

    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert len(browser.secret) >= 43


async def test_a_session_has_the_roles_of_its_sign_in_until_somebody_ends_it(aoc, browser) -> None:
    superadmin, tenant = await aoc.browser(), {"params": {"tenant": "contoso"}}
    await superadmin.sign_in("superadmin")
    await browser.sign_in("analyst")
    browser.take_away("analyst")
    meanwhile = await browser.client.get("/api/events", **tenant)
    me = (await browser.client.get("/api/me")).json()["principal"]
    listed = (await superadmin.client.get("/api/sessions", params={"everybody": True})).json()["items"]
    for session in (session for session in listed if session["principal"] == me):
        ended = await superadmin.fetch("DELETE", f"/api/sessions/{session['id']}", params={"everybody": True})
        assert ended.status_code == 204

    assert meanwhile.status_code == 200
    assert (await browser.client.get("/api/events", **tenant)).status_code == 401


async def test_somebody_without_a_role_signs_in_and_may_nothing(browser) -> None:
    await browser.sign_in(None)

    assert (await browser.client.get("/api/me")).json()["grants"] == []
    assert (await browser.client.get("/api/events", params={"tenant": "contoso"})).status_code == 403


async def test_nobody_is_asked_to_sign_in_twice_and_a_visitor_is_led_there(browser) -> None:
    led = await browser.visit("/api/events?tenant=contoso")
    asked = query(led.headers["location"])
    await browser.sign_in(return_to=asked["return_to"])

    assert (led.status_code, urlsplit(led.headers["location"]).path) == (303, "/auth/login")
    assert asked["return_to"] == "/api/events?tenant=contoso"
    assert (await browser.visit("/api/events?tenant=contoso")).status_code == 200


async def test_an_answer_is_good_once(browser) -> None:
    answer = await browser.answer_of_entra()
    kept = browser.client.cookies.get("aoc-sign-in-8080")
    first = await browser.visit(answer)
    second = await browser.visit(answer)
    browser.client.cookies.set("aoc-sign-in-8080", kept, domain="127.0.0.1")
    with_cookie = await browser.visit(answer)

    assert (first.status_code, second.status_code, with_cookie.status_code) == (303, 403, 403)
    assert not [cookie for cookie in with_cookie.headers.get_list("set-cookie") if "aoc-session" in cookie]


async def test_an_answer_to_another_browser_signs_nobody_in(aoc, browser) -> None:
    stranger = await aoc.browser()
    answer = await browser.answer_of_entra()
    await stranger.answer_of_entra()

    without, other = await (await aoc.browser()).visit(answer), await stranger.visit(answer)
    assert (without.status_code, other.status_code) == (403, 403)
    assert stranger.secret is None


@pytest.mark.parametrize(
    "change",
    [{"state": "x"}, {"state": ""}, {"code": "x"}, {"code": ""}, {"error": "access_denied", "code": ""}],
    ids=["state", "no-state", "code", "no-code", "denied"],
)
async def test_an_answer_that_was_changed_signs_nobody_in(browser, change) -> None:
    answer = await browser.answer_of_entra()
    parts = query(answer) | change
    done = await browser.visit(f"/auth/callback?{urlencode({k: v for k, v in parts.items() if v})}")

    assert (done.status_code, browser.secret) == (403, None)
    assert "<script" not in done.text
    assert '<a href="/auth/login">' in done.text


async def test_an_answer_without_its_cookie_whole_signs_nobody_in(browser) -> None:
    answer = await browser.answer_of_entra()
    kept = browser.client.cookies.get("aoc-sign-in-8080")
    for forged in (kept[:-1], f"x{kept}", "x", ""):
        browser.client.cookies.clear()
        browser.client.cookies.set("aoc-sign-in-8080", forged, domain="127.0.0.1")

        assert (await browser.visit(answer)).status_code == 403
    # Another page of the same host, or a sibling's, tosses one of its own in.
    browser.client.cookies.clear()
    tossed = await browser.client.get(answer, headers={"Cookie": f"aoc-sign-in-8080={kept}; aoc-sign-in-8080={kept}"})
    assert tossed.status_code == 403


async def test_a_session_from_before_is_not_the_session_afterwards(aoc, browser) -> None:
    """Session fixation: who knows the cookie from before knows nothing afterwards."""
    await browser.sign_in("reader")
    before = browser.secret
    await browser.sign_in("analyst")
    attacker = await aoc.browser()
    attacker.client.cookies.set("aoc-session-8080", before, domain="127.0.0.1")

    assert browser.secret != before
    assert (await attacker.client.get("/api/me")).status_code == 401


async def test_a_secret_that_somebody_made_up_becomes_no_session(aoc, browser) -> None:
    made_up = "chosen-by-an-attacker-who-then-waits-for-it"
    browser.client.cookies.set("aoc-session-8080", made_up, domain="127.0.0.1")
    done = await browser.sign_in()
    attacker = await aoc.browser()
    attacker.client.cookies.set("aoc-session-8080", made_up, domain="127.0.0.1")

    assert done.status_code == 303
    assert all(made_up not in cookie for cookie in done.headers.get_list("set-cookie"))
    assert (await attacker.client.get("/api/me")).status_code == 401


@each(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/ /evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/auth/logout",
        "/" + "x" * 2001,
        "/%0d%0aSet-Cookie:x=y".replace("%0d%0a", "\r\n"),
    ],
)
async def test_nobody_is_sent_to_another_site_after_the_sign_in(browser, target) -> None:
    done = await browser.sign_in(return_to=target)

    assert (done.status_code, done.headers["location"]) == (303, "/")


async def test_two_cookies_of_the_same_name_are_of_nobody(browser) -> None:
    await browser.sign_in()
    tossed = await browser.client.get(
        "/api/me", headers={"Cookie": f"aoc-session-8080=x; aoc-session-8080={browser.secret}"}
    )

    assert (tossed.status_code, tossed.json()["type"]) == (400, "/problems/ambiguous-credentials")


async def test_a_cookie_and_a_token_together_are_of_nobody(browser) -> None:
    await browser.sign_in()
    both = await browser.client.get("/api/me", headers={"Authorization": "Bearer x"})

    assert (both.status_code, both.json()["type"]) == (400, "/problems/ambiguous-credentials")


async def test_signing_out_ends_the_session_everywhere(aoc, browser, installed) -> None:
    await browser.sign_in()
    thief, secret = await (await installed()).browser(), browser.secret
    thief.client.cookies.set("aoc-session-8080", secret, domain="127.0.0.1")
    shared = await thief.client.get("/api/me")
    forged = await browser.client.post("/auth/logout", headers={"Origin": "https://evil.example"})
    out = await browser.fetch("POST", "/auth/logout")
    browser.client.cookies.set("aoc-session-8080", secret, domain="127.0.0.1")

    assert (shared.status_code, forged.status_code, out.status_code) == (200, 403, 204)
    assert (await browser.client.get("/api/me")).status_code == 401
    fresh = await (await installed()).browser()
    fresh.client.cookies.set("aoc-session-8080", secret, domain="127.0.0.1")
    assert (await fresh.client.get("/api/me")).status_code == 401


async def test_one_sees_and_ends_ones_own_sessions_and_a_superadmin_everybodys(aoc, browser) -> None:
    other, admin = await aoc.browser(), await aoc.browser()
    await browser.sign_in("reader")
    await other.sign_in("analyst")
    await admin.sign_in("superadmin")
    own = (await browser.client.get("/api/sessions")).json()["items"]
    everybodys = await browser.client.get("/api/sessions", params={"everybody": True})
    all_of_them = (await admin.client.get("/api/sessions", params={"everybody": True})).json()["items"]
    theirs = next(one["id"] for one in all_of_them if one["name"] != own[0]["name"] and not one["current"])
    refused = await browser.fetch("DELETE", f"/api/sessions/{theirs}")
    ended = await admin.fetch("DELETE", f"/api/sessions/{theirs}?everybody=true")

    assert ([one["current"] for one in own], everybodys.status_code, len(all_of_them)) == ([True], 403, 3)
    assert (refused.status_code, ended.status_code) == (404, 204)
    assert (await other.client.get("/api/me")).status_code == 401


async def test_neither_logs_nor_answers_hold_what_opens_a_session(aoc, browser) -> None:
    answer = await browser.answer_of_entra()
    done = await browser.visit(answer)
    session = browser.secret
    bodies = [done.text, *[(await browser.client.get(path)).text for path in ("/api/me", "/api/sessions", "/metrics")]]
    refused = await browser.visit(answer)
    await browser.fetch("POST", "/auth/logout")
    written = "\n".join([*map(str, aoc.logged), *bodies, refused.text])

    assert session
    assert "sign_in.done" in written
    for secret in (session, query(answer)["code"], query(answer)["state"]):
        assert secret not in written


async def test_who_signed_out_is_noted(aoc, browser) -> None:
    await browser.sign_in()
    me = (await browser.client.get("/api/me")).json()["principal"]
    await browser.fetch("POST", "/auth/logout")
    trail = aoc.app.state.services.audit_entries
    async with asyncio.timeout(10):
        while not (found := await trail.search(AuditQuery(INSTALLATION, action="sign-out"))):
            await asyncio.sleep(0.05)

    assert [(entry.actor, entry.outcome) for entry in found] == [(me, "success")]
