"""The keys that tokens of each version are signed with, and their rotation on demand."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

#: The cloud that the simulator stands for.
CLOUD: Final = "microsoftonline.com"
_BITS: Final = 2048


def make_key() -> RSAPrivateKey:
    """A new key; takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=_BITS)


def key_id(key: RSAPrivateKey) -> str:
    """The id of a key: made of it."""
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()[:20]).decode().rstrip("=")


class KeyRing:
    """Keys of one version of tokens, the newest last. It signs."""

    def __init__(self, first: RSAPrivateKey | None = None) -> None:
        self._keys = [first] if first else []

    def current(self) -> RSAPrivateKey:
        """The key that is signed with; made when first needed."""
        if not self._keys:
            self._keys.append(make_key())
        return self._keys[-1]

    def rotate(self) -> None:
        """Sign with a new key from now on; those before stay published."""
        self._keys.append(make_key())

    def withdraw(self) -> None:
        """Publish no key but the newest from now on."""
        self._keys = self._keys[-1:]

    def published(self, issuer: str) -> list[dict[str, Any]]:
        """The public keys as a JSON Web Key Set has them; each says whose tokens it is for."""
        self.current()
        return [_public(key) | {"issuer": issuer, "cloud_instance_name": CLOUD} for key in self._keys]

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with just these claims."""
        key = self.current()
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": key_id(key)})


def _public(key: RSAPrivateKey) -> dict[str, Any]:
    jwk: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": "RSA", "use": "sig", "kid": key_id(key), "alg": "RS256", "n": jwk["n"], "e": jwk["e"]}
