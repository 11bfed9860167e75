"""`aoc api-keys`: keys with which machines and scripts use the gateway.

It works on the database, as who runs AOC may: so the first key can be made before anybody can sign in.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from aoc_cli import known_tenants
from aoc_cli.access import granting
from aoc_cli.access.local import principal
from aoc_cli.attach import on_database
from aoc_cli.noting import note
from aoc_cli.tenants import directories_of
from aoc_cli.terminal import as_json as json_text
from aoc_cli.terminal import err, minute, out, plain
from aoc_common.contracts.credentials import fingerprint, new_api_key
from aoc_common.contracts.printable import visible
from aoc_common.errors import BadConfiguration
from aoc_common.store.api_keys import ApiKey
from aoc_common.store.mongo.api_keys import MongoApiKeys

if TYPE_CHECKING:
    from aoc_common.store.mongo.client import Database

group = typer.Typer(help="Keys with which machines and scripts use the gateway.", no_args_is_help=True)

_LONGEST_NAME: Final = 100
_LONGEST_DAYS: Final = 366

Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]


@group.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: granting.Role = "reader",
    tenants: granting.Tenants = None,
    groups: granting.Groups = None,
    everything: granting.Everything = False,
    days: Annotated[int, typer.Option(min=1, max=_LONGEST_DAYS, help="Days until it expires.")] = 90,
    data: Data = None,
) -> None:
    """Make a key, and print it: this once."""
    grant = granting.granted(role, tenants, groups, everything=everything)
    if visible(name) != name or not 0 < len(name) <= _LONGEST_NAME:
        raise BadConfiguration(f"the name must be 1 to {_LONGEST_NAME} characters, all of them visible")
    secret, now = new_api_key(), datetime.now(UTC)
    of = fingerprint(secret)
    key = ApiKey(of.id, name, (grant,), principal(), now, now + timedelta(days=days))

    async def work(database: Database) -> None:
        directories = await directories_of(database, grant.tenants, data)
        granting.say_missing(grant.tenants, await known_tenants.names(database, data))
        await note(database, "api-keys.make", "create", f"API key {key.id} ({name}): {granting.rights(grant)}")
        await MongoApiKeys(database).put(replace(key, directories=directories), of)

    on_database(data, work)
    out.out(secret, highlight=False)
    err.print(f"key {key.id}, until {minute(key.expires_at)}; it is not shown again")


@group.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False, data: Data = None
) -> None:
    """List keys, the newest first: what they may do, when they were used last, and when they end."""

    async def work(database: Database) -> list[ApiKey]:
        return await MongoApiKeys(database).listed()

    now = datetime.now(UTC)
    for key in on_database(data, work):
        out.out(json_text(_document(key, now)), highlight=False) if as_json else out.print(_line(key, now))


@group.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="Its id, as the list shows it.")], data: Data = None) -> None:
    """Revoke a key. Within five seconds it opens nothing."""

    async def work(database: Database) -> ApiKey:
        await note(database, "api-keys.revoke", "delete", f"API key {key_id}")
        return await MongoApiKeys(database).revoke(key_id, principal(), datetime.now(UTC))

    key = on_database(data, work)
    out.print(f"{plain(key.id)}  {plain(key.name)}  is revoked")


def _line(key: ApiKey, now: datetime) -> str:
    state = "[red]revoked[/]" if key.revoked_at else "[green]valid[/]" if key.valid(now) else "[yellow]expired[/]"
    used = f"used {minute(key.used_at)}" if key.used_at else "never used"
    rights = "; ".join(granting.rights(grant) for grant in key.grants) or "no role"
    return f"{plain(key.id)}  {state}  until {minute(key.expires_at)}  {used}  {plain(key.name)}  ({plain(rights)})"


def _document(key: ApiKey, now: datetime) -> dict[str, Any]:
    times = {name: getattr(key, name) for name in ("made_at", "expires_at", "used_at", "revoked_at")}
    return {
        "id": key.id,
        "name": key.name,
        "rights": [granting.rights(grant) for grant in key.grants],
        "made_by": key.made_by,
        **{name: at and at.isoformat() for name, at in times.items()},
        "valid": key.valid(now),
    }
