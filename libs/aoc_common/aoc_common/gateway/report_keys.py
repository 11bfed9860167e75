"""What the gateway answers about the keys of reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

#: The key and thumbprint of RFC 8037, appendix A.
_KEY: Final[dict[str, Any]] = {
    "crv": "Ed25519",
    "kty": "OKP",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "alg": "EdDSA",
    "use": "sig",
    "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "published_at": "2026-11-23T08:00:00Z",
    "retired_at": "2027-11-23T08:00:00Z",
}


class ReportKey(BaseModel):
    """An Ed25519 public key as a JWK (RFC 8037), and its times."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    crv: Literal["Ed25519"]
    kty: Literal["OKP"]
    x: str = Field(description="The key, base64url.")
    alg: Literal["EdDSA"]
    use: Literal["sig"]
    kid: str = Field(description="Its fingerprint: the JWK thumbprint (RFC 7638).")
    published_at: datetime = Field(description="Since when it is published here.")
    retired_at: datetime | None = Field(description="Since when it signs no more; null: it does.")


class ReportKeys(BaseModel):
    """A JWK Set (RFC 7517)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keys": [_KEY]}]})

    keys: list[ReportKey]
