"""What the gateway answers about exports."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

_RECEIPT: Final[dict[str, Any]] = {
    "id": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21",
    "tenant": "contoso",
    "state": "whole",
    "at": "2026-11-23T08:00:12Z",
    "rows": 100_000,
    "sha256": "9f2d0c4e7b1a5d3f8c6e0b2a4d7f9c1e3b5a7d9f0c2e4b6a8d1f3c5e7b9a0d2f",
}


class ExportReceipt(BaseModel):
    """An export that was made. What it says stands in the audit trail, too."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_RECEIPT]})

    id: str = Field(description="`X-Request-Id` of the export's answer.")
    tenant: str = Field(description="Whose events it holds.")
    state: Literal["begun", "whole", "broken off"] = Field(
        description="`whole`: sent to its end. `begun`: it runs, or the gateway ended before it did."
    )
    at: datetime = Field(description="Since when this is so.")
    rows: int | None = Field(None, description="Events that it holds; of one that was broken off, that were written.")
    sha256: str | None = Field(
        None,
        description="Of the file as it is uncompressed, without the last line of `jsonl` and `ocsf`; in hexadecimal.",
    )
