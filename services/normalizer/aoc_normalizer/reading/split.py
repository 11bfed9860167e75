"""Splits a raw page into the records' own bytes, so that each is parsed exactly once, later."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from aoc_normalizer.reading.recover import recover

if TYPE_CHECKING:
    from aoc_normalizer.reading.recover import Broken

_RECORD: Final = msgspec.json.Decoder(msgspec.Raw)
_RECORDS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BOM: Final = b"\xef\xbb\xbf"


def split(body: bytes) -> tuple[list[bytes], list[Broken]]:
    """The records of a page, and what is none.

    The page is a JSON array as Microsoft sent it; a Graph list (`{"value": [...]}`), one lone record and NDJSON are
    understood too. From a malformed page every record that can be read is recovered.
    """
    body = body.removeprefix(_BOM).strip()
    if not body:
        return [], []
    for read in (_listed, _in_lines) if body.startswith(b"{") else (_RECORDS.decode,):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return [bytes(record) for record in read(body)], []
    records, broken = recover(body.decode("utf-8", "replace"))
    return [record.encode() for record in records], broken


def _listed(body: bytes) -> list[msgspec.Raw]:
    """The records of a Graph list. Raises `DecodeError` for what is none."""
    members = _OBJECT.decode(body)
    if "value" not in members or not all(name == "value" or name.startswith("@") for name in members):
        # A record of its own that has a field `value`.
        raise msgspec.DecodeError("no list")
    return _RECORDS.decode(members["value"])


def _in_lines(body: bytes) -> list[msgspec.Raw]:
    """The records of NDJSON, or a lone one. Raises `DecodeError`."""
    return _RECORD.decode_lines(body)
