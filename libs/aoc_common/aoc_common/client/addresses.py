"""Addresses to which a secret may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def is_private(address: SplitResult) -> bool:
    """Whether nobody on the way reads what is sent there: by TLS, or since it stays on this machine."""
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in _LOOPBACK)


def check_address(value: str) -> str:
    """The address of a gateway without what follows its host. Raises `ValueError`."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("must be an address like https://aoc.example")
    if parts.path.strip("/"):
        raise ValueError("must be an address without a path, like https://aoc.example")
    if not is_private(parts):
        raise ValueError("must be https (http only on this machine): secrets are sent to it")
    return f"{parts.scheme}://{parts.netloc}".lower()
