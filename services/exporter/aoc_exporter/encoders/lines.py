"""Text that stays on its line. Pure."""

from __future__ import annotations

from typing import Final

#: Line breaks between the tokens of JSON, and blanks around it.
_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")
#: What no line of text may have in it: control characters of C0 and C1, and lone surrogates, which UTF-8 has not.
#: What readers take for a line's end is a line feed before.
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_LINE_ENDS: Final = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x85\u2028\u2029"), "\n")
_UNSEEN: Final = {
    code: _REPLACEMENT
    for code in (*range(0x20), *range(0x7F, 0xA0))
    if code not in _LINE_ENDS and chr(code) not in "\t\r\n"
}
_PLAIN: Final = _LINE_ENDS | _UNSEEN


def one_line(json: bytes) -> bytes:
    """A JSON text on one line. In valid JSON a line break is blank space, never part of a value."""
    if b"\n" in json or b"\r" in json:
        json = json.translate(_BREAKS).strip()
    return json


def plain(text: str) -> str:
    r"""Text whose only control characters are tabs and `\n`, one for each line's end; valid UTF-8 when encoded."""
    if text.isprintable():  # most; surrogates and all controls are not
        return text
    text = text.replace("\r\n", "\n").translate(_PLAIN).replace("\r", "\n")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
