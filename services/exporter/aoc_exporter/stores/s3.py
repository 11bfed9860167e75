"""Amazon S3, and what speaks its protocol: `PutObject`, one request for each file.

A signature is made by the library of AWS that its own SDKs use; the request is sent by our client, which checks the
address, and says what the store answered (docs/adr/0072-object-storage.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, SecretStr, model_validator

from aoc_common.settings import Frozen
from aoc_exporter.stores import answers
from aoc_exporter.stores.unread import UnreadStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common import http
    from aoc_exporter.stores.signing import Signer

_URL = r"^https?://[A-Za-z0-9.:\[\]-]{1,255}/?$"


class S3Options(Frozen):
    """How a bucket is reached, and who we are there."""

    region: str = Field("us-east-1", pattern=r"^[a-z0-9-]{1,32}$", description="Region of the bucket.")
    endpoint: str | None = Field(
        None, pattern=_URL, description="Address of another store than Amazon's, e.g. https://minio.example:9000."
    )
    path_style: bool | None = Field(
        None, description="Whether the bucket is named in the path; otherwise so where an endpoint is set."
    )
    access_key: SecretStr | None = Field(None, description="Access key id; without one, the machine's identity.")
    secret_key: SecretStr | None = Field(None, description="Its secret access key.")
    session_token: SecretStr | None = Field(None, description="Session token of temporary keys.")
    role: str | None = Field(
        None,
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$",
        description="ARN of a role that is assumed.",
    )
    external_id: str | None = Field(
        None, pattern=r"^[A-Za-z0-9+=,.@:/_-]{2,1224}$", description="External id that the role asks for."
    )
    encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = Field(
        None, description="Server-side encryption; without it, the bucket's own."
    )
    encryption_key: str | None = Field(
        None, pattern=r"^[A-Za-z0-9:/_-]{1,2048}$", description="Id or ARN of the key in KMS."
    )

    @property
    def domain(self) -> str:
        """What names of AWS's services end with in the region."""
        return "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("access_key and secret_key belong together")
        if self.session_token is not None and self.access_key is None:
            raise ValueError("session_token belongs to an access_key")
        if self.external_id is not None and self.role is None:
            raise ValueError("external_id belongs to a role")
        if self.role is not None and self.endpoint is not None:
            raise ValueError("role is assumed at Amazon's own service, and not at an endpoint")
        if self.encryption_key is not None and not (self.encryption or "").startswith("aws:kms"):
            raise ValueError("encryption_key belongs to encryption: aws:kms")
        return self


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, the beginning of its objects' names, and its address: without the path, and with `host` to sign."""

    base: str
    host: str
    prefix: str

    @classmethod
    def of(cls, name: str, prefix: str, options: S3Options) -> Self:
        """As the options say."""
        endpoint = options.endpoint or f"https://s3.{options.region}.{options.domain}"
        scheme, host = endpoint.rstrip("/").split("://")
        # The certificate of `*.s3...` is for names without a dot.
        in_path = options.path_style
        if in_path is None:
            in_path = options.endpoint is not None or "." in name
        if in_path:
            return cls(f"{scheme}://{host}", host, f"/{name}/{prefix}")
        return cls(f"{scheme}://{name}.{host}", f"{name}.{host}", f"/{prefix}")


class S3(UnreadStore):
    """The store."""

    def __init__(self, name: str, bucket: Bucket, options: S3Options, client: http.Client, signer: Signer) -> None:
        super().__init__(name, client)
        self._bucket = bucket
        self._signer = signer
        self._headers = _headers(options)

    async def put(self, path: str, content: bytes) -> None:
        """As the port says. An object is there when the request has come to its end, and not before."""
        place = answers.quoted(self._bucket.prefix + path)
        headers = {"Host": self._bucket.host, **self._headers}
        signed = await self._signer.signed("PUT", place, headers, sha256(content).hexdigest())
        await answers.put(self._client, self._bucket.base + place, self._remote, content, signed)


def _headers(options: S3Options) -> Mapping[str, str]:
    headers = {"Content-Type": "application/octet-stream"}
    if options.encryption is not None:
        headers["x-amz-server-side-encryption"] = options.encryption
    if options.encryption_key is not None:
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = options.encryption_key
    return headers
