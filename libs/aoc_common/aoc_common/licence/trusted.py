"""The public keys that a licence may be signed with: those of the package, and those of the installation's own file."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from aoc_common.errors import BadConfiguration
from aoc_common.licence.token import kid_of

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES: Final = 64 * 1024
_PEM: Final = re.compile(r"-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]{1,1000}-----END PUBLIC KEY-----")
SETTING: Final = "AOC_LICENSE_TRUST"


def trusted(file: Path | None) -> dict[str, Ed25519PublicKey]:
    """Kid -> key. `file`: PEM keys, one after another. Raises `BadConfiguration`, naming the setting."""
    keys: dict[str, Ed25519PublicKey] = {}
    for entry in files("aoc_common").joinpath("licence/keys").iterdir():
        if entry.name.endswith(".pem"):
            keys |= _keys(entry.read_text("ascii"), f"built-in key {entry.name}")
    if file is not None:
        keys |= _keys(_text(file), f"{SETTING}: {file}")
    return keys


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise BadConfiguration(f"{SETTING}: {file}: has more than {_MOST_BYTES // 1024} KiB")
        return content.decode("ascii")
    except OSError as error:
        raise BadConfiguration(f"{SETTING}: {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadConfiguration(f"{SETTING}: {file}: no PEM text") from None


def _keys(text: str, where: str) -> dict[str, Ed25519PublicKey]:
    blocks = _PEM.findall(text)
    if not blocks:
        raise BadConfiguration(f"{where}: holds no public key (PEM)")
    if text.count("-----BEGIN ") != len(blocks):
        raise BadConfiguration(f"{where}: holds something else than public keys (PEM)")
    keys = {}
    for block in blocks:
        try:
            key = load_pem_public_key(block.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise BadConfiguration(f"{where}: holds a key that cannot be read") from None
        if not isinstance(key, Ed25519PublicKey):
            raise BadConfiguration(f"{where}: holds a key that is not Ed25519")
        keys[kid_of(key)] = key
    return keys
