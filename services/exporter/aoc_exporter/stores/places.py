"""Where a sink's files go, as it is set, and the store that this is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from pydantic import Field, model_validator

from aoc_common.outbound.web import HttpOptions
from aoc_common.settings import Frozen
from aoc_exporter.delivery.entra import EntraTokens
from aoc_exporter.stores.azure import AzureBlobs, AzureOptions
from aoc_exporter.stores.local import LocalFolder
from aoc_exporter.stores.roles import RoleKeys
from aoc_exporter.stores.s3 import S3, Bucket, S3Options
from aoc_exporter.stores.signing import Signer, keys_of, keys_of_machine

if TYPE_CHECKING:
    from aoc_common.clock import Clock
    from aoc_exporter.stores.port import Store
    from aoc_exporter.stores.signing import Keys

_PREFIX: Final = r"(?:/(?P<prefix>[A-Za-z0-9_~=.-]+(?:/[A-Za-z0-9_~=.-]+)*))?/?"
_BUCKET: Final = re.compile(rf"(?P<scheme>s3|gs)://(?P<name>[a-z0-9][a-z0-9._-]{{1,61}}[a-z0-9]){_PREFIX}")
_CONTAINER: Final = re.compile(
    rf"(?P<scheme>azure)://(?P<account>[a-z0-9]{{3,24}})/(?P<name>[a-z0-9](?:-?[a-z0-9]){{2,62}}){_PREFIX}"
)
#: Google's store speaks S3's protocol, with keys for interoperability (HMAC keys).
_GOOGLE: Final = "https://storage.googleapis.com"


class PlaceOptions(Frozen):
    """Where files go: `path` or `url`."""

    path: Path | None = Field(None, description="Folder of this machine.")
    url: str | None = Field(
        None, description="Place in an object store: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, "
        "azure://ACCOUNT/CONTAINER/PREFIX."
    )  # fmt: skip
    s3: S3Options = Field(S3Options(), description="Of s3:// and gs://.")
    azure: AzureOptions = Field(AzureOptions(), description="Of azure://.")
    http: HttpOptions = HttpOptions()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("path or url: one of them")
        scheme = _parts(self.url)["scheme"] if self.url is not None else None
        if scheme not in {"s3", "gs"} and self.s3 != S3Options():
            raise ValueError("s3: belongs to a url with s3:// or gs://")
        if scheme != "azure" and self.azure != AzureOptions():
            raise ValueError("azure: belongs to a url with azure://")
        if scheme is None and self.http.model_copy(update={"allowed_networks": ()}) != HttpOptions():
            raise ValueError("http: a folder is not reached over HTTP")
        if scheme == "gs":
            self._check_google()
        return self

    def _check_google(self) -> None:
        if self.s3.access_key is None:
            raise ValueError("s3.access_key: gs:// needs an HMAC key for interoperability")
        unknown = ("endpoint", "role", "encryption", "session_token")
        if named := next((name for name in unknown if getattr(self.s3, name) is not None), None):
            raise ValueError(f"s3.{named}: is not for gs://")


def store_of(options: PlaceOptions, clock: Clock) -> Store:
    """The store. Raises `BadConfiguration`."""
    if options.path is not None:
        return LocalFolder(options.path, clock)
    parts = _parts(options.url or "")
    prefix = f"{parts['prefix']}/" if parts["prefix"] else ""
    if parts["scheme"] == "azure":
        return _azure(options, parts["account"] or "", parts["name"] or "", prefix, clock)
    return _s3(options, parts["scheme"] or "", parts["name"] or "", prefix, clock)


def _parts(url: str) -> dict[str, str | None]:
    """Raises ValueError for what is none; its text repeats nothing."""
    found = _BUCKET.fullmatch(url) or _CONTAINER.fullmatch(url)
    if found is None or ".." in url:
        raise ValueError("url: expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azure://ACCOUNT/CONTAINER/PREFIX")
    return found.groupdict()


def _azure(options: PlaceOptions, account: str, container: str, prefix: str, clock: Clock) -> Store:
    azure = options.azure
    tokens = None if azure.sas is not None else EntraTokens(azure.credential, options.http.client, clock)
    return AzureBlobs(f"{azure.base(account)}/{container}", prefix, azure, options.http.client(), tokens)


def _s3(options: PlaceOptions, scheme: str, name: str, prefix: str, clock: Clock) -> Store:
    s3 = options.s3
    if scheme == "gs":
        s3 = s3.model_copy(update={"endpoint": _GOOGLE, "region": "auto"})
    keys = _keys(s3)
    if s3.role is not None:
        keys = RoleKeys(s3, Signer("sts", s3.region, keys, clock), options.http.client, clock).provider
    return S3(scheme, Bucket.of(name, prefix, s3), s3, options.http.client(), Signer("s3", s3.region, keys, clock))


def _keys(s3: S3Options) -> Keys:
    if s3.access_key is None or s3.secret_key is None:

        async def of_machine() -> object:
            return keys_of_machine()

        return of_machine
    token = s3.session_token.get_secret_value() if s3.session_token is not None else None
    own = keys_of(s3.access_key.get_secret_value(), s3.secret_key.get_secret_value(), token)

    async def of_sink() -> object:
        return own

    return of_sink
