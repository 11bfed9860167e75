"""The certificate that the gateway shows: read from files, and again when they change."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from aoc_common.errors import BadConfiguration
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from pathlib import Path

_log = logs.get(__name__)
#: Seconds between two looks at the files.
LOOK_S: Final = 5.0

type _State = tuple[tuple[int, int, int], ...]


class ServerCertificate:
    """A TLS context whose certificate can be replaced while it is in use.

    Connections that are open keep theirs. Raises `BadConfiguration` for files that are missing, or no pair.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self._state = self._looked()
        try:
            self.context = self._loaded()
        except (OSError, ValueError) as error:
            raise BadConfiguration(f"AOC_API__TLS__CERTIFICATE, AOC_API__TLS__KEY: {_why(error)}") from None

    async def refresh(self) -> None:
        """Take a new certificate, if there is one. One that does not fit its key yet is looked at again next time."""
        state = self._looked()
        if state == self._state or not state:
            return
        try:
            self._loaded()  # a context that is in use must not be left with half of a pair
            self.context.load_cert_chain(*self._files)
        except (OSError, ValueError) as error:
            _log.warning("certificate.unusable", error=_why(error), hint="the one before stays in use")
            return
        self._state = state
        _log.info("certificate.replaced")

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # A password would be asked for at the terminal.
        context.load_cert_chain(*self._files, password=_no_password)
        return context

    def _looked(self) -> _State:
        """What tells whether the files are others than before; empty while one is missing."""
        try:
            stats = [file.stat() for file in self._files]
        except OSError:
            return ()
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)


def _no_password() -> str:
    raise ValueError("the private key has a password; give it without one, in a file that only AOC can read")


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "the files hold no certificate with its key"
    return getattr(error, "strerror", None) or str(error)
