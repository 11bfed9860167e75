"""Rows that are wider than their header, read in the other ways in which tools write a cell that holds JSON."""

from __future__ import annotations

import csv
import json

_DECODER = json.JSONDecoder()


def otherwise(text: str, delimiter: str, width: int) -> list[str] | None:
    """The cells of a row of `width` columns in another dialect, or None when it is none of these either.

    Quotes in a cell with a backslash before them, or a cell of JSON without quotes around it.
    """
    for read in (_escaped, _bare):
        try:
            cells = read(text, delimiter)
        except (csv.Error, ValueError, RecursionError):
            continue
        if len(cells) == width:
            return cells
    return None


def _escaped(text: str, delimiter: str) -> list[str]:
    """With quotes that a backslash takes. Raises `csv.Error` and `ValueError`."""
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, escapechar="\\", doublequote=False)
    (cells,) = rows
    return cells


def _bare(text: str, delimiter: str) -> list[str]:
    """With one object as it is. Raises `ValueError`, `RecursionError`."""
    start = text.index("{")
    _, end = _DECODER.raw_decode(text, start)
    before, after = text[:start], text[end:].rstrip("\r\n")
    if (before and not before.endswith(delimiter)) or (after and not after.startswith(delimiter)):
        raise ValueError("not a cell of its own")
    return [
        *(_plain(before.removesuffix(delimiter), delimiter) if before else ()),
        text[start:end],
        *(_plain(after.removeprefix(delimiter), delimiter) if after else ()),
    ]


def _plain(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter), []) or [""]
