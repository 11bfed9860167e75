"""A report is taken only in our own byte form, and nothing in it is unsigned."""

from __future__ import annotations

import base64
import json
import re
import string

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_cli.reports import form
from aoc_cli.reports.form import Form, check, public_bytes, sign
from aoc_common.contracts.report_keys import base64url, jwk, thumbprint
from aoc_common.errors import Malformed, Permanent
from each import each
from reporting import BEFORE, OURS, THEIRS, TOLD, signed_before

SIGNED = sign(TOLD, OURS)
HEADER, PAYLOAD, SIGNATURE = SIGNED.strip().split(b".")
WRITTEN_BEFORE = signed_before(BEFORE, OURS)


def as_jws(payload: bytes, header: bytes | None = None, key=OURS) -> bytes:
    """A JWS whose signature fits, around any bytes: what somebody who has the key can make."""
    head = base64url(header).encode() if header is not None else HEADER
    signing = head + b"." + base64url(payload).encode()
    return signing + b"." + base64url(key.sign(signing)).encode()


def header(**changes: object) -> bytes:
    ours = json.loads(base64.urlsafe_b64decode(HEADER + b"=="))
    return orjson.dumps(
        {name: value for name, value in (ours | changes).items() if value is not None}, option=orjson.OPT_SORT_KEYS
    )


def test_a_report_is_a_jws_that_any_library_verifies_and_its_key_id_is_the_thumbprint() -> None:
    read = jwt.PyJWS().decode_complete(SIGNED.strip(), OURS.public_key(), ["EdDSA"])

    assert read["payload"] == orjson.dumps(TOLD, option=orjson.OPT_SORT_KEYS)
    assert read["header"] == {
        "alg": "EdDSA",
        "jwk": jwk(public_bytes(OURS)),
        "kid": thumbprint(public_bytes(OURS)),
        "typ": "aoc-completeness+jws",
    }


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    key = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")

    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_what_is_read_is_what_was_signed() -> None:
    now, before = check(SIGNED), check(WRITTEN_BEFORE)

    assert (now.form, now.statement(), now.kid) == (Form.JWS, TOLD, thumbprint(public_bytes(OURS)))
    assert (before.form, before.statement(), before.kid) == (Form.BEFORE, BEFORE, now.kid)


@each("position", range(0, len(SIGNED), 37))
def test_no_byte_of_a_report_can_be_changed(position) -> None:
    other = b"A" if SIGNED[position : position + 1] != b"A" else b"B"
    with pytest.raises(Malformed):
        check(SIGNED[:position] + other + SIGNED[position + 1 :])


