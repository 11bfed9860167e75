"""Database users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.store.mongo.client import connect, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.settings import MongoSettings


async def create_users(settings: MongoSettings, users: Mapping[str, tuple[str, str]]) -> None:
    """Create users (name -> password, role) of the settings' database. The connection must be allowed to.

    Roles are MongoDB's: `readWrite` for the services, `read` for the gateway.
    """
    async with connect(settings) as database:
        for name, (password, role) in users.items():
            with translated("users"):
                await database.client["admin"].command(
                    "createUser", name, pwd=password, roles=[{"role": role, "db": database.name}]
                )
