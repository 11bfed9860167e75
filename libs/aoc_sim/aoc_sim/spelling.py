"""The same record in other letters: its id in the other case, its instant written otherwise."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

import re
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_sim.faults import FaultDice
    from aoc_sim.world import Entry

_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(?:Z|([+-])(\d\d):(\d\d))?")
_TIMES: Final = (
    "CreationTime",
    "activityDateTime",
    "createdDateTime",
    "riskLastUpdatedDateTime",
    "lastModifiedDateTime",
)
_IDS: Final = ("Id", "id")


def padded(text: str) -> str:
    """`...:00Z` as `...:00.0000000Z`: seven decimals, as .NET writes them. The zone stays as it is."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        return text
    zone = text[match.end(2 if match[2] else 1) :]
    return f"{match[1]}.{match[2] or '':0<7}{zone}"


def with_offset(text: str, hours: int) -> str:
    """The same instant with an offset of that many hours; a time without a zone is UTC."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        return text
    shift = timedelta(hours=hours)
    if match[3]:
        offset = timedelta(hours=int(match[4]), minutes=int(match[5]))
        shift += -offset if match[3] == "+" else offset
    local = datetime.fromisoformat(match[1]) + shift
    return f"{local:%Y-%m-%dT%H:%M:%S}{'.' + match[2] if match[2] else ''}{hours:+03d}:00"


_SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (
    padded,
    lambda text: with_offset(text, 0),
    lambda text: with_offset(text, 2),
    lambda text: with_offset(padded(text), -8),
)


class Spelling:
    """Spells records otherwise from the second time that they are served."""

    def __init__(self, seed: int, dice: FaultDice) -> None:
        self._seed = seed
        self._dice = dice

    def shown(self, entry: Entry, times: int) -> bytes:
        """The record's bytes for the serving after `times` others."""
        faults = self._dice.settings
        if not times or not (faults.recase_rate or faults.respell_rate):
            return entry.body
        rng = Random(f"spelling:{self._seed}:{entry.seq}")
        recased, respelt = rng.random() < faults.recase_rate, rng.random() < faults.respell_rate
        if not (recased or respelt):
            return entry.body
        record = orjson.loads(entry.body)
        if recased:
            name = next(name for name in _IDS if name in record)
            record[name] = record[name].swapcase()
        if respelt:
            name = next(name for name in _TIMES if name in record)
            record[name] = rng.choice(_SPELLINGS)(record[name])
        if times == 1:
            self._dice.injected["recased"] += recased
            self._dice.injected["respelt"] += respelt
        return orjson.dumps(record)
