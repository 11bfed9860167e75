"""Who asks too often is answered 429.

Before somebody is known, the address counts: so many strangers share one that it is only charged much for what a guess
looks like, credentials that are none. Those that were good here before are recognised, and pass whatever others behind
their address do. From then on the principal counts, and the address does not. Who comes from more addresses than can be
counted meets a bound on all strangers together: what is looked up for them is bounded, and whoever was here passes.

When the store of the limits is away, nobody is refused: a gateway that protects itself must not be what fails.
"""

from __future__ import annotations

import ipaddress
import math
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cachetools import TTLCache

from aoc_api import metrics
from aoc_api.problems import Problem
from aoc_api.rates.rate_limits import Rate
from aoc_common.errors import Transient
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_api.access.principal import Principal
    from aoc_api.rates.rate_limits import RateLimits, Standing
    from aoc_api.settings import RateOptions
    from aoc_common.clock import Clock

_log = logs.get(__name__)

#: Tokens.
READ: Final = 1
CHANGE: Final = 5
STRANGER: Final = 1
SIGN_IN: Final = 5
#: Beside what the request itself costs.
GUESS: Final = 20
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: Credentials that are recognised, and seconds for which they are.
_RECOGNISED: Final = 20_000
_RECOGNISED_S: Final = 12 * 3600.0
#: Credentials that were refused: showing the same again is no new guess.
_REFUSED: Final = 10_000
_REFUSED_S: Final = 600.0
#: Seconds between two lines in the log about the same owner; owners of which that is known.
_QUIET_S: Final = 60.0
_QUIET: Final = 1_000
#: Bits of an IPv6 address that its owner cannot choose (RFC 6177).
_SITE_BITS: Final = 56
#: Whose bucket all strangers share.
_ALL: Final = "all"
_WHOSE: Final = {"address": "this address", "webhooks": "this address", "strangers": "people who are not known yet"}
#: The problem of credentials that are none.
_NONE: Final = "unauthenticated"

type Verify = Callable[[], Awaitable[Principal]]
"""Whom credentials stand for. Raises a problem."""


class Throttle:
    """Takes tokens for requests."""

    def __init__(self, limits: RateLimits, options: RateOptions, clock: Clock) -> None:
        self._limits = limits
        self._caller = Rate("caller", options.caller_burst, options.caller_per_s)
        self._address = Rate("address", options.address_burst, options.address_per_s)
        self._strangers = Rate("strangers", options.strangers_burst, options.strangers_per_s)
        self._webhooks = Rate("webhooks", options.webhooks_burst, options.webhooks_per_s)
        self._recognised: TTLCache[bytes, bool] = TTLCache(_RECOGNISED, _RECOGNISED_S, timer=clock.monotonic)
        self._refused: TTLCache[bytes, bool] = TTLCache(_REFUSED, _REFUSED_S, timer=clock.monotonic)
        self._logged: TTLCache[tuple[str, str], bool] = TTLCache(_QUIET, _QUIET_S, timer=clock.monotonic)

    async def caller(self, principal_id: str, method: str) -> dict[str, str]:
        """Count a request of somebody who is known; headers for its answer. Raises a problem: too many."""
        tokens = READ if method in _SAFE else CHANGE
        standing = await self._take(self._caller, principal_id, tokens)
        return {} if standing is None else headers(self._caller, standing)

    async def stranger(self, address: str, tokens: int = STRANGER) -> None:
        """Count a request of an address, and of all that are not known. Raises a problem: too many."""
        await self._take(self._address, network_of(address), tokens)
        # What an address has used up is not taken from all others.
        await self._take(self._strangers, _ALL, STRANGER)

    async def webhook(self, address: str) -> None:
        """Count a notification from an address. Raises a problem: too many."""
        await self._take(self._webhooks, network_of(address), 1)

    async def guessed(self, address: str) -> None:
        """Charge an address for something that it had made up."""
        try:
            await self._limits.charge(self._address, network_of(address), GUESS)
        except Transient as error:
            self._away(error)

    async def vetted(self, address: str, secret: str, verify: Verify) -> Principal:
        """Whom a secret stands for. Raises a problem before anything is looked up, when the address has tried too many.

        Raises what `verify` does.
        """
        # By hash: the secrets themselves are not kept.
        digest = sha256(secret.encode("utf-8", "surrogateescape")).digest()
        if digest not in self._recognised:
            await self.stranger(address)
        try:
            principal = await verify()
        except Problem as problem:
            if problem.slug == _NONE and digest not in self._recognised and digest not in self._refused:
                self._refused[digest] = True
                await self.guessed(address)
            raise
        self._recognised[digest] = True
        return principal

    async def _take(self, rate: Rate, owner: str, tokens: int) -> Standing | None:
        """The bucket after tokens were taken; None when nobody can tell. Raises a problem when they are not there."""
        try:
            standing = await self._limits.take(rate, owner, tokens)
        except Transient as error:
            self._away(error)
            return None
        if not standing.wait_s:
            return standing
        metrics.API_LIMITED.labels(rate.name).inc()
        if (rate.name, owner) not in self._logged:
            self._logged[rate.name, owner] = True
            _log.warning("request.limited", rate=rate.name, owner=owner, wait_s=round(standing.wait_s, 1))
        raise Problem(
            "too-often",
            f"So many requests of {_WHOSE.get(rate.name, 'this caller')} came that the next is taken in "
            f"{_whole(standing.wait_s)} s.",
            headers=headers(rate, standing) | {"Retry-After": str(_whole(standing.wait_s))},
        )

    def _away(self, error: Transient) -> None:
        metrics.API_UNLIMITED.inc()
        if ("", "") not in self._logged:
            self._logged["", ""] = True
            _log.warning("rate_limits.away", error=str(error))


def headers(rate: Rate, standing: Standing) -> dict[str, str]:
    """What a client is told of its bucket (draft-ietf-httpapi-ratelimit-headers-10)."""
    return {
        "RateLimit-Policy": f'"{rate.name}";q={int(rate.burst)};w={_whole(rate.window_s)}',
        "RateLimit": f'"{rate.name}";r={max(0, int(standing.remaining))};t={math.ceil(standing.full_s)}',
    }


def network_of(address: str) -> str:
    """Whose bucket an address has: its own, or that of its site, where one has as many addresses as one likes."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _SITE_BITS), strict=False))


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
