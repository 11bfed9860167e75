"""User agents: which browser, on which system."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aoc_common.left_out import left_out

# An engine that is not made use of, since there is a better one; rules want it.
with left_out("re2"):
    from ua_parser import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Characters that are read. Rules are many: what nobody's browser sends is not worth their time.
_MAX_AGENT: Final = 512


@lru_cache(maxsize=4096)
def of(agent: str) -> Mapping[str, str]:
    """`browser`, `browser_version`, `os`, `os_version` and `device`, as far as the agent tells."""
    found = parse(agent[:_MAX_AGENT])
    browser, system, device = found.user_agent, found.os, found.device
    fields = {
        "browser": browser and browser.family,
        "browser_version": browser and _version(browser.major, browser.minor),
        "os": system and system.family,
        "os_version": system and _version(system.major, system.minor),
        "device": device and device.family,
    }
    return {name: value for name, value in fields.items() if value}


def _version(*parts: str | None) -> str:
    return ".".join(part for part in parts if part)
