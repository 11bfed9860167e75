"""Strict readers of CEF and of syslog, written after the specifications and without the product's code.

They stand for a receiver: whatever deviates raises AssertionError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADER_FIELDS = 7
_KEY = re.compile(r"[A-Za-z0-9_.]+")
_SYSLOG = re.compile(
    rb"<(?P<pri>0|[1-9]\d{0,2})>1 "
    rb"(?P<time>-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) "
    rb"(?P<host>-|[!-~]{1,255}) (?P<app>-|[!-~]{1,48}) (?P<proc>-|[!-~]{1,128}) (?P<msgid>-|[!-~]{1,32}) "
)
_NAME = re.compile(r"[!#-<>-\\^-~]{1,32}")


def read_cef(line: bytes) -> tuple[list[str], dict[str, str]]:
    """The seven fields of the header, and the extension."""
    text = line.decode()
    assert not set(text) & set("\n\r\0"), "a line break in a message"
    fields, rest = _header(text)
    assert fields[0] == "CEF:0"
    return fields, _extension(rest)


def _header(text: str) -> tuple[list[str], str]:
    fields: list[str] = []
    now, position = "", 0
    while len(fields) < _HEADER_FIELDS:
        assert position < len(text), "the header ends early"
        char = text[position]
        if char == "\\":
            assert text[position + 1] in "\\|", "a stray backslash in the header"
            now += text[position + 1]
            position += 1
        elif char == "|":
            fields.append(now)
            now = ""
        else:
            now += char
        position += 1
    return fields, text[position:]


def _extension(text: str) -> dict[str, str]:
    """Keys are found by the equals signs that nothing escapes; a value ends with the blank before the next key."""
    signs, position = [], 0
    while position < len(text):
        if text[position] == "\\":
            assert text[position + 1 : position + 2] in ("\\", "=", "n", "r"), "a stray backslash in the extension"
            position += 2
            continue
        if text[position] == "=":
            signs.append(position)
        position += 1
    said: dict[str, str] = {}
    begin = 0
    for number, sign in enumerate(signs):
        key = text[begin:sign]
        assert _KEY.fullmatch(key), f"no key: {key!r}"
        assert key not in said, f"twice: {key}"
        end = len(text) if number + 1 == len(signs) else text.rindex(" ", sign, signs[number + 1])
        said[key] = _unescaped(text[sign + 1 : end])
        begin = end + 1
    assert signs or not text
    return said


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), value)


@dataclass(frozen=True)
class Message:
    """A message of syslog."""

    priority: int
    time: str
    host: str
    app: str
    message_id: str
    data: dict[str, dict[str, str]]
    text: bytes


def read_syslog(message: bytes) -> Message:
    """A message of RFC 5424."""
    match = _SYSLOG.match(message)
    assert match, message[:200]
    assert int(match["pri"]) <= 191
    data, rest = _structured(message[match.end() :].decode())
    return Message(
        int(match["pri"]), match["time"].decode(), match["host"].decode(), match["app"].decode(),
        match["msgid"].decode(), data, rest.encode(),
    )  # fmt: skip


def _structured(text: str) -> tuple[dict[str, dict[str, str]], str]:
    if text.startswith("-"):
        return {}, text[2:]
    elements: dict[str, dict[str, str]] = {}
    position = 0
    while position < len(text) and text[position] == "[":
        name = _NAME.match(text, position + 1)
        assert name
        position = name.end()
        said: dict[str, str] = {}
        while text[position] == " ":
            key = _NAME.match(text, position + 1)
            assert key
            assert text[key.end() : key.end() + 2] == '="'
            value, position = _parameter(text, key.end() + 2)
            said[key[0]] = value
        assert text[position] == "]"
        elements[name[0]] = said
        position += 1
    assert position == len(text) or text[position] == " "
    return elements, text[position + 1 :]


def _parameter(text: str, position: int) -> tuple[str, int]:
    value = ""
    while text[position] != '"':
        assert text[position] != "]", "an unescaped bracket in a parameter"
        if text[position] == "\\" and text[position + 1] in '"\\]':
            position += 1
        value += text[position]
        position += 1
    return value, position + 1


def counted_frames(stream: bytes) -> list[bytes]:
    """The messages of a stream whose octets are counted (RFC 5425, 4.3)."""
    frames, position = [], 0
    while position < len(stream):
        length = re.compile(rb"[1-9]\d* ").match(stream, position)
        assert length, stream[position : position + 40]
        end = length.end() + int(length[0])
        assert end <= len(stream), "a frame is cut off"
        frames.append(stream[length.end() : end])
        position = end
    return frames


def line_frames(stream: bytes) -> list[bytes]:
    """The messages of a stream with a line feed behind each."""
    assert not stream or stream.endswith(b"\n")
    return stream.split(b"\n")[:-1]
