"""Rate limits: a sliding window per family and key."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from aoc_sim.clock import seconds, to_us

if TYPE_CHECKING:
    from aoc_sim.clock import Clock
    from aoc_sim.settings import Throttle
    from aoc_sim.tokens import Caller

type Family = Literal["graph_audit", "graph_intune", "graph_security", "graph_risk", "graph_directory", "activity"]

#: Counted for all apps of a tenant together.
_OF_TENANT: Final = frozenset({"graph_risk", "activity"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and how full its window is."""

    retry_after_s: int | None
    """Seconds to wait; None lets the request pass."""
    used: float
    """Share of the limit that is used, this request included."""
    limit: int
    scope: str


class Throttler:
    """Counts requests. A refused request does not count."""

    def __init__(self, settings: Throttle, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._windows: dict[tuple[str, ...], deque[int]] = {}

    def admit(self, family: Family, caller: Caller, cost: int = 1) -> Verdict:
        """The verdict on one more request of this caller, which uses that much of its family's limit."""
        settings = self._settings
        limit: int = getattr(settings, f"{family}_requests")
        length: float = getattr(settings, f"{family}_window_s")
        scope = "Tenant" if family in _OF_TENANT else "Tenant_Application"
        if not settings.enabled:
            return Verdict(None, 0, limit, scope)
        key: tuple[str, ...] = (
            (family, caller.tenant_id) if family in _OF_TENANT else (family, caller.app_id, caller.tenant_id)
        )
        checks = [(key, limit, length, scope, cost)]
        if family != "activity":
            application = (settings.graph_all_requests, settings.graph_all_window_s, "Application", 1)
            checks.append((("graph_all", caller.app_id), *application))
        now = to_us(self._clock.now())
        for window_key, most, span, name, used in checks:
            window = self._windows.setdefault(window_key, deque())
            while window and window[0] <= now - seconds(span):
                window.popleft()
            while window and window[-1] > now:  # the clock was set back
                window.pop()
            if len(window) + used > most:
                wait = math.ceil((window[0] + seconds(span) - now) / 1_000_000)
                return Verdict(max(1, wait), len(window) / most, most, name)
        for window_key, *_, used in checks:
            self._windows[window_key].extend([now] * used)
        return Verdict(None, len(self._windows[key]) / limit, limit, scope)
