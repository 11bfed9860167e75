"""Licences: who signed them, what they allow, and when."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from aoc_common.errors import BadConfiguration
from aoc_common.licence import terms
from aoc_common.licence.token import LONGEST, issue, kid_of, read
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
TRUSTED = {kid_of(KEY.public_key()): KEY.public_key()}


def a_licence(tenants: int = 5, *, days: float = 365, now: datetime = NOW, key: Ed25519PrivateKey = KEY) -> str:
    return issue(key, plan="team", max_tenants=tenants, ends_at=now + timedelta(days=days), now=now, holder="Contoso")


def signed(claims: dict[str, object], headers: dict[str, object] | None = None) -> str:
    header = {"kid": kid_of(KEY.public_key()), **(headers or {})}
    return jwt.encode(claims, KEY, algorithm="EdDSA", headers=header)


def encoded(part: object) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.fixture
def trust(tmp_path):
    def write(*keys: Ed25519PrivateKey):
        pem = [key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in keys]
        file = tmp_path / f"trust-{len(list(tmp_path.iterdir()))}.pem"
        file.write_bytes(b"".join(pem))
        return file

    return write


def test_a_licence_says_what_it_allows():
    found = read(a_licence(), TRUSTED)

    assert (found.plan, found.max_tenants, found.holder) == ("team", 5, "Contoso")
    assert (found.starts_at, found.ends_at) == (NOW, NOW + timedelta(days=365))


@each(
    "forge",
    [
        pytest.param(lambda token: "", id="empty"),
        pytest.param(lambda token: "a.b", id="no token"),
        pytest.param(lambda token: "x" * (LONGEST + 1), id="huge"),
        pytest.param(lambda token: token + "A" * LONGEST, id="huge signature"),
        pytest.param(lambda token: token[:-8] + "AAAAAAAA", id="another signature"),
        pytest.param(lambda token: ".".join([*token.split(".")[:2], ""]), id="no signature"),
        pytest.param(
            lambda token: ".".join([encoded({"alg": "none", "kid": next(iter(TRUSTED))}), token.split(".")[1], ""]),
            id="alg none",
        ),
        pytest.param(
            lambda token: jwt.encode(
                {"plan": "x", "max_tenants": 9, "exp": 9_999_999_999},
                KEY.public_key().public_bytes_raw(),
                algorithm="HS256",
                headers={"kid": next(iter(TRUSTED))},
            ),
            id="public key as a secret",
        ),
        pytest.param(
            lambda token: ".".join(
                [
                    token.split(".")[0],
                    encoded({"plan": "x", "max_tenants": 9_999, "exp": 9_999_999_999}),
                    token.split(".")[2],
                ]
            ),
            id="other claims",
        ),
        pytest.param(lambda token: a_licence(key=Ed25519PrivateKey.generate()), id="another key"),
        pytest.param(
            lambda token: signed({"plan": "x", "max_tenants": 9, "exp": 9_999_999_999}, {"kid": "../../keys/x"}),
            id="kid with a path",
        ),
        pytest.param(lambda token: signed({"plan": "x", "max_tenants": 9}), id="no end"),
        pytest.param(lambda token: signed({"max_tenants": 9, "exp": 9_999_999_999}), id="no plan"),
        pytest.param(lambda token: signed({"plan": "x", "exp": 9_999_999_999}), id="no number"),
        pytest.param(lambda token: signed({"plan": "x", "max_tenants": 0, "exp": 9_999_999_999}), id="none"),
        pytest.param(lambda token: signed({"plan": "x", "max_tenants": True, "exp": 9_999_999_999}), id="true"),
        pytest.param(lambda token: signed({"plan": "x", "max_tenants": "9", "exp": 9_999_999_999}), id="text"),
        pytest.param(lambda token: signed({"plan": "x", "max_tenants": 9, "exp": 10**30}), id="beyond time"),
        pytest.param(lambda token: signed({"plan": "x" * 101, "max_tenants": 9, "exp": 9_999_999_999}), id="long plan"),
    ],
)
def test_what_nobody_signed_or_nobody_could_mean_is_no_licence(forge):
    token = forge(a_licence())

    with pytest.raises(BadConfiguration) as raised:
        read(token, TRUSTED)
    assert len(str(raised.value)) < 200
    assert not token or token not in str(raised.value)


def test_one_tenant_is_free():
    assert terms.Licences().terms(NOW) == terms.Terms("none", 1)


def test_a_licence_says_thirty_days_before_that_it_ends_and_then_grants_no_new_tenants():
    licences = terms.Licences((read(a_licence(days=100), TRUSTED),))

    states = {days: licences.terms(NOW + timedelta(days=days)) for days in (0, 69, 70, 99, 100, 1_000)}

    assert {days: found.state for days, found in states.items()} == {
        0: "valid", 69: "valid", 70: "ending", 99: "ending", 100: "ended", 1_000: "ended",
    }  # fmt: skip
    assert {days: found.max_tenants for days, found in states.items()} == {
        0: 5, 69: 5, 70: 5, 99: 5, 100: 1, 1_000: 1,
    }  # fmt: skip
    assert states[69].advice is None
    assert "2027-03-03" in (states[70].advice or "")
    assert "collected and read as before" in (states[100].advice or "")


def test_a_clock_that_is_set_back_revives_no_licence_and_one_that_is_slow_loses_none():
    licences = terms.Licences((read(a_licence(days=10), TRUSTED),))

    assert licences.terms(NOW + timedelta(days=1), latest_known=NOW + timedelta(days=11)).state == "ended"
    assert licences.terms(NOW - timedelta(hours=23)).state == "ending"
    assert licences.terms(NOW - timedelta(days=400)).state == "not-yet"


def test_of_two_licences_the_one_that_grants_more_counts_while_it_holds():
    small, large = read(a_licence(3, days=300), TRUSTED), read(a_licence(50, days=10), TRUSTED)
    licences = terms.Licences((small, large))

    assert [licences.terms(NOW + timedelta(days=days)).max_tenants for days in (0, 10, 299, 300)] == [50, 3, 3, 1]


def test_licences_are_read_from_a_file_or_the_setting_and_a_key_that_is_rotated_is_trusted_beside_the_old_one(
    trust, tmp_path
):
    new = Ed25519PrivateKey.generate()
    both = f"{a_licence(3)}\n{a_licence(7, key=new)}\n"
    file = tmp_path / "licence"
    file.write_text(both)

    assert terms.load(f"file:{file}", trust(KEY, new)).terms(NOW).max_tenants == 7
    assert terms.load(both, trust(KEY, new)).terms(NOW).max_tenants == 7


def test_what_is_no_licence_stops_nothing_and_is_said(trust, tmp_path):
    other = Ed25519PrivateKey.generate()
    for key, file in (
        (a_licence(), trust(other)),
        (a_licence(), None),
        ("", trust(KEY)),
        (" ".join([a_licence()] * 9), trust(KEY)),
        (f"file:{tmp_path}/nowhere", trust(KEY)),
        (a_licence(), tmp_path / "nowhere.pem"),
    ):
        found = terms.load(key, file).terms(NOW)

        assert (found.state, found.max_tenants) == ("unreadable", 1)
        assert (found.advice or "").startswith("AOC_LICENSE_")


def test_a_file_of_trusted_keys_is_read_whole_or_not_at_all(trust):
    file = trust(KEY)
    public = file.read_text()
    for text, says in (
        (public + "\n" * 65_536, "AOC_LICENSE_TRUST: .*has more than 64 KiB"),
        (public + public.replace("\n-----END", "?\n-----END"), "holds something else than public keys"),
    ):
        file.write_text(text)
        found = terms.load(a_licence(), file).terms(NOW)

        assert found.state == "unreadable"
        assert re.search(says, found.advice or "")


def test_a_private_key_in_the_place_of_a_public_one_is_not_trusted(tmp_path):
    file = tmp_path / "key.pem"
    file.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    assert "holds no public key" in (terms.load(a_licence(), file).terms(NOW).advice or "")
