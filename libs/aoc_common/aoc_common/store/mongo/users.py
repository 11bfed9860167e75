"""Database users and what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import OperationFailure

from aoc_common.store.mongo.client import connect, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.settings import MongoSettings

#: MongoDB's codes for a user and a role that exist already.
_EXISTS: Final = frozenset({51002, 51003})

#: The gateway's role: it reads everything, and writes to these collections in these ways alone.
GATEWAY_ROLE: Final = "aocGateway"
GATEWAY_WRITES: Final[Mapping[str, tuple[str, ...]]] = {
    # What was noted is never changed.
    "audit_trail": ("insert",),
    "audit_heads": ("insert", "update"),
    "audit_publications": ("insert",),
    # Of events it changes nothing but what people note on them.
    "event_notes": ("insert", "update"),
    # Alerts are raised by the alerter alone; people work on them.
    "alerts": ("update",),
    "grants": ("insert", "update", "remove"),
    "break_glass": ("insert", "update"),
    "saved_searches": ("insert", "update", "remove"),
    "privacy": ("insert", "update", "remove"),
    "export_jobs": ("insert", "update", "remove"),
    # What an export has written is never changed.
    "export_parts": ("insert", "remove"),
    # A key is revoked, and stays.
    "api_keys": ("insert", "update"),
    "sessions": ("insert", "update", "remove"),
    # Links are made by who may do everything in the database anyway (`aoc sign-in-link`), and used up here.
    "sign_in_links": ("remove",),
    "rules": ("insert", "update", "remove"),
    "sinks": ("insert", "update", "remove"),
    # A deleted tenant leaves its record.
    "tenant_settings": ("insert", "update"),
}


async def create_users(settings: MongoSettings, users: Mapping[str, tuple[str, str]]) -> None:
    """Create users (name -> password, role) of the settings' database; those that exist are set right.

    The connection must be allowed to. A role is MongoDB's own, or the gateway's.
    """
    async with connect(settings) as database:
        admin = database.client["admin"]
        with translated("users"):
            await _set_right(admin, "Role", GATEWAY_ROLE, gateway_role(database.name))
            for name, (password, role) in users.items():
                rights = {"pwd": password, "roles": [role_reference(role, database.name)]}
                await _set_right(admin, "User", name, rights)


def gateway_role(database: str) -> dict[str, Any]:
    """The gateway's role, as `createRole` takes it."""
    return {
        "privileges": [
            {"resource": {"db": database, "collection": collection}, "actions": list(actions)}
            for collection, actions in GATEWAY_WRITES.items()
        ],
        "roles": [{"role": "read", "db": database}],
    }


def role_reference(role: str, database: str) -> dict[str, str]:
    """A role as a user is given it: the gateway's stands beside the users, others are MongoDB's on the database."""
    return {"role": role, "db": "admin" if role == GATEWAY_ROLE else database}


async def _set_right(admin: Any, kind: str, name: str, document: dict[str, Any]) -> None:
    try:
        await admin.command(f"create{kind}", name, **document)
    except OperationFailure as error:
        if error.code not in _EXISTS:
            raise
        # Of an older version, or of a first start that was killed before it could note that it was done.
        await admin.command(f"update{kind}", name, **document)
