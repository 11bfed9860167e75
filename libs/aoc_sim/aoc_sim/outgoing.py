"""Outgoing requests of the simulator (webhooks, handshakes), to this machine only."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request that was sent, and the status of its answer; 0 without an answer in time."""

    url: str
    body: bytes
    status: int


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether the host of a URL is this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and is_loopback(parts.hostname or "")
    except ValueError:
        return False


async def post(
    url: str, body: bytes, *, timeout_s: float, headers: Mapping[str, str], params: Mapping[str, str] | None = None
) -> httpx.Response | None:
    """POST; None without an answer in time."""
    address = httpx.URL(url)
    if params:
        address = address.copy_merge_params(dict(params))
    try:
        async with httpx.AsyncClient(timeout=timeout_s, trust_env=False) as client:
            return await client.post(address, content=body, headers=dict(headers))
    except httpx.HTTPError:
        return None
