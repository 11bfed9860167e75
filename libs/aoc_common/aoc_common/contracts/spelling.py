"""The one spelling of what events are stored, indexed and asked for by."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212]")
_LONGEST_ACTOR: Final = 256
LONGEST_OPERATION: Final = 200
#: Characters that nobody sees and that change no word: Unicode's Default_Ignorable_Code_Point, format characters
#: without a glyph, and controls that are no white space.
#: Source: unicode.org, DerivedCoreProperties.txt and UnicodeData.txt.
_INVISIBLE: Final = (
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160"
    r"\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HIDDEN: Final = re.compile(f"[{_INVISIBLE}]")
#: What is shown by its code: the same, line ends and separators too, since a name has one line.
_SHOWN: Final = re.compile(rf"[{_INVISIBLE}\x09-\x0d\x1c-\x1f\x85\u2028\u2029]")
#: Joiners and variants that scripts and pictures need: between or after what is neither Latin, Greek nor Cyrillic.
_JOINED: Final = (
    r"\u0590-\u115e\u1161-\u180a\u1810-\u1fff\u2190-\u2bff\u3000-\u3163\u3165-\ufdff\ufe0f\U0001f000-\U0001faff"
)
_NEEDED: Final = re.compile(rf"(?<=[{_JOINED}])(?:[\u200c\u200d](?=[{_JOINED}])|\ufe0f)")


def is_plain(text: str) -> bool:
    """Whether everything in it can be seen as it is, on one line."""
    return text.isprintable() if text.isascii() else _SHOWN.search(text) is None


def folded(text: str) -> str:
    """The text as it reads: without characters that nobody sees. What is matched is matched so."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub("", text)


def shown(text: str) -> str:
    """The text as it is shown: characters that nobody sees, or that turn a line round or end it, by their codes.

    `Sam<U+202E>` for one that turns the direction. Joiners that a script or a picture needs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    if not _SHOWN.search(text):
        return text
    needed = {match.start() for match in _NEEDED.finditer(text)}
    return _SHOWN.sub(lambda match: match[0] if match.start() in needed else f"<U+{ord(match[0]):04X}>", text)


def address(text: str) -> str | None:
    """An address in its shortest form, a mapped IPv4 address as IPv4, no zone; None for what is no address."""
    try:
        parsed = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or IPv6Address(int(parsed))
    return str(parsed)


@lru_cache(maxsize=8192)
def ordered_address(address: str) -> str:
    """An address so spelt that a network is a range: `4.203.000.113.009`, `6.2001:0db8:...:0007`. No word is like it.

    `address`: in its shortest form, as `address` gives it.
    """
    if ":" in address:
        return f"6.{IPv6Address(address).exploded}"
    return f"4.{'.'.join(octet.zfill(3) for octet in address.split('.'))}"


def unordered(address: str) -> str:
    """An address in its shortest form, of what `ordered_address` gave."""
    bare = address[2:]
    return str(IPv6Address(bare)) if ":" in bare else ".".join(str(int(octet)) for octet in bare.split("."))


@lru_cache(maxsize=8192)
def actor(text: str) -> str:
    """Who acted: workloads spell one person's name in different cases."""
    return shown(folded(text).strip()).lower()[:_LONGEST_ACTOR]


def operation(text: str) -> str:
    """An operation: trimmed, without a final dot or what nobody sees, with plain dashes."""
    return _DASHES.sub("-", folded(text)).strip().rstrip(".").strip()[:LONGEST_OPERATION]
