"""The bytes of a signed report: a JWS in its compact form (RFC 7515), Ed25519 (RFC 8037).

`BASE64URL(header) . BASE64URL(statement) . BASE64URL(signature)`: nothing in it is unsigned. The header is
`{"alg": "EdDSA", "jwk": ..., "kid": ..., "typ": "aoc-completeness+jws"}`; the key in it names the signer and
proves nothing: readers pin the keys that they trust (`trust`). Header and statement are JSON with sorted keys and
without blanks, and are accepted in that spelling only, so that no other reader can see something else in them.

The version before wrote `{"report": ..., "signature": {"algorithm", "public_key", "value"}}`, indented by two. That is
still checked, byte for byte as it was written (`Form.BEFORE`).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import jwt
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from aoc_common.contracts.report_keys import jwk, key_bytes, thumbprint
from aoc_common.errors import Malformed, Permanent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: Bytes of a report: 13 sources with a thousand gaps each, of the longest reasons, stay below it. It is parsed as a
#: whole, and hostile JSON takes thirty times its size in memory.
LARGEST: Final = 16 * 1024 * 1024
#: The form before has to be parsed before its signature can be checked.
LARGEST_BEFORE: Final = 8 * 1024 * 1024
_ALGORITHM: Final = "EdDSA"
_ALGORITHM_BEFORE: Final = "Ed25519"
_TYPE: Final = "aoc-completeness+jws"
_COMPACT: Final = re.compile(rb"([\w-]+)\.([\w-]+)\.[\w-]{86}", re.ASCII)
#: Characters of our header, and some.
_LONGEST_HEADER: Final = 1_000
_CHANGED: Final = "the signature does not fit: the report was changed after it was signed"
_NONE: Final = "no signed report"


class Form(StrEnum):
    """How a report is written."""

    JWS = "jws"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Signed:
    """A report whose signature fits: its form, the public key in it, and the statement's bytes as they were signed."""

    form: Form
    key: bytes
    payload: bytes

    @property
    def kid(self) -> str:
        """The fingerprint of the key."""
        return thumbprint(self.key)

    def statement(self) -> dict[str, Any]:
        """What was signed, read from the signed bytes alone. Raises `Malformed` for another spelling than ours."""
        return _read(self.payload, "the statement")


def sign(statement: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The signed report, one line. Raises `Permanent` for a statement that is too large to be checked again."""
    public = public_bytes(key)
    header = _header(public)
    made = jwt.PyJWS().encode(_canonical(statement), key, _ALGORITHM, header).encode() + b"\n"
    if len(made) > LARGEST:
        raise Permanent(f"the report would have {len(made):,} bytes; {LARGEST:,} are the most that is checked")
    return made


def check(document: bytes) -> Signed:
    """A report whose signature fits the key in it. Raises `Malformed`, saying why, for everything else.

    It does not prove whose key it is.
    """
    before = document.startswith(b"{")
    if len(document) > (most := LARGEST_BEFORE if before else LARGEST):
        raise Malformed(f"{_NONE}: it has more than {most:,} bytes")
    return _check_before(document) if before else _check_jws(document.removesuffix(b"\n"))


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public key."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _check_jws(document: bytes) -> Signed:
    parts = _COMPACT.fullmatch(document)
    if parts is None or len(parts[1]) > _LONGEST_HEADER:
        raise Malformed(f"{_NONE}: neither a JWS in compact form nor a report of the version before")
    try:
        header = _read(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)), "the header")
        key = key_bytes(header["jwk"]["x"])
    except (KeyError, TypeError, binascii.Error):
        key = None
    if key is None or header != _header(key):
        raise Malformed(f"{_NONE}: its header is not that of a report")
    try:
        read = jwt.PyJWS().decode_complete(document, Ed25519PublicKey.from_public_bytes(key), [_ALGORITHM])
    except jwt.InvalidSignatureError:
        raise Malformed(_CHANGED) from None
    except jwt.InvalidTokenError as error:
        raise Malformed(f"{_NONE}: {error}") from None
    return Signed(Form.JWS, key, read["payload"])


def _check_before(document: bytes) -> Signed:
    try:
        parsed = orjson.loads(document)
        # Whatever is beside what was signed, and each key that is there twice, is lost on this way.
        ours = {name: parsed["signature"][name] for name in ("algorithm", "public_key", "value")}
        written = orjson.dumps({"report": parsed["report"], "signature": ours}, option=orjson.OPT_INDENT_2)
        key = base64.b64decode(ours["public_key"], validate=True)
        value = base64.b64decode(ours["value"], validate=True)
        spelt = [base64.b64encode(part).decode() for part in (key, value)] == [ours["public_key"], ours["value"]]
        payload = _canonical(parsed["report"])
        public = Ed25519PublicKey.from_public_bytes(key)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Malformed(f"{_NONE}: {type(error).__name__}: {error}") from None
    if written != document or not spelt or ours["algorithm"] != _ALGORITHM_BEFORE:
        raise Malformed(f"{_NONE}: not as it was written: it was printed anew, or holds what was never signed")
    try:
        public.verify(value, payload)
    except InvalidSignature:
        raise Malformed(_CHANGED) from None
    return Signed(Form.BEFORE, key, payload)


def _header(key: bytes) -> dict[str, Any]:
    return {"alg": _ALGORITHM, "jwk": jwk(key), "kid": thumbprint(key), "typ": _TYPE}


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def _read(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object in our own spelling: no key twice, nothing beside it, no deeper than orjson writes (254)."""
    try:
        parsed = orjson.loads(text)
        ours = isinstance(parsed, dict) and _canonical(parsed) == text
    except (ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"{_NONE}: {what} is no JSON of ours: {error}") from None
    if not ours:
        raise Malformed(f"{_NONE}: {what} is not spelt as AOC spells it")
    result: dict[str, Any] = parsed
    return result
