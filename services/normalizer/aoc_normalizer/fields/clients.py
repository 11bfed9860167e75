"""How somebody signed in, where that is worth a word: old protocols, which know no second factor, and device codes.

Source: graph-docs, resources/signin.md (`clientAppUsed`, `authenticationProtocol`, `originalTransferMethod`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of today's clients; any other is an old protocol.
_MODERN: Final = frozenset({"browser", "mobileappsanddesktopclients", "unknown", "none"})
_FLOWS: Final = {"devicecode": "device code", "devicecodeflow": "device code", "ropc": "password alone (ROPC)"}
_LONGEST: Final = 60


def way(record: Mapping[str, Any]) -> str | None:
    """`IMAP4`, `device code`; None for a browser or an app of today."""
    for name in ("authenticationProtocol", "originalTransferMethod"):
        if flow := _FLOWS.get((values.text(record.get(name)) or "").casefold()):
            return flow
    client = values.text(record.get("clientAppUsed"))
    if client is None or len(client) > _LONGEST or "".join(filter(str.isalnum, client)).casefold() in _MODERN:
        return None
    return client
