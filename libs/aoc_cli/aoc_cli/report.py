"""A signed, dated report of completeness: who has it can prove that nobody has changed it since.

A report is a JSON object `{"report": ..., "signature": {"algorithm", "public_key", "value"}}`. What is signed (Ed25519,
RFC 8032) are the bytes of `report` with sorted keys and without blanks, so it can be printed any other way and still be
checked.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from aoc_common.errors import BadConfiguration, Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALGORITHM: Final = "Ed25519"


def new_key() -> str:
    """A private key as PEM (PKCS #8)."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def sign(report: Mapping[str, Any], pem: str, setting: str) -> bytes:
    """The signed report as JSON. Raises `BadConfiguration`, naming `setting`, for what is no Ed25519 private key."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError) as error:
        raise BadConfiguration(f"{setting}: no private key: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadConfiguration(f"{setting}: a key of another kind; an Ed25519 private key is needed")
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = {
        "algorithm": _ALGORITHM,
        "public_key": base64.b64encode(public).decode(),
        "value": base64.b64encode(key.sign(_canonical(report))).decode(),
    }
    return orjson.dumps({"report": report, "signature": signature}, option=orjson.OPT_INDENT_2)


def check(document: bytes) -> tuple[dict[str, Any], str]:
    """The report and the fingerprint of the key that signed it. Raises `Malformed` when it was not signed like this.

    Who the key belongs to is for the reader to know: compare the fingerprint with the one that the signer gave.
    """
    try:
        parsed = orjson.loads(document)
        report, signature = parsed["report"], parsed["signature"]
        public = base64.b64decode(signature["public_key"], validate=True)
        value = base64.b64decode(signature["value"], validate=True)
        if signature["algorithm"] != _ALGORITHM or not isinstance(report, dict):
            raise Malformed("no report of this kind")
        Ed25519PublicKey.from_public_bytes(public).verify(value, _canonical(report))
    except InvalidSignature:
        raise Malformed("the signature does not fit: the report was changed after it was signed") from None
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Malformed(f"no signed report: {type(error).__name__}: {error}") from None
    return report, fingerprint(public)


def fingerprint(public: bytes) -> str:
    """`SHA256:...` of a public key, as people compare it."""
    return "SHA256:" + base64.b64encode(sha256(public).digest()).decode().rstrip("=")


def _canonical(report: Mapping[str, Any]) -> bytes:
    return orjson.dumps(report, option=orjson.OPT_SORT_KEYS)
