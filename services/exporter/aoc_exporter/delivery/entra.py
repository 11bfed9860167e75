"""Access tokens of Entra ID for Azure Monitor: by secret, federated token or managed identity."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import httpx
import orjson
from pydantic import Field, SecretStr, model_validator

from aoc_common import http
from aoc_common.errors import Refused, Unreachable
from aoc_common.outbound.refusals import Unusable
from aoc_common.settings import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.clock import Clock

#: Of the identity that Azure gives a machine (Azure Instance Metadata Service).
_METADATA: Final = "http://169.254.169.254/metadata/identity/oauth2/token"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: A token is replaced this long before it ends; one of a few minutes, after half of them. Seconds.
_MARGIN_S: Final = 300.0
_LONGEST_S: Final = 24 * 3600.0
_SHORTEST_S: Final = 60.0
#: The machine's identity is next door.
_METADATA_S: Final = 5.0


class EntraOptions(Frozen):
    """Who we are at Azure Monitor: an app with a secret or a federated token, or the machine's managed identity."""

    tenant_id: str | None = Field(None, description="Directory of the app.")
    client_id: str | None = Field(None, description="The app; of a managed identity only where there are several.")
    client_secret: SecretStr | None = Field(None, description="The app's secret.")
    federated_token_file: Path | None = Field(None, description="File with a token of a workload identity.")
    authority: str = Field("https://login.microsoftonline.com", description="Sign-in service of the cloud.")
    scope: str = Field("https://monitor.azure.com/.default", description="Scope of Azure Monitor in the cloud.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.client_secret is not None and self.federated_token_file is not None:
            raise ValueError("client_secret or federated_token_file, and not both")
        if not self.managed and not (self.tenant_id and self.client_id):
            raise ValueError("tenant_id and client_id are needed with a secret or a federated token")
        return self

    @property
    def managed(self) -> bool:
        """Whether it is the machine's own identity."""
        return self.client_secret is None and self.federated_token_file is None


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
        form = {"grant_type": "client_credentials", "client_id": options.client_id or "", "scope": options.scope}
        if options.client_secret is not None:
            form["client_secret"] = options.client_secret.get_secret_value()
        elif options.federated_token_file is not None:
            try:
                token = await asyncio.to_thread(options.federated_token_file.read_text, "utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise Unusable(f"{options.federated_token_file}: {type(error).__name__}") from None
            form |= {"client_assertion_type": _ASSERTION, "client_assertion": token.strip()}
        url = f"{options.authority.rstrip('/')}/{options.tenant_id}/oauth2/v2.0/token"
        async with self._client() as client:
            return (await http.send(client, "POST", url, self._remote, form=form)).body


def _error(body: bytes) -> tuple[str, str]:
    """The number of Entra's error alone: its sentence may repeat what was sent."""
    try:
        told = orjson.loads(body)
        return str(told.get("error", "")), ", ".join(f"AADSTS{code}" for code in told.get("error_codes", []))
    except (ValueError, AttributeError, TypeError):
        return "", ""
