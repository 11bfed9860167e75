"""Networks to find an address in, however many they are; and the one spelling of an address."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

#: An address with a port, as the unified log has it: `192.0.2.1:16902`, `[2001:db8::1]:54088`.
_WITH_PORT: Final = re.compile(r"\s*(?:\[([0-9A-Fa-f:.%]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?\s*", re.ASCII)
_LONGEST: Final = 64


class Networks:
    """Networks of both kinds; one look-up for each length of prefix that occurs."""

    __slots__ = ("_by_shift",)

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        grouped: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for network in networks:
            shift = network.max_prefixlen - network.prefixlen
            grouped[network.version, shift].add(int(network.network_address) >> shift)
        self._by_shift = [(version, shift, frozenset(held)) for (version, shift), held in grouped.items()]

    def holds(self, text: str) -> bool:
        """Whether a text is an address in one of the networks, with or without a port."""
        return self.place(text) is True

    def place(self, text: str) -> bool | None:
        """Whether an address, with or without a port, is in one of the networks; None for what is no address."""
        address = _address(text)
        if address is None:
            return None
        number, version = int(address), address.version
        return any(of == version and number >> shift in held for of, shift, held in self._by_shift)


def same_address(text: str) -> str:
    """The one spelling of an address, without its port; any other text as it is.

    The two records of one action spell it differently: `192.0.2.1`, `::ffff:192.0.2.1`, `192.0.2.1:16902`.
    """
    address = _address(text)
    return text if address is None else str(address)


@lru_cache(8192)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    if len(text) > _LONGEST:
        return None
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    spelt = spelling.address(text)
    return None if spelt is None else ip_address(spelt)
