"""The private key that signs reports here: made at first use, published before it signs, replaced when asked to.

```
secrets/report-key        PKCS #8 PEM, the key that signs
secrets/report-key.next   only while keys change: the one that follows it
```

Keys change in idempotent steps, so that a crash between any two is harmless: the next key is written; it is published;
the present one is retired; the next takes its place. The next use of the key completes the steps that remain. So no
report is signed with a retired key, and none with an unpublished one.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from aoc_cli.local.stack import DataDirectory, default_data
from aoc_cli.reports.form import public_bytes
from aoc_cli.reports.settings import ReportSettings
from aoc_common import private, settings
from aoc_common.contracts.report_keys import thumbprint
from aoc_common.errors import BadConfiguration
from aoc_common.settings import resolve_secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from aoc_cli.attach import System
    from aoc_common.store.report_keys import KeyRegister

NAME: Final = "report-key"


@dataclass(frozen=True, slots=True)
class KeyState:
    """The id of a directory's key, if it has one, and whether a change of keys was cut short."""

    kid: str | None
    changing: bool


class OwnKey:
    """The key of a data directory."""

    def __init__(self, secrets: Path) -> None:
        self.path = secrets / NAME
        self.next = secrets / f"{NAME}.next"

    async def current(self, register: KeyRegister, now: datetime) -> Ed25519PrivateKey:
        """The key that signs: made if there is none, published if it is not.

        Raises `BadConfiguration` for a file that others may read, or that holds no such key; `Transient`.
        """
        async with self._settled(register, now):
            return self._read(self.path)

    async def rotate(self, register: KeyRegister, now: datetime) -> tuple[str, str]:
        """Put a new key in place of the present one, which is retired; the ids of both, the old one first."""
        async with self._settled(register, now):
            old = _kid(self._read(self.path))
            private.write(self.next, _new())
            await self._follow(register, now)
            return old, _kid(self._read(self.path))

    def state(self) -> KeyState:
        """What is there. Makes nothing. Raises `BadConfiguration` as `current` does."""
        return KeyState(_kid(self._read(self.path)) if self.path.exists() else None, self.next.exists())

    @asynccontextmanager
    async def _settled(self, register: KeyRegister, now: datetime) -> AsyncIterator[None]:
        """Hold the directory, with one key that is published."""
        with private.locked(self.path.parent):
            if self.next.exists():
                await self._follow(register, now)
            elif not self.path.exists():
                private.write(self.path, _new())
            await register.publish(public_bytes(self._read(self.path)), now)
            yield

    async def _follow(self, register: KeyRegister, now: datetime) -> None:
        """The steps from a next key that is written to one that signs."""
        await register.publish(public_bytes(self._read(self.next)), now)
        if self.path.exists():
            old = public_bytes(self._read(self.path))
            await register.publish(old, now)
            await register.retire(thumbprint(old), now)
        private.move(self.next, self.path)

    def _read(self, path: Path) -> Ed25519PrivateKey:
        try:
            if private.exposed(path):
                raise BadConfiguration(f"{path}: others may read this private key: chmod 600 it, then aoc keys rotate")
            return load(path.read_text("ascii"), str(path))
        except OSError as error:
            raise BadConfiguration(f"{path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise BadConfiguration(f"{path}: no private key") from None


def directory_of(system: System | None, data: Path | None) -> DataDirectory:
    """The directory of the own key: of the connected stack, else of --data, else the default one."""
    return (system and system.directory) or DataDirectory(data or default_data())


async def signer(
    directory: DataDirectory, reference: str | None, register: KeyRegister, now: datetime
) -> Ed25519PrivateKey:
    """The key that signs: at the reference (`--key`), else at that of AOC_REPORTS__KEY, else the directory's own.

    It is published. Raises `BadConfiguration` for what is no such key, or was retired.
    """
    setting, configured_key = ("--key", reference) if reference else ("AOC_REPORTS__KEY", configured())
    if configured_key is None:
        key = await OwnKey(directory.secret_files).current(register, now)
    else:
        key = load(resolve_secret(configured_key, setting), setting)
        await register.publish(public_bytes(key), now)
    kid = _kid(key)
    if retired := [
        key_entry.retired_at
        for key_entry in await register.published()
        if key_entry.kid == kid and key_entry.retired_at
    ]:
        remedy = "sign with another" if configured_key else "aoc keys rotate makes another"
        raise BadConfiguration(f"the key {kid} was retired at {retired[0]:%Y-%m-%dT%H:%M:%SZ}: {remedy}")
    return key


def here(directory: DataDirectory) -> KeyState:
    """The key that would sign now, if there is one. Makes nothing. Raises `BadConfiguration` as `signer` does."""
    if (reference := configured()) is None:
        return OwnKey(directory.secret_files).state()
    return KeyState(_kid(load(resolve_secret(reference, "AOC_REPORTS__KEY"), "AOC_REPORTS__KEY")), changing=False)


def configured() -> str | None:
    """The reference to the key that signs, where AOC_REPORTS__KEY names one."""
    return settings.load(ReportSettings).reports.key


def load(pem: str, setting: str) -> Ed25519PrivateKey:
    """An Ed25519 private key. Raises `BadConfiguration`, naming `setting` and nothing of the key, for anything else."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        raise BadConfiguration(f"{setting}: no private key in PEM without a passphrase") from None
    except UnsupportedAlgorithm as error:
        raise BadConfiguration(f"{setting}: no private key that can be read: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadConfiguration(f"{setting}: a key of another kind; an Ed25519 private key is needed")
    return key


def _new() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _kid(key: Ed25519PrivateKey) -> str:
    return thumbprint(public_bytes(key))
