"""`aoc license`: licences for more tenants than one are shown, and issued with a key of one's own."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from aoc_cli.amounts import amount
from aoc_cli.terminal import minute, out, plain
from aoc_common.errors import BadConfiguration
from aoc_common.licence import terms
from aoc_common.licence.token import issue as issue_token
from aoc_common.licence.token import kid_of
from aoc_common.settings import ServiceSettings, load

group = typer.Typer(
    help="Licences for more tenants than one: show what holds here, make a key, issue one.",
    no_args_is_help=True,
    add_completion=False,
)
_PRIVATE: Final = "licence-private.pem"
_PUBLIC: Final = "licence-public.pem"


@group.command()
def keygen(
    directory: Annotated[Path, typer.Argument(help="Where both keys are put; no key that is there is overwritten.")],
) -> None:
    """Make a pair of keys: the private one issues licences, the public one goes to AOC_LICENSE_TRUST."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text, mode in ((_PRIVATE, private, 0o600), (_PUBLIC, public, 0o644)):
            with os.fdopen(os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(text)
    except OSError as error:
        raise BadConfiguration(f"{error.filename or directory}: {error.strerror}") from None
    out.print(f"{plain(str(directory / _PRIVATE))}: issues licences; keep it away from every server")
    out.print(f"{plain(str(directory / _PUBLIC))}: for AOC_LICENSE_TRUST; key {kid_of(key.public_key())}")


@group.command()
def issue(
    key: Annotated[Path, typer.Option(help="The private key of `keygen`.")],
    tenants: Annotated[int, typer.Option(min=1, max=1_000_000, help="For so many tenants.")],
    days: Annotated[int, typer.Option(min=1, max=36_500, help="For so many days from now on.")] = 365,
    plan: Annotated[str, typer.Option(help="What it is called.")] = "self-issued",
    holder: Annotated[str, typer.Option(help="Whose it is.")] = "",
    feature: Annotated[list[str] | None, typer.Option(help="A feature that it names; repeatable.")] = None,
) -> None:
    """Print a licence, for AOC_LICENSE_KEY."""
    try:
        private = load_pem_private_key(key.read_bytes(), None)
    except OSError as error:
        raise BadConfiguration(f"{key}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise BadConfiguration(f"{key}: no unencrypted private key (PEM)") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise BadConfiguration(f"{key}: is not an Ed25519 key")
    now = datetime.now(UTC)
    token = issue_token(
        private,
        plan=plan,
        max_tenants=tenants,
        ends_at=now + timedelta(days=days),
        now=now,
        holder=holder,
        features=tuple(feature or ()),
    )
    out.out(token, highlight=False)


@group.command()
def show() -> None:
    """What the licence of this environment allows; status 1 when it needs attention."""
    settings = load(ServiceSettings)
    now = terms.load(settings.license_key, settings.license_trust).terms(datetime.now(UTC))
    if (licence := now.licence) is not None:
        out.print(f"{plain(licence.plan)}: {amount(licence.max_tenants, 'tenant')} until {minute(licence.ends_at)}")
        for what, text in (
            ("for", licence.holder),
            ("number", licence.number),
            ("features", ", ".join(licence.features)),
        ):
            if text:
                out.print(f"[dim]{what}: {plain(text)}[/]")
    if now.state == "none":
        out.print("no licence: 1 tenant is free; more take one, in AOC_LICENSE_KEY (docs/howto/licence.md)")
    else:
        out.print(f"{now.state}: {amount(now.max_tenants, 'tenant')} now")
    if now.advice:
        out.print(plain(now.advice))
        raise typer.Exit(1)
