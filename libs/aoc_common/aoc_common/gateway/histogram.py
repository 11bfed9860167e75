"""What the gateway answers to who asks how many events there were, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

type Size = Literal[
    "1m", "5m", "15m", "30m", "1h", "3h", "6h", "12h", "1d", "1w", "1mo", "3mo", "1y", "10y", "100y", "1000y"
]
"""Minutes, hours, days, weeks, months, years."""

BUCKET: Final[dict[str, Any]] = {
    "start": "2026-11-23T07:00:00Z",
    "end": "2026-11-23T08:00:00Z",
    "count": 15,
    "exact": True,
    "values": {"exchange": 12, "entra": 2},
    "others": 1,
    "without": 0,
}


class TimeBucket(BaseModel):
    """How many events there were from `start` to before `end`."""

    model_config = ConfigDict(json_schema_extra={"examples": [BUCKET]})

    start: datetime
    end: datetime
    count: int = Field(description="All of them; when not `exact`, at least so many.")
    exact: bool = Field(description="False where the search did not come so far back, or stopped within the bucket.")
    values: dict[str, int] = Field(description="Value of `by` -> events; those that have any.")
    others: int = Field(description="Events with a value that is not among the most frequent.")
    without: int = Field(description="Events that have no value there, or none that may be seen.")


class Histogram(BaseModel):
    """Events over time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tenant": "contoso",
                    "start": "2026-11-23T07:00:00Z",
                    "end": "2026-11-23T08:00:00Z",
                    "zone": "Europe/Amsterdam",
                    "bucket": "1h",
                    "by": "service",
                    "values": ["exchange", "entra"],
                    "events": 15,
                    "complete": False,
                    "counted_back_to": "2026-11-23T07:00:00Z",
                    "buckets": [BUCKET],
                }
            ]
        }
    )

    tenant: str = Field(description="Whose events.")
    start: datetime = Field(description="From when on events were counted; the first bucket may begin before.")
    end: datetime = Field(description="Up to when; the last bucket may end after.")
    zone: str = Field(description="The time zone by whose clock buckets begin.")
    bucket: Size = Field(
        description="Length of a bucket: `m` minutes, `h` hours, `d` days, `w` weeks, `mo` months, `y`."
    )
    by: str | None = Field(description="The field whose values are told apart.")
    values: list[str] = Field(description="The most frequent values of it, the most frequent first.")
    events: int = Field(description="All events that were counted.")
    complete: bool = Field(description="Whether these are all that match.")
    counted_back_to: datetime | None = Field(
        description="Where they are not: events before this time were not counted. Ask for them with `end`."
    )
    buckets: list[TimeBucket] = Field(description="All of the time without a gap, the oldest first, empty ones too.")
