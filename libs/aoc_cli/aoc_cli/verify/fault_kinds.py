"""The kinds of fault that a run can have beside the simulator's usual ones, each of which can be switched on alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from aoc_cli.deployment.bus import MAX_PAYLOAD
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

type Kind = Literal[
    "windows",
    "streams",
    "consumers",
    "full",
    "deletions",
    "changes",
    "case",
    "spelling",
    "operations",
    "payload",
    "clock",
    "retry",
    "links",
    "bom",
]

#: Kind -> its description.
KINDS: Final[Mapping[Kind, str]] = {
    "windows": "short memories of the bus, and outages that outlast each of them",
    "streams": "AOC_RAW, AOC_EVENTS, AOC_JOBS; AOC_ALERTS (--alerts), AOC_AUDIT (--sinks) deleted and made anew",
    "consumers": "consumers deleted",
    "full": "an AOC_RAW of 2 MiB that fills",
    "deletions": "accounts deleted from the directory, and AOC_EVENTS deleted and made anew once",
    "changes": "records that change after they were served",
    "case": "ids in the other case the second time",
    "spelling": "times spelt otherwise the second time",
    "operations": "two unified records of one id and time",
    "payload": "records around the server's max_payload",
    "clock": "clocks that jump: the simulator's and the services'",
    "retry": "Retry-After that nobody means",
    "links": "contentUri spelt oddly, or no address at all",
    "bom": "a BOM before blobs",
}
#: In every run: none of these may lose a record, or make a statement about one false.
USUAL: Final[frozenset[Kind]] = frozenset({"deletions", "changes", "case", "spelling", "operations"})
#: Default of `--chaos`: a kind is added here together with what makes it harmless.
ENABLED: Final[frozenset[Kind]] = frozenset(KINDS)

#: Kinds that the simulator itself injects: the names of its extra faults (`aoc_sim.faults.EXTRAS`).
_SIMULATOR_KINDS: Final[tuple[Kind, ...]] = (
    "changes",
    "case",
    "spelling",
    "operations",
    "payload",
    "retry",
    "links",
    "bom",
)
#: Seconds. Outages last longer (`chaos`).
DUPLICATE_WINDOW_S: Final = 2
EVENTS_AGE_S: Final = 20
_SMALL_RAW: Final = 2 * 1024 * 1024
#: The max_payload of a nats-server without a setting.
_DEFAULT_PAYLOAD: Final = 1024 * 1024
#: Records that change or come again must be listed again, however long an outage lasted.
_LONG_OVERLAP: Final = {"AOC_GRAPH__OVERLAP_S": "3600"}
#: Without outages: as long as they are young, and the longest run.
_OVERLAP: Final = {"AOC_GRAPH__OVERLAP_S": "1800"}
#: Kind -> settings of the bus (`NatsSettings`), which all services share.
_OF_BUS: Final[Mapping[Kind, Mapping[str, int]]] = {
    "windows": {"duplicate_window_s": DUPLICATE_WINDOW_S, "events_max_age_s": EVENTS_AGE_S},
    "full": {"raw_max_bytes": _SMALL_RAW},
}
#: Seconds after which a waiting page is looked for, and the period: deleted pages must be found within a run.
_LOST_PAGES_SOON: Final = {"AOC_GONE_AFTER_S": "8", "AOC_GONE_LOOK_S": "2"}
_OF_NORMALIZER: Final[Mapping[Kind, Mapping[str, str]]] = {"streams": _LOST_PAGES_SOON, "windows": _LOST_PAGES_SOON}
_OF_COLLECTOR: Final[Mapping[Kind, Mapping[str, str]]] = {
    # The longest wait that is believed is a quarter of an hour: here, some seconds.
    "retry": {"AOC_LONGEST_ASKED_S": "3"},
    "changes": _LONG_OVERLAP,
    "case": _LONG_OVERLAP,
    "spelling": _LONG_OVERLAP,
}


@dataclass(frozen=True, slots=True)
class Setup:
    """How the parts of a run are set up: environment variables of the simulator and the services, and the bus.

    `events_age_s`: how long AOC_EVENTS holds an event; None: longer than any run. `host`: the host name by which the
    collector reaches the simulator. `clocks`: whether the services' clocks can be stepped.
    """

    simulator: Mapping[str, str]
    collector: Mapping[str, str]
    normalizer: Mapping[str, str]
    bus: Mapping[str, int]
    max_payload: int
    events_age_s: float | None
    host: str
    clocks: bool

    @property
    def services(self) -> dict[str, str]:
        """The settings of the bus for every service, as environment variables."""
        return {f"AOC_NATS__{name.upper()}": str(value) for name, value in self.bus.items()}


def chosen(names: Collection[str]) -> frozenset[Kind]:
    """The kinds with these names; empty for `none` alone. Raises `BadConfiguration` for an unknown name."""
    if list(names) == ["none"]:
        return frozenset()
    known: dict[str, Kind] = {kind: kind for kind in get_args(Kind.__value__)}
    if strangers := [name for name in names if name not in known]:
        raise BadConfiguration(f"--faults {strangers[0]}: no such kind; there are {', '.join(known)}")
    return frozenset(known[name] for name in names)


def setup(kinds: Collection[Kind], *, calm: bool = False) -> Setup:
    """The setup that these kinds of fault need; `calm`: no long outages, and few of many records are young."""
    collector: dict[str, str] = {}
    normalizer: dict[str, str] = {}
    bus: dict[str, int] = {}
    for kind in KINDS:
        if kind in kinds:
            collector |= _OF_COLLECTOR.get(kind, {})
            normalizer |= _OF_NORMALIZER.get(kind, {})
            bus |= _OF_BUS.get(kind, {})
    if calm and collector.items() >= _LONG_OVERLAP.items():
        collector |= _OVERLAP
    return Setup(
        simulator={"AOC_SIM__FAULTS_EXTRA": json.dumps([kind for kind in _SIMULATOR_KINDS if kind in kinds])},
        collector=collector,
        normalizer=normalizer,
        bus=bus,
        max_payload=_DEFAULT_PAYLOAD if "payload" in kinds else MAX_PAYLOAD,
        events_age_s=EVENTS_AGE_S if "windows" in kinds else None,
        # A host that has letters can be spelt in capitals.
        host="localhost" if "links" in kinds else "127.0.0.1",
        clocks="clock" in kinds,
    )
