"""Text in whatever encoding as UTF-8.

A byte order mark decides; without one, UTF-16 shows by its zeros. All else is UTF-8, line by line: a line that is not
is taken as Windows-1252, which is what Excel and Windows PowerShell call ANSI, unless it is UTF-8 for the most part,
and was damaged. No detection by frequency (charset-normalizer): of the few letters beyond ASCII in a line no statistics
tells one code page from the next, and a guess that changes with the file would give one record two contents. Other code
pages are named by the user (`--encoding`).

What cannot be decoded becomes U+FFFD, is counted, and tagged by the normalizer.
"""

from __future__ import annotations

import codecs
from typing import IO, Final

from aoc_cli.importing.streams import CHUNK, Converted, Reader
from aoc_common.errors import BadConfiguration

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ANSI: Final = "cp1252"
_DAMAGE: Final = "\N{REPLACEMENT CHARACTER}"
#: Bytes that are looked at, and the share of zeros among every other one of them, that make a text UTF-16.
_LOOKED_AT: Final = 512
_MOSTLY: Final = 0.6
#: Bytes of the longest character of UTF-8.
_LONGEST: Final = 4
_SURROGATES: Final = range(0xDC80, 0xDD00)


def check_encoding(name: str) -> str:
    """The name of an encoding that Python knows. Raises `BadConfiguration`."""
    try:
        "a".encode(name)  # raises for what is no encoding of text, too
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        raise BadConfiguration(f"{name!r} is no encoding: try cp1250, cp1251, shift_jis, utf-16 ...") from None
    return codec.name


def as_utf8(stream: Reader, encoding: str | None = None) -> Utf8Text | DecodedText:
    """A stream's text as UTF-8 without a byte order mark. `encoding`: what it is in, where that is known."""
    head = stream.peek(_LOOKED_AT)[:_LOOKED_AT]
    for mark, name in _MARKS:
        if head.startswith(mark):
            if name != "utf-8":
                return DecodedText(stream, name)
            stream.read(len(mark))
            return Utf8Text(stream)
    if encoding is not None and encoding != "utf-8":
        return DecodedText(stream, encoding)
    if (wide := _wide(head)) is not None:
        return DecodedText(stream, wide)
    return Utf8Text(stream)


def _wide(head: bytes) -> str | None:
    """Which UTF-16 it is, by its zeros: what stands in exports is ASCII for the most part."""
    pairs = len(head) // 2
    if pairs == 0:
        return None
    if head[1::2].count(0) > _MOSTLY * pairs and not head[::2].count(0):
        return "utf-16-le"
    return "utf-16-be" if head[::2].count(0) > _MOSTLY * pairs and not head[1::2].count(0) else None


class DecodedText(Converted):
    """Text of a known encoding as UTF-8. `lost`: characters that could not be decoded."""

    def __init__(self, source: IO[bytes], encoding: str) -> None:
        super().__init__(source)
        self.encoding = encoding
        self.lost = 0
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def _next(self) -> bytes:
        text = ""
        while not text and (chunk := self._source.read(CHUNK)):
            text = self._decoder.decode(chunk)
        text = text or self._decoder.decode(b"", final=True)
        self.lost += text.count(_DAMAGE)
        return text.encode("utf-8", "replace")


class Utf8Text(Converted):
    """Text that is UTF-8, but for lines in Windows-1252 (`ansi_lines`), as UTF-8. `lost`: as of `DecodedText`."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__(source)
        self.ansi_lines = self.lost = 0
        self._rest = b""

    @property
    def encoding(self) -> str:
        """What it was read as."""
        return f"utf-8 and {_ANSI}" if self.ansi_lines else "utf-8"

    def _next(self) -> bytes:
        chunk = self._source.read(CHUNK)
        piece = self._rest + chunk
        self._rest = b""
        if piece.isascii():
            return piece
        if chunk:
            piece, self._rest = _cut(piece)
        try:
            piece.decode()
        except UnicodeDecodeError:
            return b"".join(map(self._line, piece.splitlines(keepends=True)))
        return piece or self._next()

    def _line(self, line: bytes) -> bytes:
        try:
            line.decode()
        except UnicodeDecodeError:
            text = line.decode("utf-8", "surrogateescape")
        else:
            return line
        damaged = sum(ord(letter) in _SURROGATES for letter in text)
        whole = sum(not letter.isascii() for letter in text) - damaged
        if whole >= damaged:
            text = line.decode("utf-8", "replace")
        else:
            text = line.decode(_ANSI, "replace")
            self.ansi_lines += 1
        self.lost += text.count(_DAMAGE)
        return text.encode()


def _cut(piece: bytes) -> tuple[bytes, bytes]:
    """A piece up to its last end of line, and the rest; of a line without end up to its last whole character."""
    end = piece.rfind(b"\n") + 1
    if end:
        return piece[:end], piece[end:]
    for back in range(1, min(_LONGEST, len(piece)) + 1):
        byte = piece[-back]
        if byte & 0xC0 != 0x80:  # noqa: PLR2004  # not one that continues a character
            end = len(piece) - back if byte >= 0xC0 else len(piece)  # noqa: PLR2004  # begins one
            return piece[:end], piece[end:]
    return piece, b""
