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


class KeysUnavailable(Unreachable):
    """There are no keys to look into: the origin does not answer, or not as it must."""


class AskedAlready(Unreachable):
    """A key is not among those that were fetched a moment ago, and may be newer than they."""


class _State:
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
        self._states: dict[Origin, _State] = {}

    async def key(self, origin: Origin, kid: str) -> SigningKey | None:
        """The key with that id; None when the origin, which was just asked, has none.

        Raises `AskedAlready` for an unknown key so soon after a fetch; `KeysUnavailable`.
        """
        state = self._states.setdefault(origin, _State())
        published = self._usable(origin, state)
        if published is not None and (key := published.keys.get(kid)) is not None:
            return key
        if self._age(state) <= PAUSE_S:
            raise AskedAlready("keys: the origin was asked for its keys a moment ago")
        return (await self._fetched(origin, state)).keys.get(kid)

    async def published(self, origin: Origin) -> Published:
        """What the origin publishes. Raises `KeysUnavailable`."""
        state = self._states.setdefault(origin, _State())
        return self._usable(origin, state) or await self._fetched(origin, state)

    def _age(self, state: _State) -> float:
        return self._clock.monotonic() - state.fetched

    def _usable(self, origin: Origin, state: _State) -> Published | None:
        """What was fetched, unless that is too long ago; a new fetch is begun when it has grown old."""
        age = self._age(state)
        if age > FRESH_S and state.published is not None and self._may_ask(state):
            self._begin(origin, state)
        return state.published if age <= LONGEST_S else None

    def _may_ask(self, state: _State) -> bool:
        return self._clock.monotonic() - state.failed > RETRY_S

    async def _fetched(self, origin: Origin, state: _State) -> Published:
        """What a fetch gives that ends after now. Raises `KeysUnavailable`."""
        before = state.fetched
        if state.fetching is not None or self._may_ask(state):
            await asyncio.shield(self._begin(origin, state))
        if state.published is None or state.fetched == before:
            raise KeysUnavailable("keys: the origin does not answer as it must", retry_after=RETRY_S)
        return state.published

    def _begin(self, origin: Origin, state: _State) -> asyncio.Task[None]:
        """The fetch that is under way, or a new one."""
        if state.fetching is None:
            state.fetching = asyncio.create_task(self._run(origin, state))
        return state.fetching

    async def _run(self, origin: Origin, state: _State) -> None:
        try:
            published = await self._fetch(origin)
        except AocError as error:
            _log.warning("keys.unreachable", origin=str(origin), error=str(error))
            state.failed = self._clock.monotonic()
        else:
            state.published, state.fetched = published, self._clock.monotonic()
        finally:
            state.fetching = None