def test_the_signature_has_one_spelling() -> None:
    """The last character of 64 bytes in base64url has four bits to spare."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    spellings = [SIGNED.strip()[:-1] + item.encode() for item in alphabet]
    accepted = []
    for spelling in spellings:
        try:
            accepted.append(check(spelling))
        except Malformed:
            continue

    assert len(accepted) == 1


def _duplicate(text: bytes) -> bytes:
    return text.replace(b'"at":', b'"at":"2020-01-01T00:00:00Z","at":', 1)


@each(
    "payload",
    [
        _duplicate(orjson.dumps(TOLD, option=orjson.OPT_SORT_KEYS)),
        orjson.dumps(dict(reversed(list(TOLD.items())))),
        orjson.dumps(TOLD, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2),
        orjson.dumps(TOLD, option=orjson.OPT_SORT_KEYS) + b" ",
        orjson.dumps(TOLD, option=orjson.OPT_SORT_KEYS).replace(b"contoso", b"\\u0063ontoso"),
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b'{"a":' + b"9" * 40 + b"}",
        b"[]",
        b"null",
        b"\xff",
        b"{",
    ],
    ids=["key twice", "unsorted", "indented", "blank", "escaped", "deep", "rather deep", "large number", "list", "null",
         "no text", "cut"],
)  # fmt: skip
def test_a_statement_in_another_spelling_is_refused_though_its_signature_fits(payload) -> None:
    with pytest.raises(Malformed, match="no signed report: the statement is"):
        check(as_jws(payload)).statement()


@each(
    "changed",
    [
        header(alg="none"),
        header(alg="HS256"),
        header(typ="JWT"),
        header(typ=None),
        header(kid="x"),
        header(kid=thumbprint(public_bytes(THEIRS))),
        header(jwk=jwk(public_bytes(THEIRS))),
        header(jwk=jwk(public_bytes(OURS)) | {"d": "x"}),
        header(jwk=None),
        header(jwk={"x": 5}),
        header(jwk=[]),
        header(crit=["b64"], b64=False),
        header(jku="https://keys.example"),
        header().replace(b'"alg"', b'"alg":"none","alg"', 1),
        header() + b" ",
        b"[]",
        b"{",
    ],
)
def test_a_header_that_is_not_ours_is_refused_though_its_signature_fits(changed) -> None:
    with pytest.raises(Malformed, match="no signed report"):
        check(as_jws(b"{}", changed))


@each(
    "document",
    [
        b"", b"no report", b"[]", b"null", b"\xff", b"..", b"a.b.c", SIGNED * 2, SIGNED.strip() + b".x", b" " + SIGNED,
        SIGNED.strip() + b"\r\n", SIGNED + b"\n", HEADER + b"." + PAYLOAD + b".", HEADER + b".." + SIGNATURE,
        HEADER + b"=." + PAYLOAD + b"." + SIGNATURE, b"A" * 2_000 + b"." + PAYLOAD + b"." + SIGNATURE,
        b"A" * form.LARGEST + b".a.b", b"{" + b"[]," * (form.LARGEST_BEFORE // 3), b"{" + b"A" * form.LARGEST_BEFORE,
        b'{"report":' * 100_000, b"{}", b'{"report":{},"signature":{}}',
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(document) -> None:
    with pytest.raises(Malformed, match="no signed report"):
        check(document)


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_be_refused(document) -> None:
    for mixture in (document, b"{" + document, HEADER + b"." + document, as_jws(b"{}", document)):
        with pytest.raises(Malformed):
            check(mixture)


def _next_character(match: re.Match[bytes]) -> bytes:
    """Base64 of 64 bytes ends with a character that has four bits to spare."""
    return bytes([match[1][0] + 1]) + b'=="'


@each(
    "change",
    [
        lambda text: text.replace(b'"tenant": "contoso"', b'"tenant": "fabrikam",\n    "tenant": "contoso"', 1),
        lambda text: text.replace(b'"report": {', b'"report": {"tenant": "fabrikam"},\n  "report": {', 1),
        lambda text: text.replace(b'"signature": {', b'"note": "all is well",\n  "signature": {', 1),
        lambda text: text.replace(b'"algorithm"', b'"signer": "the court",\n    "algorithm"', 1),
        lambda text: orjson.dumps(orjson.loads(text)),
        lambda text: text + b"\n",
        lambda text: re.sub(rb'(.)=="', _next_character, text),
        lambda text: text.replace(b'"value": "', b'"value": "\\u0041', 1),
        lambda text: text.replace(b"contoso", b"\\u0063ontoso"),
    ],
    ids=["key twice", "report twice", "beside the report", "in the signature", "printed anew", "longer", "spare bits",
         "escaped value", "escaped"],
)  # fmt: skip
def test_a_report_of_the_version_before_holds_nothing_that_was_not_signed(change) -> None:
    changed = change(WRITTEN_BEFORE)

    assert changed != WRITTEN_BEFORE
    with pytest.raises(Malformed, match="no signed report"):
        check(changed)


@each(
    "change",
    [
        lambda document: document["report"].update(tenant="fabrikam"),
        lambda document: document["report"]["sources"][0].update(records=8),
        lambda document: document["report"].pop("at"),
        lambda document: document["signature"].update(value=base64.b64encode(b"x" * 64).decode()),
        lambda document: document["signature"].update(value="AAAA"),
        lambda document: document["signature"].update(value=5),
        lambda document: document["signature"].update(public_key="nonsense!"),
        lambda document: document["signature"].update(algorithm="none"),
        lambda document: document.pop("signature"),
        lambda document: document.update(report=[]),
        lambda document: document.update(signature=None),
    ],
)
def test_a_report_of_the_version_before_that_was_changed_is_refused(change) -> None:
    document = orjson.loads(WRITTEN_BEFORE)
    change(document)
    with pytest.raises(Malformed):
        check(orjson.dumps(document, option=orjson.OPT_INDENT_2)).statement()


def test_a_report_that_could_not_be_checked_again_is_not_signed(monkeypatch) -> None:
    monkeypatch.setattr(form, "LARGEST", len(SIGNED) - 1)
    with pytest.raises(Permanent, match="are the most that is checked"):
        sign(TOLD, OURS)
