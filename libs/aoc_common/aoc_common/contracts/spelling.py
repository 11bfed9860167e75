"""The one spelling of what events are stored, indexed and asked for by."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import Final

_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212]")
_LONGEST_ACTOR: Final = 256
_LONGEST_OPERATION: Final = 200


def address(text: str) -> str | None:
    """An address in its shortest form, a mapped IPv4 address as IPv4, no zone; None for what is no address."""
    try:
        parsed = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or IPv6Address(int(parsed))
    return str(parsed)


def actor(text: str) -> str:
    """Who acted: workloads spell one person's name in different cases."""
    return text.strip().lower()[:_LONGEST_ACTOR]


def operation(text: str) -> str:
    """An operation: trimmed, without a final dot, with plain dashes."""
    return _DASHES.sub("-", text).strip().rstrip(".").strip()[:_LONGEST_OPERATION]
