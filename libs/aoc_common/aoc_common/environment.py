"""Which environment variables with our prefix mean something: one that does not is a mistake, and stops a start.

One environment may be shared by all services, so each of them knows the settings of all (`known_settings.txt`).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX: Final = "AOC_"
DELIMITER: Final = "__"
#: Of the launcher (`./aoc`) and the embedded stack, and of those who work on AOC.
_OURS: Final = frozenset({"AOC_ROOT", "AOC_STORE_ENGINE", "AOC_MUTANT", "AOC_GOLDEN"})
_TESTS: Final = "AOC_TEST_"
#: Kubernetes and Docker give these to every container for a service that is named `aoc` or `aoc-...`.
_LINK: Final = re.compile(r"AOC(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_LINKED: Final = re.compile(r"(tcp|udp|sctp)://.*")
#: A secret may be in a variable of any name: `AOC_NATS__PASSWORD=env:AOC_BUS_PASSWORD`.
_REFERENCE: Final = re.compile(r"env:(\w+)")
#: What variables with secrets begin with that sinks and routes of notifications refer to, by default. Sinks are set in
#: the database too, and a file is not where every service is that has the same environment.
_SECRETS: Final = ("AOC_SINK_", "AOC_NOTIFICATION_")
#: They name a tenants file: for those who collect, and for the gateway.
TENANTS_FILE: Final = "AOC_TENANTS_FILE"
WEBHOOKS_TENANTS_FILE: Final = "AOC_WEBHOOKS__TENANTS_FILE"
_MOST_BYTES: Final = 16 * 1024**2


@cache
def known() -> Mapping[str, bool]:
    """Every setting -> whether names of the user's own may follow it (`AOC_RETENTION__BY_TENANT__CONTOSO`)."""
    lines = files("aoc_common").joinpath("known_settings.txt").read_text("ascii").splitlines()
    return {line.removesuffix(DELIMITER + "*"): line.endswith("*") for line in lines if not line.startswith("#")}


def check(environment: Mapping[str, str]) -> None:
    """Raise `BadConfiguration` for the first variable with our prefix that nothing of AOC knows."""
    unknown = sorted(name for name, value in environment.items() if _ours(name) and not _known(name.upper(), value))
    if not unknown:
        return
    named = frozenset(_named(environment))
    for name in unknown:
        if name not in named:
            raise BadConfiguration(f"{name}: no such setting{_hint(name.upper())}")


def _ours(name: str) -> bool:
    # Settings are read without regard to case.
    return name.upper().startswith(PREFIX)


def _known(name: str, value: str) -> bool:
    if name in _OURS or name.startswith(_TESTS) or _is_setting(name) or _is_secret(name):
        return True
    # `AOC_HEALTH_PORT=9100` is no link, but a mistake.
    return _LINK.fullmatch(name) is not None or (name.endswith("_PORT") and _LINKED.fullmatch(value) is not None)


def _is_secret(name: str) -> bool:
    """`AOC_SINK_FILE` is none, but a mistake for `AOC_SINKS_FILE`."""
    found = next((prefix for prefix in _SECRETS if name.startswith(prefix) and name != prefix), None)
    return found is not None and not _is_setting(f"{found.removesuffix('_')}S_{name.removeprefix(found)}")


def _is_setting(name: str) -> bool:
    settings = known()
    # A group as a whole can be given as JSON: `AOC_NATS={"url": ...}`.
    if name in settings or any(setting.startswith(name + DELIMITER) for setting in settings):
        return True
    return any(open_ended and name.startswith(setting + DELIMITER) for setting, open_ended in settings.items())


def _named(environment: Mapping[str, str]) -> Iterator[str]:
    """The variables that settings and tenants files refer to."""
    for name, value in environment.items():
        if _ours(name):
            yield from _REFERENCE.findall(value)
    for setting in (TENANTS_FILE, WEBHOOKS_TENANTS_FILE):
        if path := environment.get(setting):
            yield from _REFERENCE.findall(_text(Path(path)))


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:  # who reads it for what it says tells what is wrong with it
        return ""


def _hint(name: str) -> str:
    near = get_close_matches(name, known(), n=1, cutoff=0.6)
    return f"; is {near[0]} meant?" if near else "; docs/reference/settings.md has all"
