"""Worlds of the simulator, made once for each settings and moment: what follows from the same is the same.

Making one takes a tenth of a second, which is most of what a test of the simulator costs; a copy takes a tenth of it.
"""

from __future__ import annotations

import io
import pickle
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from aoc_sim.inventory import Directory
from aoc_sim.timeline import World

if TYPE_CHECKING:
    from aoc_sim.clock import Clock
    from aoc_sim.faults import FaultDice
    from aoc_sim.settings import SimSettings

#: What all copies of a world share, since nothing changes it.
_SHARED: Final = (Directory, FunctionType)
#: Settings and moment -> a pickled world, and what its copies share.
_MADE: Final[dict[bytes, tuple[bytes, list[Any]]]] = {}


def world(settings: SimSettings, clock: Clock, dice: FaultDice) -> World:
    """As `World`. `dice`: as the settings have them, and not thrown yet; the world gets its own."""
    key = pickle.dumps((settings.model_dump(), clock.now()))
    given = [clock, settings, *settings.tenants]
    if key not in _MADE:
        into = io.BytesIO()
        pickler = _Pickler(into, given)
        pickler.dump(World(settings, clock, dice))
        _MADE[key] = (into.getvalue(), pickler.shared[len(given) :])
    dumped, shared = _MADE[key]
    made: World = _Unpickler(dumped, [*given, *shared]).load()
    return made


class _Pickler(pickle.Pickler):
    """Leaves out what a copy is given, and what all share: their places in `shared`."""

    def __init__(self, into: io.BytesIO, given: list[Any]) -> None:
        super().__init__(into, protocol=pickle.HIGHEST_PROTOCOL)
        self.shared = list(given)
        self._places = {id(one): place for place, one in enumerate(given)}

    def persistent_id(self, one: Any) -> int | None:
        if isinstance(one, _SHARED) and id(one) not in self._places:
            self._places[id(one)] = len(self.shared)
            self.shared.append(one)
        return self._places.get(id(one))


class _Unpickler(pickle.Unpickler):
    def __init__(self, dumped: bytes, shared: list[Any]) -> None:
        super().__init__(io.BytesIO(dumped))
        self._shared = shared

    def persistent_load(self, place: int) -> Any:
        return self._shared[place]
