"""The simulator as identity provider of the gateway, as a browser and programs see it."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from html import unescape
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from aoc_sim.settings import GatewayApp
from each import each

APP = GatewayApp()
HERE = "http://127.0.0.1:8080/auth/callback"
VERIFIER = "v" * 64
AUTHORIZE = "/organizations/oauth2/v2.0/authorize"
TOKEN = "/organizations/oauth2/v2.0/token"
SCOPES = f"openid profile offline_access {APP.application_uri}/{APP.scope}"
ASKED = {
    "client_id": APP.client_id,
    "response_type": "code",
    "redirect_uri": HERE,
    "scope": SCOPES,
    "state": "s1",
    "nonce": "n1",
    "code_challenge": urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("="),
    "code_challenge_method": "S256",
}


@pytest.fixture
def browser(sim):
    """`await browser(role=..., tenant=...)`: what the browser brings back after somebody was chosen."""

    async def sign_in(upn_part: str = "@contoso.example", index: int = 0, **asked: str) -> dict[str, str]:
        page = await sim.client.get(AUTHORIZE, params=ASKED | asked)
        assert page.status_code == 200, page.text
        action = unescape(re.search(r'action="([^"]+)"', page.text)[1])
        people = re.findall(r'value="([^"]+)">.*?class="upn">([^<]+)<', page.text)
        chosen = [object_id for object_id, upn in people if upn.endswith(upn_part)][index]
        answer = await sim.client.post(action, data={"account": chosen})
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(HERE)
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    return sign_in


@pytest.fixture
def redeem(sim):
    async def ask(code: str, **form: str):
        body = {
            "grant_type": "authorization_code",
            "client_id": APP.client_id,
            "code": code,
            "redirect_uri": HERE,
            "code_verifier": VERIFIER,
        }
        return await sim.client.post(TOKEN, data=body | form)

    return ask


async def verified(sim, token: str, version: str = "v2.0/", **expected: str):
    """The claims of a token, verified as the metadata says."""
    metadata = (await sim.client.get(f"/organizations/{version}.well-known/openid-configuration")).json()
    keys = (await sim.client.get(metadata["jwks_uri"])).json()["keys"]
    key = next(key for key in keys if key["kid"] == jwt.get_unverified_header(token)["kid"])
    assert key["issuer"] == metadata["issuer"]
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    claims = jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], options=options, **expected)
    assert claims["iss"] == metadata["issuer"].replace("{tenantid}", claims["tid"])
    return claims


async def test_the_page_needs_no_scripts_and_shows_people_of_each_tenant_with_their_roles(sim):
    page = await sim.client.get(AUTHORIZE, params=ASKED)

    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for text in ("Contoso Works", "Fabrikam Supply", "superadmin", "admin", "analyst", "reader", "no role"):
        assert text in page.text


async def test_a_person_signs_in_with_a_code(sim, browser, redeem):
    back = await browser()
    assert back["state"] == "s1"
    answer = (await redeem(back["code"])).json()

    claims = await verified(sim, answer["access_token"], audience=APP.client_id)
    assert (claims["ver"], claims["scp"], claims["roles"]) == ("2.0", APP.scope, ["aoc.superadmin"])
    identity = await verified(sim, answer["id_token"], audience=APP.client_id)
    assert (identity["nonce"], identity["oid"]) == ("n1", claims["oid"])
    assert "scp" not in identity


async def test_people_of_either_tenant_sign_in(sim, browser, redeem):
    for domain, tenant in (("@contoso.example", "contoso"), ("@fabrikam.example", "fabrikam")):
        back = await browser(domain)
        answer = (await redeem(back["code"])).json()
        claims = await verified(sim, answer["access_token"], audience=APP.client_id)
        assert claims["tid"] == sim.tenant(tenant).tenant_id


async def test_a_code_is_good_once(browser, redeem):
    code = (await browser())["code"]
    first, second = await redeem(code), await redeem(code)

    assert first.status_code == 200
    assert (second.status_code, second.json()["error"], second.json()["error_codes"]) == (400, "invalid_grant", [54005])


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ({"code_verifier": "w" * 64}, 501481),
        ({"code_verifier": ""}, 501481),
        ({"redirect_uri": "http://127.0.0.1:9/other"}, 500112),
        ({"code": "1.made-up"}, 70008),
        ({"client_id": "c0a70501-a99c-4011-8ec7-0a0c51a00011"}, 700016),
        ({"client_secret": "guess"}, 7000215),
    ],
)
async def test_a_code_that_is_redeemed_wrongly_is_refused(browser, redeem, form, number):
    code = (await browser())["code"]
    answer = await redeem(**({"code": code} | form))

    assert answer.json()["error_codes"] == [number]


async def test_a_code_ends_after_ten_minutes(sim, browser, redeem):
    code = (await browser())["code"]
    sim.clock.advance(600)

    assert (await redeem(code)).json()["error_codes"] == [70008]


async def test_a_refresh_token_gives_new_tokens_until_it_ends(sim, browser, redeem):
    token = (await redeem((await browser())["code"])).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    sim.clock.advance(89 * 86_400)
    answer = await redeem("", **form)
    await verified(sim, answer.json()["access_token"], audience=APP.client_id)
    sim.clock.advance(86_400)

    assert (await redeem("", **form)).json()["error_codes"] == [700082]


async def test_without_offline_access_there_is_no_refresh_token_and_without_openid_no_id_token(browser, redeem):
    back = await browser(scope=f"{APP.application_uri}/{APP.scope}")
    answer = (await redeem(back["code"])).json()

    assert not {"refresh_token", "id_token"} & answer.keys()


@each(
    "uri",
    [
        "https://evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://x@127.0.0.1/",
        "javascript:alert(1)",
        "",
        "//x",
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(sim, uri):
    for method in ("GET", "POST"):
        answer = await sim.client.request(method, AUTHORIZE, params=ASKED | {"redirect_uri": uri})
        assert (answer.status_code, "Location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    "asked", [{"code_challenge": ""}, {"code_challenge_method": "plain"}, {"response_type": "token"}, {"scope": ""}]
)
async def test_what_is_asked_wrongly_comes_back_as_an_error(sim, asked):
    answer = await sim.client.get(AUTHORIZE, params=ASKED | asked)

    assert answer.status_code == 302
    assert "error=invalid_request" in answer.headers["Location"]
    assert "state=s1" in answer.headers["Location"]


async def test_what_is_asked_is_shown_as_text(sim):
    page = await sim.client.get(AUTHORIZE, params=ASKED | {"state": '"><script>alert(1)</script>'})

    assert "<script" not in page.text


async def test_an_application_gets_a_token_with_its_roles(sim):
    for version, path, audience in (("2.0", "v2.0/", APP.client_id), ("1.0", "", APP.application_uri)):
        await sim.client.put("/_provider", json={"token_version": version, "application_roles": ["aoc.analyst"]})
        answer = await sim.ask_token(scope=f"{APP.application_uri}/.default")
        claims = await verified(sim, answer.json()["access_token"], path, audience=audience)
        assert (claims["ver"], claims["idtyp"], claims["roles"]) == (version, "app", ["aoc.analyst"])
        assert "scp" not in claims


async def test_the_versions_have_keys_of_their_own(sim):
    kids = []
    for path in ("v2.0/", ""):
        metadata = (await sim.client.get(f"/organizations/{path}.well-known/openid-configuration")).json()
        keys = (await sim.client.get(metadata["jwks_uri"])).json()["keys"]
        kids.append({key["kid"] for key in keys})

    assert kids[0].isdisjoint(kids[1])


async def test_keys_rotate_and_are_withdrawn_on_demand(sim):
    async def kids() -> list[str]:
        return [key["kid"] for key in (await sim.client.get("/common/discovery/v2.0/keys")).json()["keys"]]

    (first,) = await kids()
    await sim.client.put("/_provider", json={"rotate": True})
    assert (await kids())[0] == first
    await sim.client.put("/_provider", json={"withdraw": True})

    assert len(await kids()) == 1
    assert first not in await kids()


async def test_signing_out_goes_back_to_this_machine_only(sim):
    path = "/organizations/oauth2/v2.0/logout"
    here = await sim.client.get(path, params={"post_logout_redirect_uri": "http://localhost:8080/"})
    elsewhere = await sim.client.get(path, params={"post_logout_redirect_uri": "https://evil.example/"})

    assert (here.status_code, here.headers["Location"]) == (302, "http://localhost:8080/")
    assert (elsewhere.status_code, "Location" in elsewhere.headers) == (200, False)


async def test_a_wish_that_is_none_changes_nothing(sim):
    answer = await sim.client.put("/_provider", json={"conduct": "kind"})

    assert answer.status_code == 422
    assert (await sim.client.get("/_provider")).json()["conduct"] == "honest"
