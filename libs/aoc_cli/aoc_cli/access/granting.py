"""Roles on the command line: the options that say what is granted, and how a grant is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aoc_cli.no_such_tenant import missing
from aoc_cli.terminal import err, plain
from aoc_common.contracts.access import ROLES, Grant
from aoc_common.contracts.subjects import check_tenant
from aoc_common.errors import BadConfiguration, Malformed

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

Role = Annotated[str, typer.Option(help=f"What it lets do: {', '.join(ROLES)}.")]
Tenants = Annotated[list[str] | None, typer.Option("--tenant", help="Over this tenant; may be repeated.")]
Groups = Annotated[
    list[str] | None, typer.Option("--tenant-group", help="Over all tenants of this group of tenants; may be repeated.")
]
Everything = Annotated[bool, typer.Option("--everything", help="Over all tenants there are and will be.")]


def granted(
    role: str, tenants: list[str] | None, groups: list[str] | None, *, everything: bool, until: datetime | None = None
) -> Grant:
    """The grant that these options ask for. Raises `BadConfiguration`, which names what is wrong."""
    known = next((known for known in ROLES if known == role.lower()), None)
    if known is None:
        raise BadConfiguration(f"--role {role}: there are {', '.join(ROLES)}")
    grant = Grant(known, frozenset(tenants or ()), frozenset(groups or ()), everything, until)
    if everything == bool(grant.tenants or grant.groups):
        raise BadConfiguration("say over what: --tenant or --tenant-group, or --everything, and not both")
    try:
        for name in (*grant.tenants, *grant.groups):
            check_tenant(name)
    except Malformed as error:
        raise BadConfiguration(str(error)) from None
    return grant


def say_missing(tenants: Collection[str], known: Collection[str]) -> None:
    """Say of which of these tenants there is none: a role over one that is to come is given all the same."""
    for tenant in sorted(tenants):
        if said := missing(tenant, known):
            err.print(f"[yellow]{plain(said)}; the role over it is given all the same[/]")


def rights(grant: Grant) -> str:
    """`reader over contoso, group retail`."""
    return f"{grant.role} over {over(grant.tenants, grant.groups, everything=grant.everything)}"


def over(tenants: Collection[str], groups: Collection[str], *, everything: bool) -> str:
    """What a role is over; of a role whose tenants were all deleted that is nothing."""
    if everything:
        return "everything"
    return ", ".join([*sorted(tenants), *(f"group {name}" for name in sorted(groups))]) or "nothing"
