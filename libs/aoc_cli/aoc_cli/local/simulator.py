"""The simulator as a child process, and the collector's settings for its tenants."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from aoc_cli.local.ports import LOOPBACK
from aoc_cli.local.process import Child
from aoc_cli.tenants import LOCAL_FILE
from aoc_common.environment import TENANTS_FILE, WEBHOOKS_TENANTS_FILE
from aoc_common.tenants.file import written
from aoc_common.tenants.tenant import Tenant
from aoc_sim.settings import DEFAULT_TENANTS, GatewayApp, TenantSettings
from aoc_sim.vocabulary import OFFICES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_cli.local.stack import DataDirectory

#: The published limits would stretch a demonstration over minutes, as would their windows, in which what one collector
#: used is not free for another; these keep the mechanism and shorten the wait. Family -> requests, window in seconds.
_LIMITS: Final = {
    "graph_audit": (100, 10),
    "graph_security": (100, 10),
    "graph_risk": (100, 10),
    "graph_intune": (500, 10),
    "activity": (10_000, 10),
}
#: What the collector calls a family that the simulator calls otherwise.
_COLLECTORS_NAME: Final = {"activity": "management"}


def _environment(prefix: str, names: Mapping[str, str]) -> dict[str, str]:
    return {
        f"{prefix}__{names.get(family, family).upper()}_{what}": str(value)
        for family, (requests, window_s) in _LIMITS.items()
        for what, value in (("REQUESTS", requests), ("WINDOW_S", window_s))
    }


RELAXED: Final = _environment("AOC_SIM__THROTTLE", {})
#: What a collector must know of them.
_RATES: Final = _environment("AOC_RATES", _COLLECTORS_NAME)


def tenants() -> list[str]:
    """The simulated tenants."""
    return [tenant.slug for tenant in DEFAULT_TENANTS]


def client_secrets() -> dict[str, str]:
    """Simulated tenant -> its client secret, which opens nothing but the simulator."""
    return {tenant.slug: tenant.client_secret.get_secret_value() for tenant in DEFAULT_TENANTS}


def simulator(data: DataDirectory, port: int, settings: Mapping[str, str]) -> Child:
    """The simulator, not started yet."""
    return Child(
        name="simulator",
        argv=[sys.executable, "-m", "aoc_sim"],
        log=data.logs / "simulator.log",
        port=port,
        env={"AOC_SIM__HOST": LOOPBACK, "AOC_SIM__PORT": str(port), **RELAXED, **settings},
    )


def sign_in_settings(data: DataDirectory, port: int) -> dict[str, str]:
    """Environment of a gateway at which the simulated tenants' people sign in. The first tenant is its home.

    Its tenants file is the collector's (`collector_settings`).
    """
    return {
        "AOC_API__AUTH__CLIENT_ID": GatewayApp().client_id,
        "AOC_API__AUTH__HOME_TENANTS": json.dumps([DEFAULT_TENANTS[0].tenant_id]),
        "AOC_API__AUTH__AUTHORITY": f"http://{LOOPBACK}:{port}",
        WEBHOOKS_TENANTS_FILE: str(data.path / LOCAL_FILE),
    }


def _time_zone(tenant: TenantSettings) -> ZoneInfo:
    """The zone of the tenant's headquarters."""
    *_, zone, _address = OFFICES[tenant.country][0]
    return ZoneInfo(zone)


def collector_settings(data: DataDirectory, port: int, host: str = LOOPBACK) -> dict[str, str]:
    """Environment of a collector for the simulated tenants, reached by that name of this machine."""
    secrets = {slug: data.path / "secrets" / f"simulator-{slug}" for slug in tenants()}
    for slug, text in client_secrets().items():
        secrets[slug].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        secrets[slug].touch(mode=0o600)
        secrets[slug].write_text(text)
    file = data.path / LOCAL_FILE
    file.write_text(tenants_file(f"http://{host}:{port}", lambda slug: str(secrets[slug])))
    return {TENANTS_FILE: str(file), **_RATES}


def tenants_file(base: str, secret: Callable[[str], str]) -> str:
    """A tenants file with the simulated tenants. `base`: the address of the simulator. `secret`: tenant -> file."""
    return written(
        Tenant(
            name=tenant.slug,
            tenant_id=tenant.tenant_id,
            client_id=tenant.client_id,
            client_secret=f"file:{secret(tenant.slug)}",
            authority=base,
            graph=base,
            management=base,
            display_name=tenant.display_name,
            time_zone=_time_zone(tenant),
        )
        for tenant in DEFAULT_TENANTS
    )
