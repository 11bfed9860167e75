"""Resource data in rich notifications: checked and decrypted as Microsoft documents it.

Source: graph-docs, change-notifications-with-resource-data.md, "Decrypting resource data".
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from aoc_api.bodies import parse
from aoc_common.errors import BadConfiguration, Malformed
from aoc_common.settings import resolve_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_api.webhooks.notifications import EncryptedContent

_SETTING: Final = "AOC_WEBHOOKS__DECRYPTION_KEYS"
_KEY_BYTES: Final = 32
_BLOCK_BYTES: Final = 16
#: Microsoft documents OAEP as .NET's and Java's defaults have it: SHA-1 for both.
_OAEP: Final = OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303  # as Microsoft documents; OAEP is secure with it


class Decryption:
    """Opens resource data with the private keys of the certificates that subscriptions were made with."""

    def __init__(self, references: Mapping[str, str]) -> None:
        self._keys = {name: _private_key(name, reference) for name, reference in references.items()}

    def open(self, content: EncryptedContent) -> dict[str, Any]:
        """The resource. Raises `Malformed`: unknown key, tampered with, or no JSON object."""
        key = self._keys.get(content.encryption_certificate_id)
        if key is None:
            raise Malformed("encrypted for a certificate that is not configured")
        try:
            symmetric = key.decrypt(b64decode(content.data_key, validate=True), _OAEP)
            data = b64decode(content.data, validate=True)
            signature = b64decode(content.data_signature, validate=True)
        except (ValueError, binascii.Error):
            raise Malformed("the key of the resource data cannot be unwrapped") from None
        if len(symmetric) != _KEY_BYTES:
            raise Malformed("the key of the resource data has another length")
        # Before anything is decrypted, or a padding error would help a forger.
        if not hmac.compare_digest(hmac.digest(symmetric, data, sha256), signature):
            raise Malformed("the resource data was tampered with")
        return _resource(_decrypt(symmetric, data))


def _decrypt(key: bytes, data: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES256(key), modes.CBC(key[:_BLOCK_BYTES])).decryptor()
    unpadder = padding.PKCS7(_BLOCK_BYTES * 8).unpadder()
    try:
        return unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        raise Malformed("the resource data cannot be decrypted") from None


def _resource(text: bytes) -> dict[str, Any]:
    try:
        resource = parse(text)
    except Malformed:
        resource = None
    if not isinstance(resource, dict):
        raise Malformed("the resource data is no JSON object")
    return resource


def _private_key(name: str, reference: str) -> RSAPrivateKey:
    pem = resolve_secret(reference, f"{_SETTING}, {name}")
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        # Without the error's text: it can quote the key.
        raise BadConfiguration(f"{_SETTING}, {name}: expected an unencrypted private key in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise BadConfiguration(f"{_SETTING}, {name}: expected an RSA key")
    return key
