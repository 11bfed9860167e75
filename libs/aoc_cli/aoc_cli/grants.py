"""`aoc grants`: who may do what. It writes to the database itself, so it gives the first superadmin, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import uuid4

import typer

from aoc_cli import known_tenants
from aoc_cli.access import granting
from aoc_cli.access.local import principal, user_name
from aoc_cli.attach import on_database
from aoc_cli.backfill import moment
from aoc_cli.noting import note
from aoc_cli.tenants import directories_of
from aoc_cli.terminal import err, json_line, minute, out, plain
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import BadConfiguration, Malformed, NotFound
from aoc_common.store.grants import Grantee, GranteeKind, StoredGrant
from aoc_common.store.mongo.break_glass import MongoBreakGlass
from aoc_common.store.mongo.client import ensure_indexes
from aoc_common.store.mongo.grants import MongoGrants

if TYPE_CHECKING:
    from aoc_common.contracts.access import Grant
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
        store, listed = MongoGrants(database), list[StoredGrant]()
        while page := await store.listed(listed[-1].id if listed else "", _TOGETHER):
            listed += page
        return listed

    now, listed = datetime.now(UTC), on_database(data, work)
    for stored in listed:
        if as_json:
            out.out(json_line(_as_json(stored, now)), highlight=False)
        else:
            out.print(_line(stored, now))
    if not listed and not as_json:
        err.print("nobody was granted anything yet: aoc grants add")


@group.command("add")
def add(
    role: granting.Role,
    person: Annotated[
        str | None, typer.Option(help="A person or an application: DIRECTORY-ID/OBJECT-ID, as Entra ID shows them.")
    ] = None,
    group_: Annotated[
        str | None, typer.Option("--group", help="All of a group of Entra ID: DIRECTORY-ID/OBJECT-ID.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="An API key, by its id.")] = None,
    tenants: granting.Tenants = None,
    groups: granting.Groups = None,
    everything: granting.Everything = False,
    until: Annotated[str | None, typer.Option(help="When it ends, e.g. 2027-01-31.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call who gets it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for those who look later.")] = None,
    data: Data = None,
) -> None:
    """Give a role to a person, a group or an API key."""
    now = datetime.now(UTC)
    ends = None if until is None else moment("--until", until)
    if ends is not None and ends <= now:
        raise BadConfiguration(f"--until {until} lies in the past")
    grant = granting.granted(role, tenants, groups, everything=everything, until=ends)
    stored = StoredGrant(
        id=uuid4().hex,
        grantee=_grantee(person, group_, key),
        grant=grant,
        given_by=principal(),
        given_by_name=f"{user_name() or 'operator'} at the command line",
        given_at=now.replace(microsecond=0),
        name=name,
        reason=reason,
    )

    async def work(database: Database) -> None:
        await ensure_indexes(database, ("grants",))
        directories = await directories_of(database, grant.tenants, data)
        granting.say_missing(grant.tenants, await known_tenants.names(database, data))
        to = f"grant {stored.id} to {stored.grantee.kind} {stored.grantee.id}"
        await note(database, "grants.add", "create", f"{to}: {granting.rights(grant)}")
        for tenant in sorted(grant.tenants):  # those who administer one need not know of the others
            await note(database, "grants.add", "create", f"{to}: {grant.role}", tenant)
        await MongoGrants(database).add(replace(stored, directories=directories))

    on_database(data, work)
    out.print(_line(stored, now))


@group.command("remove")
def remove(grant: Annotated[str, typer.Argument(help="The grant, as the list shows it.")], data: Data = None) -> None:
    """Take a grant back. It counts no more within seconds. The last superadmin of everything stays."""

    async def work(database: Database) -> StoredGrant | None:
        await note(database, "grants.remove", "delete", f"grant {grant}")
        return await MongoGrants(database).remove(grant)

    removed = on_database(data, work)
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
    lifted = on_database(data, lambda database: MongoBreakGlass(database).listed(tenant, None, _LIFTS))
    for lift in lifted:
        if as_json:
            values = {name: getattr(lift, name) for name in lift.__slots__}
            out.out(json_line(values | {"in_force": lift.holds(now)}), highlight=False)
            continue
        ended = lift.ended_at or lift.ends_at
        state = "[red]in force until[/]" if lift.holds(now) else "until"
        out.print(
            f"{minute(lift.began_at)}  {state} {minute(ended)}  {plain(lift.principal_name)} "
            f"({plain(lift.principal)}): {plain(lift.reason)}"
        )
    if not lifted and not as_json:
        err.print(f"nobody has lifted privacy rules of {tenant}")


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
    try:
        return Grantee(*named[0])
    except Malformed as error:
        raise BadConfiguration(str(error)) from None


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
    until = stored.grant.until
    who = f"{stored.grantee.kind} {stored.grantee.id}" + (f" ({stored.name})" if stored.name else "")
    parts = [plain(stored.id), plain(granting.rights(stored.grant)), plain(who)]
    if until is not None:
        parts.append(f"{'until' if _is_in_force(stored.grant, now) else '[yellow]ended[/]'} {minute(until)}")
    reason = f": {plain(stored.reason)}" if stored.reason else ""
    parts.append(f"by {plain(stored.given_by_name)}, {minute(stored.given_at)}{reason}")
    return "  ".join(parts)


def _is_in_force(grant: Grant, now: datetime) -> bool:
    return grant.until is None or now < grant.until
