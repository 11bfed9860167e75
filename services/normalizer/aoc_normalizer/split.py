"""Splits a raw page into the records' own bytes, so that each is parsed exactly once, later."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECORDS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TOKENS: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}\[\]]')
_CLOSED_BY: Final = {"{": "}", "[": "]"}
_BOM: Final = b"\xef\xbb\xbf"
#: Broken parts of a page after which its rest is put aside as one: each may cost a look at the whole rest.
_MAX_BROKEN: Final = 500


@dataclass(frozen=True, slots=True)
class Broken:
    """A part of a page that is no readable record. Nothing of the page is lost: parts and records cover it."""

    text: str
    reason: str


def split(body: bytes) -> tuple[list[bytes], list[Broken]]:
    """The records of a page, and what is none.

    The page is a JSON array as Microsoft sent it; a Graph list (`{"value": [...]}`), one lone record and NDJSON are
    understood too. From a malformed page every record that can be read is recovered.
    """
    body = body.removeprefix(_BOM).strip()
    if not body:
        return [], []
    try:
        return [bytes(record) for record in _RECORDS.decode(body)], []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    if body.startswith(b"{"):
        try:
            return [bytes(record) for record in _listed(body)], []
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return _recover(body)


def _listed(body: bytes) -> list[msgspec.Raw]:
    """The records of a Graph list. Raises `DecodeError` for what is none."""
    members = _OBJECT.decode(body)
    if "value" not in members or not all(name == "value" or name.startswith("@") for name in members):
        # A record of its own that has a field `value`.
        raise msgspec.DecodeError("no list")
    return _RECORDS.decode(members["value"])


def _recover(body: bytes) -> tuple[list[bytes], list[Broken]]:
    text = body.decode("utf-8", "replace")
    records: list[bytes] = []
    broken: list[Broken] = []
    for part in _parts(text):
        if isinstance(part, Broken):
            broken.append(part)
        else:
            records.append(part.encode("utf-8", "replace"))
    return records, broken


def _parts(text: str) -> Iterator[str | Broken]:
    decoder = json.JSONDecoder()
    at = _skip(text, 1 if text.startswith("[") else 0)
    failures = 0
    balanced = True
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            failures += 1
            # Where braces do not match once, looking for the end of each object would cost a look at the whole rest.
            closed = _closing(text, at) if balanced else None
            balanced = closed is not None
            end = len(text) if failures == _MAX_BROKEN else closed or _next_object(text, at)
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            piece = text[at:end].rstrip(", \r\n\t]")
            if piece:
                yield Broken(piece, f"malformed page: {reason}")
        else:
            yield text[at:end]
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in ", \r\n\t]\x1e\x00":
        at += 1
    return at


def _closing(text: str, at: int) -> int | None:
    """The end of a broken object whose braces match, so that none of its parts is taken for a record."""
    if text[at] != "{":
        return None
    wanted: list[str] = []
    for token in _TOKENS.finditer(text, at):
        if token[0] in _CLOSED_BY:
            wanted.append(_CLOSED_BY[token[0]])
        elif token[0] in "}]":
            if token[0] != wanted.pop():
                return None
            if not wanted:
                following = text[token.end() : token.end() + 100].lstrip(" \t")[:1]
                return token.end() if following in {"", ",", "]", "\r", "\n"} else None
    return None


def _next_object(text: str, at: int) -> int:
    """Where the next object may start: after a comma or another object, or at the beginning of a line."""
    while (at := text.find("{", at + 1)) != -1:
        if text[at - 1] == "\n" or text[max(0, at - 200) : at].rstrip()[-1:] in {",", "}"}:
            return at
    return len(text)
