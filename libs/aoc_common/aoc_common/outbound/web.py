"""Requests to destinations that speak HTTP."""

from __future__ import annotations

import ssl
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field, SecretStr

from aoc_common import http
from aoc_common.errors import BadConfiguration, Refused
from aoc_common.outbound.addresses import Addresses, CheckedTransport, network
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from aoc_common.settings import Frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: Statuses that are about what was sent. All others that refuse are about us.
ABOUT_CONTENT: Final = frozenset({
    HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY,
})  # fmt: skip
#: The longest wait that a destination may ask for. Seconds.
_LONGEST_ASKED_S: Final = 300.0
#: Bytes of an answer; those of a bulk of thousands fit.
_ANSWER_BYTES: Final = 16 * 1024 * 1024


@lru_cache(64)
def _context(files: tuple[Path | None, ...], _changed_at: tuple[int | None, ...]) -> ssl.SSLContext:
    """What a hundred destinations share: reading the system's authorities takes longer than a request."""
    authorities, certificate, key = files
    context = ssl.create_default_context(cafile=authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


class TlsOptions(Frozen):
    """Certificates on the way to a destination."""

    ca_file: Path | None = Field(None, description="PEM file with the authorities to trust instead of the system's.")
    client_certificate: Path | None = Field(None, description="PEM file with the certificate that is presented.")
    client_key: Path | None = Field(None, description="PEM file with its key, where it is not in the same file.")

    def context(self) -> ssl.SSLContext:
        """What checks the destination's certificate, and presents ours. Raises `BadConfiguration`."""
        files = (self.ca_file, self.client_certificate, self.client_key)
        try:
            return _context(files, tuple(file and file.stat().st_mtime_ns for file in files))
        except (OSError, ssl.SSLError) as error:
            named = self.client_certificate or self.ca_file
            raise BadConfiguration(f"the certificates in {named} cannot be used: {error}") from None


class HttpOptions(Frozen):
    """How a destination is reached over HTTP."""

    timeout_s: float = Field(30.0, gt=0, le=300, description="How long an answer may take.")
    connections: int = Field(8, ge=1, le=64, description="Connections at a time.")
    proxy: SecretStr | None = Field(None, description="URL of a proxy; it may hold a password.")
    tls: TlsOptions = TlsOptions()
    allowed_networks: tuple[str, ...] = Field(
        (), description="Networks that may be reached although they are private, e.g. 10.1.0.0/16."
    )

    def client(self) -> http.Client:
        """A client for one destination. Raises `BadConfiguration`."""
        transport = CheckedTransport(
            checked(self.allowed_networks),
            verify=self.tls.context(),
            connections=self.connections,
            proxy=self.proxy.get_secret_value() if self.proxy else None,
        )
        return http.make_client(timeout_s=self.timeout_s, answer_bytes=_ANSWER_BYTES, transport=transport)


def checked(networks: tuple[str, ...]) -> Addresses:
    """The check of addresses that these settings ask for. Raises `BadConfiguration`."""
    try:
        return Addresses(tuple(map(network, networks)))
    except ValueError as error:
        raise BadConfiguration(f"allowed_networks: {error}") from None


async def post(
    client: http.Client,
    url: str,
    remote: http.Remote,
    content: bytes,
    headers: Mapping[str, str],
    about_content: Collection[int] = ABOUT_CONTENT,
) -> http.Answer:
    """POST once. Raises `Transient`; `RefusedWhole` for a refusal of the content, `Unusable` for one of us."""
    try:
        return await http.send(
            client, "POST", url, remote, headers=headers, content=content, longest_asked_s=_LONGEST_ASKED_S
        )
    except Refused as error:
        if error.status in about_content:
            raise RefusedWhole(str(error), code=error.code) from None
        raise Unusable(str(error), status=error.status) from None
