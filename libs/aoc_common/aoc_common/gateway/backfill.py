"""What the gateway takes and answers about collecting a span of time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from aoc_common.contracts.sources import SOURCE_NAMES
from aoc_common.contracts.subjects import TENANT_PATTERN


def _check_source(source: str | None) -> str | None:
    if source is not None and source not in SOURCE_NAMES:
        raise ValueError(f"no such source; there are {', '.join(SOURCE_NAMES)}")
    return source


SourceName = Annotated[str | None, AfterValidator(_check_source)]


class BackfillRequest(BaseModel):
    """What to collect, and from when to when: `start` inclusive, `end` exclusive."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "tenant": "contoso",
                    "source": "o365-exchange",
                    "start": "2026-11-20T00:00:00Z",
                    "end": "2026-11-23T00:00:00Z",
                }
            ]
        },
    )

    tenant: str | None = Field(
        None, pattern=TENANT_PATTERN, description="Whose; AOC_API__DEFAULT_TENANT when not given."
    )
    source: SourceName = Field(None, max_length=64, description="Feed; every one when not given.")
    start: datetime = Field(description="From this time on; UTC when it names no zone.")
    end: datetime = Field(description="Before this time.")


class BackfillSource(BaseModel):
    """A source of a backfill."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"source": "o365-exchange", "state": "asked"}]})

    source: str = Field(description="The feed.")
    state: Literal["asked", "pending"] = Field(description="`pending`: the same had been asked for and is not done.")


class BackfillAccepted(BaseModel):
    """What was asked of the collector."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tenant": "contoso",
                    "start": "2026-11-20T00:00:00Z",
                    "end": "2026-11-23T00:00:00Z",
                    "sources": [{"source": "o365-exchange", "state": "asked"}],
                }
            ]
        }
    )

    tenant: str = Field(description="Whose.")
    start: datetime = Field(description="From when, UTC, in whole seconds.")
    end: datetime = Field(description="Until when.")
    sources: list[BackfillSource]
