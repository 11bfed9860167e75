"""What is asked of an export beside its filters, whether it is streamed or made in the background."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Query

from aoc_api.export.formats import FORMATS, Format
from aoc_api.problems import invalid
from aoc_common.contracts import rows
from aoc_common.errors import Malformed

FormatParameter = Annotated[
    Format,
    Query(
        alias="format",
        description="`csv`; `jsonl`: events as `aoc search --json` prints them; `ocsf`: events as they are on the bus, "
        "with records' own text; `parquet`.",
    ),
]
FieldsParameter = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=2000,
        description="Only these fields, with commas; not of `ocsf`.",
        examples=["time,actor,ip,event.status_detail"],
    ),
]


def columns(form: Format, fields: str | None) -> Sequence[str] | None:
    """The fields that a file has; None: the usual ones. Raises a problem for what cannot be one."""
    if fields is None:
        return None
    if not FORMATS[form].fields:
        raise invalid("fields", f"{form} has whole events; jsonl has fields")
    try:
        return tuple(dict.fromkeys(rows.names_of(fields)))
    except Malformed as error:
        raise invalid("fields", str(error)) from None


def file_name(tenant: str, now: datetime, form: Format) -> str:
    """What a file is called by whoever saves it."""
    ending = "ocsf.jsonl" if form is Format.OCSF else form
    return f"{tenant}-{now:%Y%m%dT%H%M%SZ}.{ending}"
