"""What another site has a browser ask with its cookie changes nothing, and shows nothing."""

from __future__ import annotations

import pytest

from each import each

AOC = "http://127.0.0.1:8080"
EVIL = "https://evil.example"
KEY = {"name": "made by a page", "grants": [{"role": "reader", "everything": True}]}


@pytest.fixture
async def admin(browser):
    """A browser in which a superadmin is signed in, and the token of its session."""
    await browser.sign_in("superadmin")
    return browser, (await browser.client.get("/api/me")).json()["csrf_token"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": AOC},
        {"Sec-Fetch-Site": "same-origin"},
        {"X-CSRF-Token": "right"},
        {"Origin": AOC, "X-CSRF-Token": "wrong"},
        {"Origin": AOC, "X-CSRF-Token": ""},
        {"Origin": EVIL, "X-CSRF-Token": "right"},
        {"Origin": "null", "X-CSRF-Token": "right"},
        {"Origin": f"{AOC}.evil.example", "X-CSRF-Token": "right"},
        {"Origin": "https://127.0.0.1:8080", "X-CSRF-Token": "right"},
        {"Origin": "http://127.0.0.1:8081", "X-CSRF-Token": "right"},
        {"Origin": "http://localhost:8080", "X-CSRF-Token": "right"},
        {"Sec-Fetch-Site": "cross-site", "X-CSRF-Token": "right"},
        {"Sec-Fetch-Site": "same-site", "Origin": AOC, "X-CSRF-Token": "right"},
        {"Sec-Fetch-Site": "none", "X-CSRF-Token": "right"},
        {"Sec-Fetch-Site": "cross-site", "Origin": AOC, "X-CSRF-Token": "right"},
    ],
    ids=str,
)
async def test_what_does_not_come_from_a_page_of_ours_changes_nothing(admin, headers) -> None:
    browser, token = admin
    headers = {name: token if value == "right" else value for name, value in headers.items()}
    answer = await browser.client.post("/api/api-keys", json=KEY, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/cross-site")
    assert (await browser.client.get("/api/api-keys")).json()["items"] == []


async def test_two_origins_are_none(admin) -> None:
    browser, token = admin
    headers = [("Origin", AOC), ("Origin", EVIL), ("X-CSRF-Token", token)]

    assert (await browser.client.post("/api/api-keys", json=KEY, headers=headers)).status_code == 403


async def test_what_comes_from_a_page_of_ours_is_done(admin) -> None:
    browser, token = admin
    for headers in (
        {"Origin": AOC, "X-CSRF-Token": token},
        {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": token},
        {"Origin": AOC, "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": token},
    ):
        assert (await browser.client.post("/api/api-keys", json=KEY, headers=headers)).status_code == 201


async def test_a_form_of_another_site_posts_in_vain(admin) -> None:
    browser, _ = admin
    headers = {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for path in ("/auth/logout", "/api/api-keys", "/api/fetch-audit-logs"):
        answer = await browser.client.post(path, data={"name": "x"}, headers=headers)

        assert answer.status_code == 403
    assert (await browser.client.get("/api/me")).status_code == 200


async def test_the_token_of_another_session_is_none(aoc, admin) -> None:
    browser, _ = admin
    other = await aoc.browser()
    await other.sign_in("reader")
    theirs = (await other.client.get("/api/me")).json()["csrf_token"]
    headers = {"Origin": AOC, "X-CSRF-Token": theirs}

    assert (await browser.client.post("/api/api-keys", json=KEY, headers=headers)).status_code == 403


@each(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 200),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
    ],
)
async def test_another_site_may_link_here_and_load_nothing(admin, headers, status) -> None:
    browser, _ = admin

    assert (await browser.client.get("/api/me", headers=headers)).status_code == status


async def test_no_answer_lets_another_site_read_it(admin) -> None:
    browser, _ = admin
    asked = {"Origin": EVIL, "Access-Control-Request-Method": "GET"}
    answers = [
        await browser.client.options("/api/me", headers=asked),
        await browser.client.get("/api/me", headers=asked),
    ]

    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]
