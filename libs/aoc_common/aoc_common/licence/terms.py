"""What an installation may do under its licences, at a moment.

One tenant is free. A licence that has ended, or that nobody here trusts, stops nothing that runs: it only grants no new
tenants.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from aoc_common.errors import BadConfiguration
from aoc_common.licence.token import LONGEST, Licence, read
from aoc_common.licence.trusted import trusted
from aoc_common.settings import resolve_secret

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

FREE_TENANTS: Final = 1
#: From so long before its end a licence is said to end.
WARNED_BEFORE: Final = timedelta(days=30)
#: How far the issuer's clock may be ahead of ours.
_SKEW: Final = timedelta(days=1)
_MOST: Final = 8
SETTING: Final = "AOC_LICENSE_KEY"

type LicenceState = Literal["none", "valid", "ending", "ended", "not-yet", "unreadable"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be done now. `licence`: the one that counts; None without any.

    `max_tenants`: how many tenants a new one may make it. `advice`: what somebody should do, if anything.
    """

    state: LicenceState
    max_tenants: int
    licence: Licence | None = None
    advice: str | None = None


class Licences:
    """The licences of an installation. `trouble`: why what was named is none."""

    def __init__(self, licences: tuple[Licence, ...] = (), trouble: str | None = None) -> None:
        self.licences = licences
        self.trouble = trouble

    def terms(self, now: datetime, latest_known: datetime | None = None) -> Terms:
        """What may be done. `latest_known`: a time that is known to have passed, whatever the clock says now.

        Of several licences that one counts which grants the most; of those that ended, the one that ended last.
        """
        # A clock that was set back revives nothing that has ended.
        latest = now if latest_known is None else max(now, latest_known)
        if self.trouble is not None:
            return Terms("unreadable", FREE_TENANTS, advice=f"{self.trouble}.")
        if not self.licences:
            return Terms("none", FREE_TENANTS)
        started = [one for one in self.licences if one.starts_at <= latest + _SKEW]
        valid = [one for one in started if latest < one.ends_at]
        if valid:
            best = max(valid, key=lambda one: (one.max_tenants, one.ends_at))
            ending = best.ends_at - latest <= WARNED_BEFORE
            return Terms("ending" if ending else "valid", best.max_tenants, best, _ending(best) if ending else None)
        if started:
            last = max(started, key=lambda one: one.ends_at)
            return Terms("ended", FREE_TENANTS, last, _ended(last))
        first = min(self.licences, key=lambda one: one.starts_at)
        advice = f"The licence starts at {first.starts_at:%Y-%m-%d %H:%M} UTC: check the clock of this machine."
        return Terms("not-yet", FREE_TENANTS, first, advice)


def load(key: str | None, trust: Path | None) -> Licences:
    """The licences of `AOC_LICENSE_KEY`: tokens with blanks between them, or a reference to such a text.

    Never raises: what is no licence, or is signed by nobody who is trusted, is the `trouble`, and stops nothing.
    """
    if key is None:
        return Licences()
    try:
        return Licences(_read(key, trust))
    except BadConfiguration as error:
        return Licences(trouble=str(error) if str(error).startswith("AOC_") else f"{SETTING}: {error}")


def _read(key: str, trust: Path | None) -> tuple[Licence, ...]:
    text = resolve_secret(key, SETTING) if key.startswith(("env:", "file:")) else key
    if len(text) > _MOST * (LONGEST + 1):
        raise BadConfiguration(f"holds more than {_MOST} licences can have characters")
    tokens = text.replace(",", " ").split()
    if not 1 <= len(tokens) <= _MOST:
        raise BadConfiguration(f"holds {len(tokens)} licences; 1 to {_MOST} are read")
    keys = trusted(trust)
    return tuple(read(token, keys) for token in tokens)


def _ending(licence: Licence) -> str:
    return (
        f"The licence ends on {licence.ends_at:%Y-%m-%d}: put a new one into {SETTING}. Afterwards all goes on but new "
        "tenants."
    )


def _ended(licence: Licence) -> str:
    return (
        f"The licence ended on {licence.ends_at:%Y-%m-%d}: what there is is collected and read as before, and no "
        f"tenant can be added until {SETTING} holds a new one."
    )
