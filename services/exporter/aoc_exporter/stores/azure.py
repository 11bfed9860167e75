"""Azure Blob Storage: `Put Blob`, one request for each file.

A token of Entra ID opens every storage account that its owner may use, so it goes to Azure's own addresses only. A
shared access signature opens what it was made for, and may go to another address.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from aoc_common.outbound.refusals import Unusable
from aoc_common.settings import Frozen
from aoc_exporter.delivery.entra import EntraOptions
from aoc_exporter.stores import answers
from aoc_exporter.stores.unread import UnreadStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common import http
    from aoc_exporter.delivery.entra import EntraTokens

_VERSION: Final = "2023-11-03"
#: The same in every cloud.
_SCOPE: Final = "https://storage.azure.com/.default"
_SUFFIXES: Final = {"public": "core.windows.net", "usgov": "core.usgovcloudapi.net", "china": "core.chinacloudapi.cn"}
_SAS_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%&=:/+._~-")


class AzureOptions(Frozen):
    """How a container is reached, and who we are there."""

    sas: SecretStr | None = Field(None, description="Shared access signature of the container, with create and write.")
    credential: EntraOptions = Field(
        EntraOptions(scope=_SCOPE), description="Who we are without one; otherwise the machine's identity."
    )
    cloud: Literal["public", "usgov", "china"] = Field("public", description="Azure's cloud.")
    endpoint: str | None = Field(
        None,
        pattern=r"^https?://[A-Za-z0-9.:\[\]/_-]{1,255}$",
        description="Address of the account, where it is another; with `sas` only.",
    )
    encryption_scope: str | None = Field(
        None, pattern=r"^[A-Za-z0-9-]{3,63}$", description="Encryption scope of the account."
    )

    @field_validator("sas")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value is not None else "sig="
        if "sig=" not in text or not set(text.removeprefix("?")) <= _SAS_CHARACTERS:
            raise ValueError("expected a shared access signature: sv=...&sig=...")
        return value

    @field_validator("credential")
    @classmethod
    def _of_storage(cls, value: EntraOptions) -> EntraOptions:
        return value.model_copy(update={"scope": _SCOPE})

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.sas is not None and self.credential != EntraOptions(scope=_SCOPE):
            raise ValueError("sas or credential, and not both")
        if self.endpoint is not None and self.sas is None:
            raise ValueError("endpoint: a token of Entra ID goes to Azure's own addresses only; use sas")
        return self

    def base(self, account: str) -> str:
        """The address of an account."""
        return (self.endpoint or f"https://{account}.blob.{_SUFFIXES[self.cloud]}").rstrip("/")


class AzureBlobs(UnreadStore):
    """The store. `base`: the container's address. `tokens`: None where there is a signature."""

    def __init__(
        self, base: str, prefix: str, options: AzureOptions, client: http.Client, tokens: EntraTokens | None
    ) -> None:
        super().__init__("azure", client)
        self._base = base
        self._prefix = prefix
        self._query = "?" + options.sas.get_secret_value().removeprefix("?") if options.sas is not None else ""
        self._tokens = tokens
        self._headers = {
            "x-ms-version": _VERSION,
            "x-ms-blob-type": "BlockBlob",
            "Content-Type": "application/octet-stream",
        }
        if options.encryption_scope is not None:
            self._headers["x-ms-encryption-scope"] = options.encryption_scope

    async def put(self, path: str, content: bytes) -> None:
        """As the port says. A blob is there when the request has come to its end, and not before."""
        url = f"{self._base}/{answers.quoted(self._prefix + path)}{self._query}"
        if self._tokens is None:
            await answers.put(self._client, url, self._remote, content, self._headers)
            return
        try:
            await self._put_as(await self._tokens.token(), url, content)
        except Unusable as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            await self._put_as(await self._tokens.token(renewed=True), url, content)

    async def _put_as(self, token: str, url: str, content: bytes) -> None:
        headers: Mapping[str, str] = {**self._headers, "Authorization": f"Bearer {token}"}
        await answers.put(self._client, url, self._remote, content, headers)
