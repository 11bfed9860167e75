r"""Messages of syslog (RFC 5424), and how they follow each other on a stream. Pure.

A message has its identity in structured data: `[aoc@32473 id="..." revision="1" ...]`, where 32473 is the enterprise
number that RFC 5612 gives to documentation; a setting takes one's own. Values there escape `"`, `\` and `]`.

Framing is a setting, since receivers differ: RFC 5425 and RFC 6587 count octets (`LEN SP MSG`), older receivers look
for a line feed. What is framed has no control character, so neither can split or merge messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aoc_exporter.item import Item

_CONTROLS: Final = bytes.maketrans(bytes((*range(0x20), 0x7F)), b" " * 33)
_NOT_PRINTABLE: Final = re.compile(r"[^!-~]")
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ESCAPED: Final = re.compile(r'(["\\\]])')
#: OCSF `severity_id` -> syslog's severity: informational, notice, warning, error, critical, alert.
_SEVERITIES: Final = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2, 6: 1}
_INFORMATIONAL: Final = 6
#: Longest host, application and message id (RFC 5424, 6).
_HOST, _APP, _MSGID = 255, 48, 32


class Framing(StrEnum):
    """How messages follow each other on a stream."""

    OCTETS = "octet-counting"
    NEWLINE = "newline"


@dataclass(frozen=True, slots=True)
class Header:
    """What every message of a sink says. `facility`: 0 to 23, 13 is the log audit. `enterprise`: a private number."""

    host: str = "aoc"
    app: str = "aoc"
    facility: int = 13
    enterprise: int = 32473


def message(item: Item, header: Header) -> bytes:
    """One message, without framing."""
    entry = item.entry
    # A severity is told where the entry had to be parsed anyway.
    told = entry.__dict__.get("event", {}).get("severity_id")
    severity = _SEVERITIES.get(told, _INFORMATIONAL) if isinstance(told, int) else _INFORMATIONAL
    data = "".join(
        f' {name}="{_parameter(said)}"'
        for name, said in (
            ("id", entry.id),
            ("revision", str(entry.revision)),
            ("kind", entry.kind.value),
            ("tenant", entry.tenant),
            ("source", entry.source),
            ("truncated", "true" if item.cut or entry.truncated else ""),
            ("retrospective", "true" if entry.retrospective else ""),
            *((f"label_{name}", text) for name, text in entry.labels),
        )
        if said
    )
    start = (
        f"<{header.facility * 8 + severity}>1 {entry.timestamp or '-'} {_name(header.host, _HOST)} "
        f"{_name(header.app, _APP)} - {_name(entry.source, _MSGID)} [aoc@{header.enterprise}{data}] "
    )
    return start.encode() + item.data.translate(_CONTROLS)


def framed(sent: bytes, framing: Framing) -> bytes:
    """A message as it goes into a stream. The length is of bytes."""
    return b"%d %b" % (len(sent), sent) if framing is Framing.OCTETS else sent + b"\n"


@lru_cache(1024)
def _name(text: str, longest: int) -> str:
    return _NOT_PRINTABLE.sub("?", text)[:longest] or "-"


def _parameter(text: str) -> str:
    if text.isprintable() and not ('"' in text or "\\" in text or "]" in text):
        return text
    return _ESCAPED.sub(r"\\\1", _UNSEEN.sub(" ", text))
