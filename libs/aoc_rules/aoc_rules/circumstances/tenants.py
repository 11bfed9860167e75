"""What rules ask of a tenant: its lists and its settings, as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

from aoc_rules.sigma.named_lists import NO_LISTS, NamedLists
from aoc_rules.sigma.networks import Networks

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from aoc_common.tenants.tenant import Tenant

#: Bits of an IPv6 address before the IPv4 address that it holds.
_MAPPED: Final = 96


@dataclass(frozen=True, slots=True)
class KnownTenant:
    """A tenant as rules know it.

    `settings`: None for one that no registry has, as of an import: what asks for them cannot be answered. `networks`:
    that it trusts; None where it names none.
    """

    lists: NamedLists = NO_LISTS
    settings: Tenant | None = None
    networks: Networks | None = None

    @classmethod
    def of(cls, tenant: Tenant) -> KnownTenant:
        """Made of its settings: half a second for lists of 100,000 entries. Raises `ValueError` for one too long."""
        trusted = [_plain(network) for network in tenant.trusted_networks]
        return cls(NamedLists(tenant.lists), tenant, Networks(trusted) if trusted else None)


UNKNOWN: Final = KnownTenant()


def _plain(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Addresses are compared as IPv4 where they can be, so networks of such are, too."""
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED and network[0].ipv4_mapped is not None:
        return ip_network(f"{network[0].ipv4_mapped}/{network.prefixlen - _MAPPED}")
    return network
