"""The simulator as a child process, and the collector's settings for its tenants."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from aoc_cli.local.ports import LOOPBACK
from aoc_cli.local.process import Child
from aoc_sim.settings import DEFAULT_TENANTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_cli.local.stack import DataDirectory

#: The published limits would stretch a demonstration over minutes; these keep the mechanism and shorten the wait.
RELAXED: Final = {
    "AOC_SIM__THROTTLE__GRAPH_AUDIT_REQUESTS": "100",
    "AOC_SIM__THROTTLE__GRAPH_AUDIT_WINDOW_S": "10",
    "AOC_SIM__THROTTLE__GRAPH_SECURITY_REQUESTS": "600",
    "AOC_SIM__THROTTLE__ACTIVITY_REQUESTS": "60000",
}
#: What a collector must know of them.
_RATES: Final = {
    "AOC_RATES__GRAPH_AUDIT_REQUESTS": "100",
    "AOC_RATES__GRAPH_AUDIT_WINDOW_S": "10",
    "AOC_RATES__GRAPH_SECURITY_REQUESTS": "600",
    "AOC_RATES__MANAGEMENT_REQUESTS": "60000",
}


def tenants() -> list[str]:
    """The simulated tenants."""
    return [tenant.slug for tenant in DEFAULT_TENANTS]


def simulator(data: DataDirectory, port: int, settings: Mapping[str, str]) -> Child:
    """The simulator, not started yet."""
    return Child(
        name="simulator",
        argv=[sys.executable, "-m", "aoc_sim"],
        log=data.logs / "simulator.log",
        port=port,
        env={"AOC_SIM__HOST": LOOPBACK, "AOC_SIM__PORT": str(port), **RELAXED, **settings},
    )


def collector_settings(data: DataDirectory, port: int, host: str = LOOPBACK) -> dict[str, str]:
    """Environment of a collector for the simulated tenants, reached by that name of this machine."""
    base = f"http://{host}:{port}"
    described: list[dict[str, Any]] = []
    for tenant in DEFAULT_TENANTS:
        secret = data.path / "secrets" / f"simulator-{tenant.slug}"
        secret.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(tenant.client_secret.get_secret_value())
        described.append(
            {
                "name": tenant.slug,
                "tenant_id": tenant.tenant_id,
                "client_id": tenant.client_id,
                "client_secret": f"file:{secret}",
                "authority": base,
                "graph": base,
                "management": base,
            }
        )
    file = data.path / "tenants.json"
    file.write_text(json.dumps(described, indent=1))
    return {"AOC_TENANTS_FILE": str(file), **_RATES}
