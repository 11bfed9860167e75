"""`aoc keys`: the keys that reports are signed with. What it prints is public."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aoc_cli import attach
from aoc_cli.reports import keys
from aoc_cli.reports.form import public_bytes
from aoc_cli.reports.keys import OwnKey
from aoc_cli.terminal import as_json as json_text
from aoc_cli.terminal import out, plain
from aoc_common.contracts.report_keys import key_bytes, published_jwk, thumbprint
from aoc_common.errors import BadConfiguration, NotFound
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.report_keys import MongoKeyRegister

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from aoc_cli.local.stack import DataDirectory
    from aoc_common.contracts.report_keys import PublishedKey

group = typer.Typer(help="The keys that reports are signed with.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]
Reference = Annotated[
    str | None,
    typer.Option(help="Key to sign with, env:NAME or file:PATH; else AOC_REPORTS__KEY, else the directory's."),
]


@group.command("fingerprint")
def fingerprint(key: Reference = None, data: Data = None) -> None:
    """Print the fingerprint of the key that signs here, for those who check. Makes and publishes it if need be."""

    async def work(register: MongoKeyRegister, directory: DataDirectory, now: datetime) -> str:
        return thumbprint(public_bytes(await keys.signer(directory, key, register, now)))

    out.out(_with_register(data, work), highlight=False)


@group.command("list")
def list_(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JWK Set, as the gateway publishes it.")] = False,
) -> None:
    """List the keys that were ever published, the newest first, and when they were retired."""

    async def work(register: MongoKeyRegister, _directory: DataDirectory, _now: datetime) -> list[PublishedKey]:
        return await register.published()

    published = _with_register(data, work)
    if as_json:
        out.out(json_text({"keys": [published_jwk(key) for key in published]}), highlight=False)
        return
    for key in published:
        retired = f"[yellow]retired[/] {_moment(key.retired_at)}" if key.retired_at else "[green]in use[/]"
        out.print(f"{plain(key.kid)}  published {_moment(key.published_at)}  {retired}")
    if not published:
        out.print("no key was published yet: aoc keys fingerprint makes one")


@group.command("rotate")
def rotate(data: Data = None) -> None:
    """Put a new key in place of the directory's own, which stays published as retired.

    Tell those who check the new fingerprint. A key at AOC_REPORTS__KEY is replaced there, and the old one retired with
    aoc keys retire.
    """
    if keys.configured() is not None:
        raise BadConfiguration(
            "AOC_REPORTS__KEY names the key: put another there, and retire the old one with aoc keys retire"
        )

    async def work(register: MongoKeyRegister, directory: DataDirectory, now: datetime) -> tuple[str, str]:
        return await OwnKey(directory.secret_files).rotate(register, now)

    old, new = _with_register(data, work)
    out.print(f"{new}  signs from now on\n{old}  is retired")


@group.command("retire")
def retire(
    # An option: as an argument, those that begin with a dash would be taken for options.
    kid: Annotated[str, typer.Option("--fingerprint", help="The key, as the list shows it.")],
    data: Data = None,
) -> None:
    """Retire a key for good: one that is lost, was stolen, or was replaced at its reference."""
    if key_bytes(kid) is None:
        raise BadConfiguration(f"{kid!r} is no fingerprint: 43 characters, as aoc keys list shows them")

    async def work(register: MongoKeyRegister, directory: DataDirectory, now: datetime) -> bool:
        if keys.configured() is None and keys.here(directory).kid == kid:
            raise BadConfiguration("this key signs here: aoc keys rotate retires it, and makes another")
        return await register.retire(kid, now)

    if not _with_register(data, work):
        raise NotFound(f"no key {kid} was published here")
    out.print(f"{kid}  is retired")


def _with_register[T](
    data: Path | None, work: Callable[[MongoKeyRegister, DataDirectory, datetime], Coroutine[Any, Any, T]]
) -> T:
    """Run `work` on the system that runs, or on the database of a data directory started for it."""
    with attach.opened(data) as system:

        async def run() -> T:
            async with connect(system.mongo) as database:
                return await work(MongoKeyRegister(database), keys.directory_of(system, data), datetime.now(UTC))

        return asyncio.run(run())


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
