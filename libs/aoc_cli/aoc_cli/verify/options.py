"""What to verify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_cli.verify.fault_kinds import Kind


@dataclass(frozen=True, slots=True)
class Options:
    """What to verify.

    `kill`: services to kill -9 in the middle of the run, in this order. `chaos`: rounds in which every process is
    killed and paused once. `kinds`: kinds of fault beside the simulator's usual ones. `quick`: fewer faults.
    `sinks`: destinations of the exporter, by name. `alerts`: whether the alerter runs, too.
    """

    events: int = 5000
    seed: int = 7
    replicas: int = 1
    timeout_s: float = 600.0
    kill: Sequence[str] = ()
    chaos: int = 0
    kinds: frozenset[Kind] = frozenset()
    quick: bool = False
    sinks: Sequence[str] = ()
    alerts: bool = False
