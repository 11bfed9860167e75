"""The one spelling of a network address: as events are stored, indexed and asked for."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address


def canonical(text: str) -> str | None:
    """An address in its shortest form, a mapped IPv4 address as IPv4, no zone; None for what is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or IPv6Address(int(address))
    return str(address)
