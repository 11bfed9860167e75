"""`aoc api-keys`: keys with which machines and scripts use the gateway.

It works on the database, as who runs AOC may: so the first key can be made before anybody can sign in.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from aoc_cli import attach
from aoc_cli.access.local import OPERATOR
from aoc_cli.terminal import as_json as json_text
from aoc_cli.terminal import err, out, plain, visible
from aoc_common.contracts.access import ROLES, Grant
from aoc_common.contracts.credentials import fingerprint, new_api_key
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import BadConfiguration
from aoc_common.store.api_keys import ApiKey
from aoc_common.store.mongo.api_keys import MongoApiKeys
from aoc_common.store.mongo.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

group = typer.Typer(help="Keys with which machines and scripts use the gateway.", no_args_is_help=True)

_LONGEST_NAME: Final = 100
_LONGEST_DAYS: Final = 366

Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]


@group.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[str, typer.Option(help=f"What it may do: {', '.join(ROLES)}.")] = "reader",
    tenant: Annotated[list[str] | None, typer.Option(help="Over this tenant; repeatable.")] = None,
    tenant_group: Annotated[list[str] | None, typer.Option(help="Over the tenants of this group; repeatable.")] = None,
    everything: Annotated[bool, typer.Option(help="Over all tenants.")] = False,
    days: Annotated[int, typer.Option(min=1, max=_LONGEST_DAYS, help="Days until it expires.")] = 90,
    data: Data = None,
) -> None:
    """Make a key, and print it: this once."""
    grant = _grant(role, tenant or [], tenant_group or [], everything=everything)
    if visible(name) != name or not 0 < len(name) <= _LONGEST_NAME:
        raise BadConfiguration(f"the name must be 1 to {_LONGEST_NAME} characters, all of them visible")
    secret, now = new_api_key(), datetime.now(UTC)
    of = fingerprint(secret)
    key = ApiKey(of.id, name, (grant,), OPERATOR, now, now + timedelta(days=days))

    async def work(keys: MongoApiKeys) -> None:
        await keys.put(key, of)

    _with_keys(data, work)
    out.out(secret, highlight=False)
    err.print(f"key {key.id}, until {_moment(key.expires_at)}; it is not shown again")


@group.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False, data: Data = None
) -> None:
    """List keys, the newest first: what they may do, when they were used last, and when they end."""

    async def work(keys: MongoApiKeys) -> list[ApiKey]:
        return await keys.listed()

    now = datetime.now(UTC)
    for key in _with_keys(data, work):
        out.out(json_text(_document(key, now)), highlight=False) if as_json else out.print(_line(key, now))


@group.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="Its id, as the list shows it.")], data: Data = None) -> None:
    """Revoke a key. Within five seconds it opens nothing."""

    async def work(keys: MongoApiKeys) -> ApiKey:
        return await keys.revoke(key_id, OPERATOR, datetime.now(UTC))

    key = _with_keys(data, work)
    out.print(f"{plain(key.id)}  {plain(key.name)}  is revoked")


def _grant(role: str, tenants: list[str], groups: list[str], *, everything: bool) -> Grant:
    known = next((known for known in ROLES if known == role), None)
    if known is None:
        raise BadConfiguration(f"--role {role}: there are {', '.join(ROLES)}")
    if everything == bool(tenants or groups):
        raise BadConfiguration("say over what: --tenant or --tenant-group, or --everything")
    for tenant in tenants:
        check_tenant(tenant)
    return Grant(known, frozenset(tenants), frozenset(groups), everything)


def _line(key: ApiKey, now: datetime) -> str:
    state = "[red]revoked[/]" if key.revoked_at else "[green]valid[/]" if key.valid(now) else "[yellow]expired[/]"
    used = f"used {_moment(key.used_at)}" if key.used_at else "never used"
    rights = "; ".join(_rights(grant) for grant in key.grants)
    return f"{plain(key.id)}  {state}  until {_moment(key.expires_at)}  {used}  {plain(key.name)}  ({plain(rights)})"


def _rights(grant: Grant) -> str:
    groups = [f"group {name}" for name in sorted(grant.groups)]
    return f"{grant.role} over " + ("everything" if grant.everything else ", ".join([*sorted(grant.tenants), *groups]))


def _document(key: ApiKey, now: datetime) -> dict[str, Any]:
    times = {name: getattr(key, name) for name in ("made_at", "expires_at", "used_at", "revoked_at")}
    return {
        "id": key.id,
        "name": key.name,
        "rights": [_rights(grant) for grant in key.grants],
        "made_by": key.made_by,
        **{name: at and at.isoformat() for name, at in times.items()},
        "valid": key.valid(now),
    }


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _with_keys[T](data: Path | None, work: Callable[[MongoApiKeys], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on the system that runs, or on the database of a data directory started for it."""
    with ExitStack() as stack:
        system = attach.find(data) or stack.enter_context(attach.started(attach.existing(data)))

        async def run() -> T:
            async with connect(system.mongo) as database:
                return await work(MongoApiKeys(database))

        return asyncio.run(run())
