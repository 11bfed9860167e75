"""The sinks of a run: their names, and the file that makes an exporter send to the simulator's receivers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from aoc_cli.local.ports import LOOPBACK
from aoc_cli.verify import sink_folders
from aoc_common.errors import BadConfiguration
from aoc_sim.siem import receivers
from aoc_sim.siem.request_faults import RequestFault

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

NAMES: Final = (*receivers.NAMES, *sink_folders.NAMES)
#: What goes wrong at the receivers: each at about every twelfth request, and some times at most.
_FAULTS: Final = {
    fault.value: 0.08
    for fault in (
        RequestFault.THROTTLED, RequestFault.BUSY, RequestFault.SLOW, RequestFault.RESET_BEFORE,
        RequestFault.RESET_AFTER, RequestFault.ITEM_ERRORS, RequestFault.SILENT,
    )
}  # fmt: skip
_MOST_FAULTS: Final = 4
#: Seconds. Splunk says at once what it has indexed, or never.
_ACKNOWLEDGE: Final = {"acknowledge_every_s": 0.1, "acknowledge_within_s": 2.0}
#: How long what goes into one file is gathered, seconds.
_GATHERED_S: Final = 2.0


def chosen(names: str | None) -> tuple[str, ...]:
    """The sinks that are named, comma-separated; `all` that can be read here; none without.

    Raises `BadConfiguration` for a name that is unknown, or whose files cannot be read here.
    """
    if names is None:
        return ()
    missing = sink_folders.unreadable()
    if names == "all":
        return tuple(name for name in NAMES if name not in missing)
    listed = tuple(name.strip() for name in names.split(","))
    if strangers := [name for name in listed if name not in NAMES]:
        raise BadConfiguration(f"--sinks {strangers[0]!r}: no such sink; there are {', '.join(NAMES)}, and all")
    if absent := next((name for name in listed if name in missing), None):
        raise BadConfiguration(f"--sinks {absent!r}: {missing[absent]} is not installed here")
    return tuple(name for name in NAMES if name in listed)


def receiver_settings(syslog_port: int) -> dict[str, str]:
    """Environment of the simulator: its receivers fail, and syslog listens there."""
    return {
        "AOC_SIM__SIEM__FAULTS": json.dumps(_FAULTS),
        "AOC_SIM__SIEM__MOST": str(_MOST_FAULTS),
        "AOC_SIM__SIEM__SYSLOG_PORT": str(syslog_port),
    }


def exporter_settings(file: Path, secrets: Path, folder: Path) -> dict[str, str]:
    """Environment of an exporter that follows this file. `folder`: of the sinks that write files."""
    return {
        "AOC_SINKS_FILE": str(file),
        "AOC_EXPORT__ALLOWED_NETWORKS": json.dumps([f"{LOOPBACK}/32"]),
        "AOC_EXPORT__SECRET_DIRECTORIES": json.dumps([str(secrets)]),
        "AOC_EXPORT__FOLDERS": json.dumps([str(folder)]),
        "AOC_EXPORT__LOOK_S": "0.5",
    }


def write_secrets(directory: Path) -> None:
    """The secrets that open the receivers, one file each."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, secret in {
        "splunk": receivers.SPLUNK_TOKEN,
        "elastic": receivers.ELASTIC_PASSWORD,
        "sentinel": receivers.SENTINEL_SECRET,
        "webhook": receivers.WEBHOOK_SECRET,
    }.items():
        file = directory / name
        file.touch(mode=0o600)
        file.write_text(secret)


def content(
    names: Sequence[str],
    base: str,
    syslog_port: int,
    secrets: Path,
    folder: Path,
    tenants: Mapping[str, Collection[str]],
    data: Sequence[str] = ("events",),
) -> str:
    """The file. `base`: the simulator's address. `tenants`: sink -> those that it begins with; all where none is named.

    `data`: what goes to each.

    It is JSON, which is YAML, too.
    """
    options = _options(base, syslog_port, secrets) | {name: {"path": str(folder / name)} for name in sink_folders.NAMES}
    # Both events of one action: then everything that is published is to arrive.
    common = {"begin": "beginning", "twins": True, "data": [*data]}
    return json.dumps(
        {"sinks": [_sink(name, options[name], tenants.get(name, ()), common) for name in names]}, indent=1
    )


def _sink(name: str, options: Mapping[str, Any], tenants: Collection[str], common: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "kind": name, "options": options, **common}
    if name in sink_folders.NAMES:
        made["linger_s"] = _GATHERED_S
    return made | ({"include": {"tenants": sorted(tenants)}} if tenants else {})


def _options(base: str, syslog_port: int, secrets: Path) -> dict[str, dict[str, Any]]:
    there = {name: f"{base}/_siem/{name}" for name in receivers.NAMES}
    held = {name: f"file:{secrets / name}" for name in receivers.NAMES}
    credential = {
        "tenant_id": "contoso",
        "client_id": "aoc",
        "client_secret": held["sentinel"],
        "authority": there["sentinel"],
    }
    return {
        "splunk": {"url": there["splunk"], "token": held["splunk"], "acknowledgements": True, **_ACKNOWLEDGE},
        "elastic": {"url": there["elastic"], "user": receivers.ELASTIC_USER, "password": held["elastic"]},
        "sentinel": {"endpoint": there["sentinel"], "rule": "dcr-verify", "credential": credential},
        "webhook": {"url": f"{there['webhook']}/hook", "secret": held["webhook"]},
        "otlp": {"url": there["otlp"]},
        "syslog": {"host": LOOPBACK, "port": syslog_port, "transport": "tcp"},
    }
