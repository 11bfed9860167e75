"""The keys that origins sign with: fetched when first needed, when they grow old, and when an unknown one turns up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aoc_common.errors import AocError, Unreachable
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aoc_api.entra.discovery import Published, SigningKey
    from aoc_common.clock import Clock

_log = logs.get(__name__)

#: Seconds after which keys are fetched again, so that one that was withdrawn is good for no longer.
FRESH_S: Final = 3600.0
#: Seconds for which they are used while the origin is away.
LONGEST_S: Final = 24 * 3600.0
#: An unknown key may be new, or forged: seconds between two fetches for unknown keys.
PAUSE_S: Final = 60.0
#: Seconds in which an origin that did not answer is not asked.
RETRY_S: Final = 5.0
_LONG_AGO: Final = float("-inf")


class KeysAway(Unreachable):
    """There are no keys to look into: the origin does not answer, or not as it must."""


class AskedAlready(Unreachable):
    """A key is not among those that were fetched a moment ago, and may be newer than they."""


class _Kept:
    """What is known of one origin."""

    def __init__(self) -> None:
        self.published: Published | None = None
        self.fetched = _LONG_AGO
        self.failed = _LONG_AGO
        self.fetching: asyncio.Task[None] | None = None


class SigningKeys[Origin]:
    """Keys by origin. `fetch`: what an origin publishes; raises `AocError`.

    Requests that need the same fetch share it. None waits for one while it has a key that may still be used.
    """

    def __init__(self, fetch: Callable[[Origin], Awaitable[Published]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[Origin, _Kept] = {}

    async def key(self, origin: Origin, kid: str) -> SigningKey | None:
        """The key with that id; None when the origin, which was just asked, has none.

        Raises `AskedAlready` for an unknown key so soon after a fetch; `KeysAway`.
        """
        kept = self._kept.setdefault(origin, _Kept())
        published = self._usable(origin, kept)
        if published is not None and (key := published.keys.get(kid)) is not None:
            return key
        if self._age(kept) <= PAUSE_S:
            raise AskedAlready("keys: the origin was asked for its keys a moment ago")
        return (await self._fetched(origin, kept)).keys.get(kid)

    async def published(self, origin: Origin) -> Published:
        """What the origin publishes. Raises `KeysAway`."""
        kept = self._kept.setdefault(origin, _Kept())
        return self._usable(origin, kept) or await self._fetched(origin, kept)

    def _age(self, kept: _Kept) -> float:
        return self._clock.monotonic() - kept.fetched

    def _usable(self, origin: Origin, kept: _Kept) -> Published | None:
        """What was fetched, unless that is too long ago; a new fetch is begun when it has grown old."""
        age = self._age(kept)
        if age > FRESH_S and kept.published is not None and self._may_ask(kept):
            self._begin(origin, kept)
        return kept.published if age <= LONGEST_S else None

    def _may_ask(self, kept: _Kept) -> bool:
        return self._clock.monotonic() - kept.failed > RETRY_S

    async def _fetched(self, origin: Origin, kept: _Kept) -> Published:
        """What a fetch gives that ends after now. Raises `KeysAway`."""
        before = kept.fetched
        if kept.fetching is not None or self._may_ask(kept):
            await asyncio.shield(self._begin(origin, kept))
        if kept.published is None or kept.fetched == before:
            raise KeysAway("keys: the origin does not answer as it must", retry_after=RETRY_S)
        return kept.published

    def _begin(self, origin: Origin, kept: _Kept) -> asyncio.Task[None]:
        """The fetch that is under way, or a new one."""
        if kept.fetching is None:
            kept.fetching = asyncio.create_task(self._run(origin, kept))
        return kept.fetching

    async def _run(self, origin: Origin, kept: _Kept) -> None:
        try:
            published = await self._fetch(origin)
        except AocError as error:
            _log.warning("keys.unreachable", origin=str(origin), error=str(error))
            kept.failed = self._clock.monotonic()
        else:
            kept.published, kept.fetched = published, self._clock.monotonic()
        finally:
            kept.fetching = None
