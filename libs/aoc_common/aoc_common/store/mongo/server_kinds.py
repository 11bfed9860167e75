"""Kinds of database servers, and what has to be known of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from motor.motor_asyncio import AsyncIOMotorDatabase


@dataclass(frozen=True, slots=True)
class Server:
    """What a search has to know of a database server, and whoever makes its indexes.

    `plans`: it reads an index in order, and stops at the limit. `one_sided`: on an index over an array it applies only
    the lower bound of a range of ids, so that all newer documents are read too. `expires`: an index by which documents
    expire does not make it read all of them. `parallel`: two large inserts take it no longer at once than in turn.
    """

    plans: bool = False
    one_sided: bool = False
    expires: bool = True
    parallel: bool = True


MONGODB: Final = Server(plans=True)
SECANTUS: Final = Server(expires=False, parallel=False)
SECANTUS_RS: Final = Server(one_sided=True)


async def server_of(database: AsyncIOMotorDatabase[Any]) -> Server:
    """What kind of server answers. Raises the driver's errors."""
    built = await database.command("buildInfo")
    if "secantusVersion" not in built:
        return MONGODB
    return SECANTUS_RS if built.get("buildEnvironment", {}).get("cc") == "rustc" else SECANTUS
