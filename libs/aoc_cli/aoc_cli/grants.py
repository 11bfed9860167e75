"""`aoc grants`: who may do what. It writes to the database itself, so it gives the first superadmin, too."""

from __future__ import annotations

import asyncio
import getpass
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import uuid4

import typer

from aoc_cli import attach, tenants
from aoc_cli.backfill import moment
from aoc_cli.terminal import err, json_line, out, plain
from aoc_common.contracts.access import ROLES, Grant, Role
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import BadConfiguration, Malformed, NotFound
from aoc_common.store.grants import Grantee, GranteeKind, StoredGrant
from aoc_common.store.mongo.break_glass import MongoBreakGlass
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.grants import MongoGrants

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from aoc_common.store.mongo.client import Database

group = typer.Typer(help="Who may do what, and who has lifted privacy rules.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
_TOGETHER: Final = 500
_LIFTS: Final = 200


@group.command("list")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """List all grants, also those that ended in the last ninety days."""

    async def work(database: Database) -> list[StoredGrant]:
        store, found = MongoGrants(database), list[StoredGrant]()
        while page := await store.listed(found[-1].id if found else "", _TOGETHER):
            found += page
        return found

    now, found = datetime.now(UTC), _with_database(data, work)
    for stored in found:
        if as_json:
            out.out(json_line(_as_json(stored, now)), highlight=False)
        else:
            out.print(_line(stored, now))
    if not found and not as_json:
        err.print("nobody was granted anything yet: aoc grants add")


@group.command("add")
def add(
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")],
    person: Annotated[
        str | None, typer.Option(help="A person or an application: DIRECTORY-ID/OBJECT-ID, as Entra ID shows them.")
    ] = None,
    group_: Annotated[
        str | None, typer.Option("--group", help="All of a group of Entra ID: DIRECTORY-ID/OBJECT-ID.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="An API key, by its id.")] = None,
    tenant: Annotated[list[str] | None, typer.Option(help="Over this tenant; may be repeated.")] = None,
    tenant_group: Annotated[
        list[str] | None, typer.Option(help="Over all tenants of this group of tenants; may be repeated.")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Over all tenants there are and will be.")] = False,
    until: Annotated[str | None, typer.Option(help="When it ends, e.g. 2027-01-31.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call who gets it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for those who look later.")] = None,
    data: Data = None,
) -> None:
    """Give a role to a person, a group or an API key."""
    over = (frozenset(tenant or ()), frozenset(tenant_group or ()))
    if everything == any(over):
        raise BadConfiguration("say over what: --tenant or --tenant-group, or --everything, and not both")
    now = datetime.now(UTC)
    ends = None if until is None else moment("--until", until)
    if ends is not None and ends <= now:
        raise BadConfiguration(f"--until {until} lies in the past")
    try:
        for one in (*over[0], *over[1]):
            check_tenant(one)
        grantee = _grantee(person, group_, key)
    except Malformed as error:
        raise BadConfiguration(str(error)) from None
    operator = getpass.getuser()
    stored = StoredGrant(
        id=uuid4().hex,
        grantee=grantee,
        grant=Grant(_role(role), *over, everything, ends),
        given_by=f"local/{operator}",
        given_by_name=f"{operator} at the command line",
        given_at=now.replace(microsecond=0),
        name=name,
        reason=reason,
        directories=_directories(over[0], data),
    )

    async def work(database: Database) -> None:
        await ensure_indexes(database, ("grants",))
        await MongoGrants(database).add(stored)

    _with_database(data, work)
    out.print(_line(stored, now))


@group.command("remove")
def remove(grant: Annotated[str, typer.Argument(help="The grant, as the list shows it.")], data: Data = None) -> None:
    """Take a grant back. It counts no more within seconds. The last superadmin of everything stays."""
    removed = _with_database(data, lambda database: MongoGrants(database).remove(grant))
    if removed is None:
        raise NotFound(f"there is no grant {grant}")
    out.print(f"{_line(removed, datetime.now(UTC))}  [yellow]is taken back[/]")


@group.command("lifts")
def lifts(
    tenant: Annotated[str, typer.Option(help="Of which tenant.")], data: Data = None, as_json: AsJson = False
) -> None:
    """List who has lifted a tenant's privacy rules (break-glass), why, and until when; the newest first."""
    try:
        check_tenant(tenant)
    except Malformed as error:
        raise BadConfiguration(str(error)) from None
    now = datetime.now(UTC)
    found = _with_database(data, lambda database: MongoBreakGlass(database).listed(tenant, None, _LIFTS))
    for lift in found:
        if as_json:
            values = {name: getattr(lift, name) for name in lift.__slots__}
            out.out(json_line(values | {"in_force": lift.holds(now)}), highlight=False)
            continue
        ended = lift.ended_at or lift.ends_at
        state = "[red]in force until[/]" if lift.holds(now) else "until"
        out.print(
            f"{_moment(lift.began_at)}  {state} {_moment(ended)}  {plain(lift.principal_name)} "
            f"({plain(lift.principal)}): {plain(lift.reason)}"
        )
    if not found and not as_json:
        err.print(f"nobody has lifted privacy rules of {tenant}")


def _role(text: str) -> Role:
    if (found := next((role for role in ROLES if role == text.lower()), None)) is None:
        raise BadConfiguration(f"--role {text}: there are {', '.join(ROLES)}")
    return found


def _grantee(person: str | None, group_: str | None, key: str | None) -> Grantee:
    named: list[tuple[GranteeKind, str]] = []
    if person is not None:
        named.append(("person", person.strip().lower()))
    if group_ is not None:
        named.append(("group", group_.strip().lower()))
    if key is not None:
        named.append(("api-key", f"key/{key.removeprefix('key/')}"))
    if len(named) != 1:
        raise BadConfiguration("say who: --person, --group or --key, and one of them only")
    return Grantee(*named[0])


def _directories(names: frozenset[str], data: Path | None) -> dict[str, str]:
    """The directory ids of those of these tenants that a tenants file has."""
    known = tenants.read(tenants.find_file(None, data)) if names else ()
    return {tenant.name: tenant.tenant_id for tenant in known if tenant.name in names}


def _as_json(stored: StoredGrant, now: datetime) -> dict[str, Any]:
    grant = stored.grant
    return {
        "id": stored.id,
        "kind": stored.grantee.kind,
        "grantee": stored.grantee.id,
        "name": stored.name,
        "role": grant.role,
        "tenants": sorted(grant.tenants),
        "groups": sorted(grant.groups),
        "everything": grant.everything,
        "until": grant.until,
        "reason": stored.reason,
        "given_by": stored.given_by,
        "given_at": stored.given_at,
        "in_force": _is_in_force(grant, now),
    }


def _line(stored: StoredGrant, now: datetime) -> str:
    grant = stored.grant
    over = ["everything"] if grant.everything else []
    over += [*sorted(grant.tenants), *(f"group {name}" for name in sorted(grant.groups))]
    who = f"{stored.grantee.kind} {stored.grantee.id}" + (f" ({stored.name})" if stored.name else "")
    line = f"{plain(stored.id)}  {grant.role} over {plain(', '.join(over))}  {plain(who)}"
    if grant.until is not None:
        line += (
            f"  until {_moment(grant.until)}"
            if _is_in_force(grant, now)
            else f"  [yellow]ended[/] {_moment(grant.until)}"
        )
    return (
        line
        + f"  by {plain(stored.given_by_name)}, {_moment(stored.given_at)}"
        + (f": {plain(stored.reason)}" if stored.reason else "")
    )


def _is_in_force(grant: Grant, now: datetime) -> bool:
    return grant.until is None or now < grant.until


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _with_database[T](data: Path | None, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on the database of the system that runs, or of a data directory, started for it."""
    with ExitStack() as stack:
        system = attach.find(data) or stack.enter_context(attach.started(attach.existing(data)))

        async def run() -> T:
            async with connect(system.mongo) as database:
                return await work(database)

        return asyncio.run(run())
