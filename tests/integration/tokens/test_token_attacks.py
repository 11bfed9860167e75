"""Tokens that must open nothing, against a running gateway; and the genuine ones that they were made of, which must."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from aoc_api.bodies import parse
from each import each
from signing import BASE, SILENT, make_key, segment

CONTOSO = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"
STRANGER = "11111111-2222-4333-8444-555555555555"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OTHER_APP = "22222222-3333-4444-8555-666666666666"


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_a_persons_token_of_either_version_opens_what_the_role_allows(gateway, entra, version):
    assert await gateway.status(entra.token(version=version)) == 200
    assert await gateway.status(entra.token(role=None, version=version)) == 403


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_an_applications_token_of_either_version_opens_what_its_roles_allow(gateway, entra, version):
    reader = entra.application_claims("aoc.reader", version=version)
    nobody = entra.application_claims(version=version)

    assert await gateway.status(entra.token(base=reader, signed_as=version)) == 200
    assert await gateway.status(entra.token(base=nobody, signed_as=version)) == 403


async def test_a_token_without_a_signature_is_refused(entra, refused):
    for alg in ["none", "None", "nOnE", "", None, 256, ["RS256"]]:
        for signature in ("", segment(b"x" * 256)):
            token = f"{segment(entra.header(alg=alg))}.{segment(entra.claims())}.{signature}"
            assert await refused(token) == SILENT


@pytest.mark.slow
@pytest.mark.parametrize("form", ["pem", "der", "modulus", "jwk"])
async def test_a_token_signed_with_the_public_key_as_a_password_is_refused(entra, refused, form):
    public = entra.key().public_key()
    secret = {
        "pem": public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "modulus": public.public_numbers().n.to_bytes(256),
        "jwk": jwt.algorithms.RSAAlgorithm.to_jwk(public).encode(),
    }[form]
    text = f"{segment(entra.header(alg='HS256'))}.{segment(entra.claims())}"
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)

    assert await refused(f"{text}.{segment(algorithm.sign(text.encode(), secret))}") == SILENT


async def test_a_good_signature_by_an_algorithm_that_entra_does_not_use_is_refused(entra, refused):
    for alg in ["RS384", "RS512", "PS256", "ES256", "rs256"]:
        if alg in {"RS384", "RS512", "PS256"}:
            kid = entra.header()["kid"]
            token = jwt.encode(entra.claims(), entra.key(), algorithm=alg, headers={"kid": kid})
        else:
            token = entra.signed(entra.header(alg=alg), entra.claims())

        assert await refused(token) == SILENT


async def test_a_key_id_that_names_no_key_is_refused(entra, refused):
    for kid in [
        "made-up",
        "../../../../dev/null",
        "/etc/passwd",
        "file:///proc/self/environ",
        "http://evil.example/keys",
        "' OR '1'='1",
        "x\x00",
        "\N{GRINNING FACE}",
        "k" * 300,
        "",
        None,
        7,
        ["k1"],
        {"$ne": ""},
    ]:
        assert await refused(entra.signed(entra.header(kid=kid), entra.claims())) == SILENT


async def test_a_token_without_a_key_id_is_refused(entra, refused):
    header = entra.header()
    del header["kid"]

    assert await refused(entra.signed(header, entra.claims())) == SILENT


async def test_a_strangers_key_under_a_known_id_is_refused(entra, refused):
    assert await refused(entra.token(key=make_key(), header={"kid": entra.header()["kid"]})) == SILENT


@each("member", ["jwk", "jku", "x5u", "x5c"])
async def test_a_key_that_a_token_brings_or_names_itself_is_refused(entra, refused, member):
    key = make_key()
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    address = "https://evil.example/keys"
    value = {"jwk": jwk, "jku": address, "x5u": address, "x5c": ["MIIB"]}[member]

    assert await refused(entra.token(key=key, header={member: value})) == SILENT
    assert await refused(entra.token(header={member: value})) == SILENT


async def test_an_extension_that_would_have_to_be_understood_is_refused(entra, refused):
    for members in [
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"typ": "JWE"},
        {"enc": "A256GCM"},
        {"typ": 1},
    ]:
        assert await refused(entra.signed(entra.header(**members), entra.claims())) == SILENT


async def test_an_issuer_that_is_not_exactly_the_directorys_is_refused(entra, refused):
    for issuer in [
        f"https://evil.example/{CONTOSO}/v2.0",
        f"{BASE}/{CONTOSO}/v2.0.evil.example",
        f"{BASE}/{CONTOSO}/v2.0/",
        f"{BASE}/{CONTOSO}/v2.0?",
        f"{BASE}/{CONTOSO}/V2.0",
        f"{BASE}.evil.example/{CONTOSO}/v2.0",
        f"https://evil.example/?{BASE}/{CONTOSO}/v2.0",
        f" {BASE}/{CONTOSO}/v2.0",
        f"{BASE}/{{tenantid}}/v2.0",
        f"{BASE}/common/v2.0",
        f"{BASE}/{STRANGER}/v2.0",
        f"https://sts.windows.net/{CONTOSO}/",
        f"https://login.microsoftonline.com/{CONTOSO}/v2.0",
        f"https://login.microsoftonline.us/{CONTOSO}/v2.0",
        "",
        None,
        [f"{BASE}/{CONTOSO}/v2.0"],
    ]:
        made = entra.claims() | {"iss": issuer}
        assert await refused(entra.signed(entra.header(), made)) == SILENT


async def test_the_versions_are_kept_apart(entra, gateway, refused):
    assert await gateway.status(entra.token(version="1.0")) == 200
    first, second = entra.claims(version="1.0"), entra.claims(version="2.0")
    for base, signed_as in [
        (first, "2.0"),
        (second, "1.0"),
        (first | {"ver": "2.0"}, "1.0"),
        (first | {"ver": "2.0"}, "2.0"),
        (second | {"ver": "1.0"}, "1.0"),
        (second | {"ver": "1.0"}, "2.0"),
        (first | {"iss": second["iss"]}, "2.0"),
        (second | {"iss": first["iss"]}, "1.0"),
    ]:
        assert await refused(entra.token(base=base, signed_as=signed_as)) == SILENT


@each("version", [None, "3.0", "", 2, 2.0, ["2.0"]])
async def test_a_version_that_there_is_not_is_refused(entra, refused, version):
    assert await refused(entra.token({"ver": version})) == SILENT


@pytest.mark.parametrize("conduct", ["foreign-key-issuer", "foreign-cloud"])
async def test_a_key_of_another_issuer_or_cloud_is_refused(gateway, entra, conduct):
    await entra.control(conduct=conduct)

    assert await gateway.status(entra.token()) == 401


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_another_applications_token_is_refused_and_says_which_to_ask_for(entra, refused, version):
    for audience in [
        OTHER_APP,
        "https://graph.microsoft.com",
        "00000003-0000-0000-c000-000000000000",
        "",
        None,
        1,
        [],
        "*",
    ]:
        made = entra.claims(version=version)

        detail = await refused(entra.token(base=made | {"aud": audience}, signed_as=version))
        assert "access_as_user" in detail


async def test_an_audience_beside_ours_is_refused(entra, refused):
    made = entra.claims()
    for audience in ([made["aud"]], [made["aud"], OTHER_APP]):
        await refused(entra.token({"aud": audience}))


async def test_a_token_of_version_2_never_names_the_application_uri(entra, gateway, refused):
    uri = f"api://{entra.claims()['aud']}"
    client_id = entra.claims()["aud"]

    await refused(entra.token({"aud": uri}))
    assert await gateway.status(entra.token({"aud": client_id}, version="1.0")) == 200


async def test_an_id_token_with_roles_and_our_audience_is_no_api_token(entra, refused):
    made = entra.id_claims("superadmin", nonce="n")
    assert made["aud"] == entra.claims()["aud"]
    assert made["roles"] == ["aoc.superadmin"]

    assert "ID token" in await refused(entra.token(base=made))


async def test_what_is_neither_a_persons_nor_an_applications_token_is_refused(entra, refused):
    for changes in [
        {"scp": None},
        {"scp": None, "idtyp": "user"},
        {"scp": None, "idtyp": "APP"},
        {"scp": None, "idtyp": ["app"]},
        {"scp": None, "idtyp": True},
        {"idtyp": "app"},
        {"idtyp": "device"},
        {"scp": ["access_as_user"]},
        {"scp": {"access_as_user": True}},
    ]:
        await refused(entra.token(changes))


async def test_a_token_with_one_letter_changed_is_refused(gateway, entra):
    token = entra.token()
    for place in range(0, len(token), 11):
        if token[place] != ".":
            changed = token[:place] + _LETTERS[_LETTERS.index(token[place]) ^ 1] + token[place + 1 :]
            assert await gateway.status(changed) == 401, place


async def test_a_token_has_one_spelling(entra, refused):
    head, payload, signature = entra.token().split(".")
    # The last letter of 256 bytes has four bits that stand for nothing.
    last = _LETTERS[_LETTERS.index(signature[-1]) ^ 1]
    for other in (
        f"{head}.{payload}.{signature[:-1]}{last}",
        f"{head}.{payload}.{signature}==",
        f"{head}.{payload}.{signature}A",
        f"{head}=.{payload}.{signature}",
        f"{head}.{payload}.{signature}.",
        f"{head}.{payload}.{signature}.{signature}",
        f"{head}.{payload}",
        f"{head}..{signature}",
        f".{payload}.{signature}",
        f"{head}.{payload[:8]}!{payload[8:]}.{signature}",
        "..",
        "x",
        "a.b.c.d.e",
    ):
        assert await refused(other) == SILENT


async def test_a_token_that_is_too_large_is_refused_unread(entra, refused, monkeypatch):
    tokens = [entra.token({"groups": ["g" * 250] * (size // 250)}) for size in (24 * 1024, 200_000)]
    read = []

    def noting(part):
        read.append(len(part))
        return parse(part)

    monkeypatch.setattr("aoc_api.entra.jws.parse", noting)

    assert [await refused(token) for token in tokens] == [SILENT, SILENT]
    assert 0 < max(read) < 24 * 1024


async def test_a_token_with_all_the_groups_that_entra_writes_is_not_too_large(gateway, entra):
    groups = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(200)]

    assert await gateway.status(entra.token({"groups": groups})) == 200


async def test_a_claim_that_stands_twice_is_refused(entra, refused):
    for name in ["aud", "roles", "tid", "iss", "exp", "scp"]:
        made = entra.claims()
        text = json.dumps(made)
        twice = f'{text[:-1]}, "{name}": {json.dumps(made[name])}}}'
        escaped = f'{text[:-1]}, "\\u{ord(name[0]):04x}{name[1:]}": {json.dumps(made[name])}}}'

        assert await refused(entra.signed(entra.header(), twice)) == SILENT
        assert await refused(entra.signed(entra.header(), escaped)) == SILENT


async def test_a_header_member_that_stands_twice_is_refused(entra, refused):
    text = json.dumps(entra.header())

    assert await refused(entra.signed(f'{{"alg": "none", {text[1:]}', entra.claims())) == SILENT


async def test_a_payload_that_is_no_object_of_claims_is_refused(entra, refused):
    for payload in [
        "[]",
        "null",
        "1",
        '"text"',
        "",
        "{",
        "{}",
        "[" * 10_000,
        '{"a":' * 2_000 + "1" + "}" * 2_000,
        b"\xff\xfe",
        '{"tid": NaN}',
        '{"exp": 1e999}',
    ]:
        assert await refused(entra.signed(entra.header(), payload)) == SILENT


async def test_a_token_within_a_token_is_refused(entra, refused):
    inner = entra.token()

    assert await refused(entra.signed(entra.header(), inner)) == SILENT
    assert await refused(entra.signed(entra.header(cty="JWT"), inner)) == SILENT
    assert await refused(urlsafe_b64encode(inner.encode()).decode()) == SILENT


async def test_an_encrypted_token_is_refused(entra, refused):
    header = segment({"alg": "dir", "enc": "A256GCM", "kid": entra.header()["kid"]})

    assert await refused(f"{header}..{segment(b'iv')}.{segment(b'text')}.{segment(b'tag')}") == SILENT


async def test_bytes_that_are_no_token_are_refused(refused):
    for token in [b"\xff\xfe.\xff.\xff", b"\xc3\xa9.a.b", b"a b c", b"x" * 30_000]:
        assert await refused(token) == SILENT


async def test_names_are_shown_without_what_a_terminal_would_obey(entra, gateway):
    token = entra.token({"preferred_username": "dana\x1b[31m\u202e\r\n" + "x" * 500})

    assert (await gateway.get(token, "/api/me")).json()["name"] == "dana[31m" + "x" * 244
