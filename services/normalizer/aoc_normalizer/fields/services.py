"""Microsoft's own services: what acts for people, and is no person."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from aoc_common.contracts import spelling

#: Names of services that records give for whoever acted through them, in lower case; seen in public records.
_NAMES: Final = frozenset(
    {"aad app management", "aad connect sync", "approval management", "certificate", "device registration service",
     "directory synchronization", "msft graph", "o365 suite ux", "office365 shell wcss-client",
     "office365 shell wcss-server", "request approvals read platform", "self-service internal", "signup",
     "skype and teams tenant admin api", "substrate management", "windows azure active directory",
     "graph explorer"}
)  # fmt: skip
_BEGINNINGS: Final = ("microsoft ", "microsoft.", "azure ", "office 365 ", "office365 ", "ms-pim", "windows azure ")


@lru_cache(maxsize=2048)
def is_known(name: str) -> bool:
    """Whether a name is one of Microsoft's services. People can be called so: ask where a user name stands beside."""
    folded = spelling.folded(name).strip().casefold()
    return folded in _NAMES or folded.startswith(_BEGINNINGS)
