"""Which addresses of apprise a route may have. Pure; apprise itself is not loaded here."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

from aoc_common.errors import BadConfiguration

_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]{0,40})://\S+", re.IGNORECASE)
#: What shows something on the machine that it runs on, or runs a program there.
_LOCAL: Final = frozenset({"blink1", "dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"})
#: What a route does not decide: certificates are checked, redirects not followed, and we try again, not apprise.
_OURS: Final = ("verify", "redirect", "retry", "wait")


def check_address(address: str, where: str) -> None:
    """Raises `BadConfiguration` for one that is none, or not allowed; repeats nothing that may be a secret."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise BadConfiguration(f"{where}.url: is no address as apprise writes them, e.g. slack://token/#alerts")
    if found[1].lower() in _LOCAL:
        raise BadConfiguration(f"{where}.url: {found[1].lower()}:// tells nobody elsewhere")
    asked = {name.lower() for name, _ in parse_qsl(address.partition("?")[2], keep_blank_values=True)}
    if named := next((name for name in _OURS if name in asked), None):
        raise BadConfiguration(f"{where}.url: {named}= is not the route's to say")
