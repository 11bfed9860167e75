"""Network addresses as records spell them: with ports, brackets, zones, mapped, or not addresses at all."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from aoc_common.contracts import spelling
from aoc_normalizer.draft import Address

_BRACKETS: Final = re.compile(r"^\[([^\]]+)\](?::(\d{1,5}))?$")
_V4_PORT: Final = re.compile(r"^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$")
_LONGEST: Final = 64
_LAST_PORT: Final = 65_535


def parse(value: Any) -> Address | None:
    """The address in a field, or None for what is no address (empty, `<null>`, a host name, a GUID, a version)."""
    if not isinstance(value, str) or not 2 <= len(value) <= _LONGEST:  # noqa: PLR2004  # the shortest is "::"
        return None
    return _parse(value.strip())


@lru_cache(maxsize=4096)
def _parse(text: str) -> Address | None:
    port: int | None = None
    if found := _BRACKETS.match(text) or _V4_PORT.match(text):
        text, digits = found[1], found[2]
        port = int(digits) if digits and int(digits) <= _LAST_PORT else None
    address = spelling.address(text)
    return None if address is None else Address(address, port)
