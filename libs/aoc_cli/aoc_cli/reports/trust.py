"""The keys that a reader has pinned, and the verdict on a signature."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from aoc_cli.reports.form import public_bytes
from aoc_cli.reports.keys import load
from aoc_common.contracts.report_keys import KEY_PATTERN, key_bytes, thumbprint
from aoc_common.errors import BadConfiguration
from aoc_common.settings import resolve_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A fingerprint as the version before showed it: of the key's bytes, in plain base64.
_BEFORE: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_FINGERPRINT: Final = re.compile(KEY_PATTERN)


class Verdict(IntEnum):
    """The verdict on a signature, as the exit status of `--check`."""

    PROVEN = 0
    """A pinned key signed it."""
    OTHER_KEY = 3
    """Keys are pinned, and it was none of them; or one that was retired before the time that the report names."""
    UNPINNED = 4
    """No key is pinned: anybody can have signed it."""


@dataclass(frozen=True, slots=True)
class Pins:
    """Pinned keys, by their fingerprints, and when some of them were retired."""

    fingerprints: frozenset[str] = frozenset()
    retired: Mapping[str, datetime] = field(default_factory=dict)

    def judge(self, key: bytes) -> Verdict:
        """The verdict on a key that signed."""
        if not self.fingerprints:
            return Verdict.UNPINNED
        names = {thumbprint(key), _fingerprint_before(key)}
        return Verdict.OTHER_KEY if self.fingerprints.isdisjoint(names) else Verdict.PROVEN


def pins(fingerprints: Iterable[str], configured: str, reference: str | None) -> Pins:
    """The keys that are pinned by `--fingerprint`, else by `--key`, else by AOC_REPORTS__FINGERPRINTS.

    Both options together pin what either names. Raises `BadConfiguration`, naming the option, for what names no key.
    """
    named = [_fingerprint(text, "--fingerprint") for text in fingerprints]
    if reference is not None:
        held = _keys(resolve_secret(reference, "--key"))
        return Pins(frozenset([*named, *held]), {kid: at for kid, at in held.items() if at is not None})
    if not named:
        parts = filter(None, (text.strip() for text in configured.split(",")))
        named = [_fingerprint(text, "AOC_REPORTS__FINGERPRINTS") for text in parts]
    return Pins(frozenset(named))


def _fingerprint(text: str, setting: str) -> str:
    fingerprint = text.strip()
    if not _FINGERPRINT.fullmatch(fingerprint) and not _BEFORE.fullmatch(fingerprint):
        raise BadConfiguration(f"{setting}: {text!r} is no fingerprint: 43 characters, as aoc keys shows them")
    return fingerprint


def _fingerprint_before(key: bytes) -> str:
    return "SHA256:" + base64.b64encode(sha256(key).digest()).decode().rstrip("=")


def _keys(text: str) -> dict[str, datetime | None]:
    """Fingerprint -> when it was retired, of a PEM (either half of a key), a JWK, or a JWK Set."""
    if "-----BEGIN" in text:
        return {thumbprint(_of_pem(text)): None}
    try:
        parsed: Any = json.loads(text, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise BadConfiguration(f"--key: neither PEM nor a JWK or JWK Set: {error}") from None
    listed: Any = parsed.get("keys", [parsed]) if isinstance(parsed, dict) else None
    if not isinstance(listed, list) or not all(isinstance(jwk, dict) for jwk in listed):
        raise BadConfiguration("--key: neither PEM nor a JWK or JWK Set")
    keys = dict(_of_jwk(jwk) for jwk in listed if (jwk.get("kty"), jwk.get("crv")) == ("OKP", "Ed25519"))
    if not keys:
        raise BadConfiguration("--key: there is no Ed25519 key in it")
    return keys


def _of_pem(text: str) -> bytes:
    if "PRIVATE KEY" in text:
        return public_bytes(load(text, "--key"))
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadConfiguration("--key: no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadConfiguration("--key: a key of another kind; an Ed25519 key is needed")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _of_jwk(jwk: Mapping[str, Any]) -> tuple[str, datetime | None]:
    spelt = jwk.get("x")
    key = key_bytes(spelt) if isinstance(spelt, str) else None
    if key is None:
        raise BadConfiguration("--key: a JWK whose x is not 32 bytes as base64url")
    kid = thumbprint(key)
    if jwk.get("kid", kid) != kid:
        raise BadConfiguration(f"--key: a JWK whose kid is not its thumbprint, {kid}")
    retired = jwk.get("retired_at")
    try:
        return kid, moment(retired) if retired is not None else None
    except (ValueError, TypeError):
        raise BadConfiguration(f"--key: {kid}: retired_at is no time") from None


def moment(text: str) -> datetime:
    """A time as reports and key sets spell it. Raises `ValueError`, or `TypeError` for what is no text."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text}: a time without a zone")
    return at.astimezone(UTC)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key that is there twice")
    return members
