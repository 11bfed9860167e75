"""Access tokens of Entra ID for Azure Monitor: by secret, certificate, federated token or managed identity."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import httpx
import orjson
from pydantic import Field, SecretStr, field_validator, model_validator

from aoc_common import http
from aoc_common.contracts.ids import EPOCH
from aoc_common.errors import Refused, Unreachable
from aoc_common.outbound.client_assertions import ASSERTION_TYPE, assertion
from aoc_common.outbound.refusals import Unusable
from aoc_common.settings import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.clock import Clock

#: Of the identity that Azure gives a machine (Azure Instance Metadata Service).
_METADATA: Final = "http://169.254.169.254/metadata/identity/oauth2/token"
#: A token is replaced this long before it ends; one of a few minutes, after half of them. Seconds.
_MARGIN_S: Final = 300.0
_LONGEST_S: Final = 24 * 3600.0
_SHORTEST_S: Final = 60.0
#: The machine's identity is next door.
_METADATA_S: Final = 5.0


class EntraOptions(Frozen):
    """Who we are at Azure Monitor: an app with a secret, certificate or federated token, or the managed identity."""

    tenant_id: str | None = Field(None, description="Directory of the app.")
    client_id: str | None = Field(None, description="The app; of a managed identity only where there are several.")
    client_secret: SecretStr | None = Field(None, description="The app's secret.")
    client_certificate: SecretStr | None = Field(
        None, description="PEM text with the app's certificate and its unencrypted RSA key."
    )
    federated_token_file: Path | None = Field(None, description="File with a token of a workload identity.")
    authority: str = Field("https://login.microsoftonline.com", description="Sign-in service of the cloud.")
    scope: str = Field("https://monitor.azure.com/.default", description="Scope of Azure Monitor in the cloud.")

    @field_validator("client_certificate")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            assertion(value.get_secret_value(), "", "", EPOCH)
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if len(self._ways) > 1:
            raise ValueError(f"{' or '.join(self._ways)}, and not both")
        if not self.managed and not (self.tenant_id and self.client_id):
            raise ValueError(f"tenant_id and client_id are needed with {self._ways[0]}")
        return self

    @property
    def _ways(self) -> list[str]:
        names = ("client_secret", "client_certificate", "federated_token_file")
        return [name for name in names if getattr(self, name) is not None]

    @property
    def managed(self) -> bool:
        """Whether it is the machine's own identity."""
        return not self._ways


class EntraTokens:
    """`TokenSource`: one token, renewed before it ends. Concurrent calls share a renewal."""

    def __init__(self, options: EntraOptions, client: Callable[[], http.Client], clock: Clock) -> None:
        self._options = options
        self._client = client
        self._clock = clock
        self._remote = http.Remote("entra", _error)
        self._token = ""
        self._renew_at = float("-inf")
        self._renewing = asyncio.Lock()

    async def token(self, *, renewed: bool = False) -> str:
        """As `sinks.sentinel.TokenSource` says."""
        before = self._token
        async with self._renewing:
            stale = self._clock.monotonic() >= self._renew_at or (renewed and self._token == before)
            if stale:
                self._token, lifetime = await self._acquired()
                self._renew_at = self._clock.monotonic() + max(lifetime - _MARGIN_S, lifetime / 2)
            return self._token

    async def _acquired(self) -> tuple[str, float]:
        try:
            body = await (self._of_machine() if self._options.managed else self._of_app())
        except Refused as error:
            raise Unusable(f"no token: {error}", status=error.status) from None
        try:
            told = orjson.loads(body)
            return str(told["access_token"]), min(max(float(told["expires_in"]), _SHORTEST_S), _LONGEST_S)
        except (ValueError, KeyError, TypeError):
            raise Unreachable("entra: an answer that holds no token") from None

    async def _of_machine(self) -> bytes:
        options = self._options
        asked = {"api-version": "2018-02-01", "resource": options.scope.removesuffix("/.default")}
        if options.client_id:
            asked["client_id"] = options.client_id
        # Its address is none that a sink may reach, and none that a setting names.
        async with http.make_client(timeout_s=_METADATA_S) as client:
            url = httpx.URL(_METADATA, params=asked)
            return (await http.send(client, "GET", url, self._remote, headers={"Metadata": "true"})).body

    async def _of_app(self) -> bytes:
        options = self._options
        url = f"{options.authority.rstrip('/')}/{options.tenant_id}/oauth2/v2.0/token"
        form = {"grant_type": "client_credentials", "client_id": options.client_id or "", "scope": options.scope}
        if options.client_secret is not None:
            form["client_secret"] = options.client_secret.get_secret_value()
        else:
            form |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": await self._assertion(url)}
        async with self._client() as client:
            return (await http.send(client, "POST", url, self._remote, form=form)).body

    async def _assertion(self, url: str) -> str:
        options = self._options
        if options.client_certificate is not None:
            pem = options.client_certificate.get_secret_value()
            return assertion(pem, options.client_id or "", url, self._clock.now())
        if options.federated_token_file is None:
            raise Unusable("neither a certificate nor a federated token")
        try:
            return (await asyncio.to_thread(options.federated_token_file.read_text, "utf-8")).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"{options.federated_token_file}: {type(error).__name__}") from None


def _error(body: bytes) -> tuple[str, str]:
    """The number of Entra's error alone: its sentence may repeat what was sent."""
    try:
        told = orjson.loads(body)
        return str(told.get("error", "")), ", ".join(f"AADSTS{code}" for code in told.get("error_codes", []))
    except (ValueError, AttributeError, TypeError):
        return "", ""
