"""Database users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import OperationFailure

from aoc_common.store.mongo.client import connect, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.settings import MongoSettings

_EXISTS: Final = 51003


async def create_users(settings: MongoSettings, users: Mapping[str, tuple[str, str]]) -> None:
    """Create users (name -> password, role) of the settings' database; those that exist are set right.

    The connection must be allowed to. Roles are MongoDB's: `readWrite` for the services, `read` for the gateway.
    """
    async with connect(settings) as database:
        for name, (password, role) in users.items():
            with translated("users"):
                rights: dict[str, Any] = {"pwd": password, "roles": [{"role": role, "db": database.name}]}
                try:
                    await database.client["admin"].command("createUser", name, **rights)
                except OperationFailure as error:
                    if error.code != _EXISTS:
                        raise
                    # Of a first start that was killed before it could note that it was done.
                    await database.client["admin"].command("updateUser", name, **rights)
