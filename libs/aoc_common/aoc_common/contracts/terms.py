"""Search terms: how text is cut into tokens, for the index and for queries alike.

Text is cut into its smallest words, and a query asks for all of its own: `dana`, `dana.reyes` and
`dana.reyes@contoso.example` find the same person, who costs the index three terms. What means nothing in parts stays
whole: addresses, GUIDs, message ids and hashes. A token is lower-case, at most 64 characters.

An address is spelt so that networks are ranges (`spelling.ordered_address`): `4.203.000.113.009`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from unicodedata import combining, normalize

from aoc_common.contracts import spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Counts how terms were made: raised whenever stored events would be found otherwise (`aoc remap --terms`).
EDITION: Final = 3
MAX_TOKEN: Final = 64
#: The first term of every event whose record no mapper understood, so that these can be asked for: a word of none.
NOT_UNDERSTOOD: Final = "notunderstood"
_MAX_TEXT: Final = 4096
#: Values that are remembered with their tokens: names, applications and operations come again and again.
_REMEMBERED: Final = 128

#: Words that are in too many events to find any; endings of domains and the beginning of `NT AUTHORITY` among them.
_STOP: Final = frozenset(
    {"an", "and", "as", "at", "by", "for", "from", "in", "is", "its", "more", "of", "on", "the", "to", "true"}
    | {"was", "with", "http", "https", "www"}
    | {"com", "example", "net", "onmicrosoft", "org", "nt", "authority"}
)
_AROUND: Final = "[](){}<>\"'`,;:.!?"
#: As `spelling.shown` has what nobody sees.
_CODE: Final = re.compile(r"<U\+[0-9A-F]{4,6}>")
_WORD: Final = re.compile(r"[^\W_]+")
_GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_GUID_LENGTH: Final = 36
_TOKEN_ID_LENGTH: Final = 22
#: What was typed of a GUID or SID so far: their terms are whole, so it is not cut either.
_MAY_BEGIN_ID: Final = re.compile(r"(?=[a-f-]*\d)[0-9a-f]{1,8}|[0-9a-f]{8}-[0-9a-f-]*|s-1[\d-]*")
#: Words that are longer are none that somebody types, or misspells; nor are longer numbers, which are ids and times:
#: as long as the number that `_MAY_BEGIN_ID` takes for the beginning of an id, so that none is looked for by words.
_LONGEST_WORD: Final = 40
_LONGEST_NUMBER: Final = 8
_BEGUN: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{0,27}|s-1-[\d-]*")
#: An address as it is a term.
_ORDERED: Final = re.compile(r"4\.\d{3}(?:\.\d{3}){3}|6\.[0-9a-f]{4}(?::[0-9a-f]{4}){7}")
_ADDRESS: Final = re.compile(r"\[?[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]+(?:%\w+)?\]?(?::\d+)?")
_AROUND_ADDRESS: Final = "(){}<>\"'`,;!?"
#: An address inside a word: `https://203.0.113.9/x`, `203.0.113.0/24`.
_INSIDE: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
#: A number as people group its digits is one word: `53,687,091,200`.
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
#: Ids that are no GUIDs (of messages, items, files' hashes) and SIDs: letters and digits run on without a break.
_OPAQUE: Final = re.compile(r"(?=[^@]*\d)(?=[^@]*[a-zA-Z])[\w+/=-]*[A-Za-z0-9+/=]{20}|[sS]-1-\d[\d-]+$")
#: A token's id of Entra's: 16 bytes in base64url, which may be cut by its dashes. Each sign-in has its own.
_TOKEN_ID: Final = re.compile(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])(?=.*[_-])[\w-]{22}", re.ASCII)
#: The words of a name like `MailItemsAccessed` or `New-InboxRule`.
_CAMEL: Final = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])")
_SHORTEST_PART: Final = 3


def query_terms(text: str) -> list[str]:
    """What a query asks for: each must be among an event's terms. Empty for text without letters or digits.

    An address is asked for without a port; of a name around a GUID, the GUID.
    """
    terms: list[str] = []
    for word in _read(text).split():
        guids = _GUID.findall(word.casefold())
        terms += guids or _cut(word)
    return list(dict.fromkeys(terms))


def prefix_terms(text: str) -> tuple[list[str], str]:
    """What the beginning of a text asks for: whole terms, and how another one begins; that is empty when none need be.

    Of `dana.rey` that is `dana` whole, and `rey`.
    """
    before, _, last = _read(text).rstrip().rpartition(" ")
    whole = query_terms(before)
    lower = _folded(last.strip(_AROUND) or last)
    if _BEGUN.fullmatch(lower) or _OPAQUE.match(lower):
        return whole, lower[:MAX_TOKEN]
    *first, start = pieces(lower) or [""]
    if lower and not lower[-1].isalnum():
        first, start = [*first, start], ""
    whole = list(dict.fromkeys([*whole, *(term for piece in first for term in _cut(piece))]))
    # Beside whole terms it need not be one itself: single letters and stop words are none.
    if whole and ((len(start) == 1 and start.isascii()) or any(word.startswith(start) for word in _STOP)):
        start = ""
    return whole, start[:MAX_TOKEN]


def pieces(text: str) -> list[str]:
    """The words of a text, all of them, in lower case."""
    return _WORD.findall(_folded(_read(text)))


def is_word(term: str) -> bool:
    """Whether a term is a word or an address: not an id, of which each event has its own."""
    if len(term) > _LONGEST_WORD or "-" in term or "_" in term:  # words are cut there; GUIDs and SIDs are not
        return False
    if len(term) > _LONGEST_NUMBER and term.isdecimal() and term.isascii():
        return False
    return _OPAQUE.match(term) is None or _ORDERED.fullmatch(term) is not None


def says_nothing(term: str) -> bool:
    """Whether a term is a word that no index holds: events of before may have it."""
    return term in _STOP


def token_id(word: str) -> str | None:
    """The term of a token's id, which is no word and not cut; None for what looks like none."""
    return word.lower() if len(word) == _TOKEN_ID_LENGTH and _TOKEN_ID.fullmatch(word) else None


def may_begin_id(start: str) -> bool:
    """Whether GUIDs or SIDs may begin so."""
    return _MAY_BEGIN_ID.fullmatch(start) is not None


def former_spelling(term: str) -> str | None:
    """How events of before spell the address that this term is; None for a term that is none."""
    return spelling.unordered(term) if _ORDERED.fullmatch(term) else None


def name_terms(name: str) -> tuple[str, ...]:
    """The terms of a name, address, title or sentence."""
    return _remembered(name) if len(name) <= _REMEMBERED else _cut_all(name)


def id_terms(uid: str) -> tuple[str, ...]:
    """The terms of an id: of one that has GUIDs in it, only these."""
    return _remembered_id(uid) if len(uid) <= _REMEMBERED else _cut_id(uid)


@lru_cache(maxsize=4096)
def operation_terms(operation: str) -> tuple[str, ...]:
    """The terms of an operation: also the words of one that is written as one (`MailItemsAccessed`)."""
    names = [words for word in _WORD.findall(operation) if len(words := _CAMEL.findall(word)) > 1]
    parts = [part.casefold()[:MAX_TOKEN] for words in names for part in words if len(part) >= _SHORTEST_PART]
    return _unique([*_cut_all(operation), *parts])


def first_terms(terms: Iterable[str], limit: int) -> tuple[str, ...]:
    """The first `limit` different terms, in the order in which they were given."""
    return _unique(terms)[:limit]


def _read(text: str) -> str:
    """A text as it reads: without what nobody sees, be it spelt or shown by its code."""
    text = spelling.folded(text[:_MAX_TEXT])
    return _CODE.sub("", text) if "<U+" in text else text


def _cut_id(uid: str) -> tuple[str, ...]:
    if len(uid) == _GUID_LENGTH and _GUID.fullmatch(lower := uid.lower()):
        return (lower,)  # nearly all are one: to look for more takes twice as long
    guids = _GUID.findall(_read(uid).casefold())
    if guids:
        return tuple(guids)
    token = token_id(uid)
    return name_terms(uid) if token is None else (token,)


def _cut_all(text: str) -> tuple[str, ...]:
    return _unique(term for word in _read(text).split() for term in _cut(word))


_remembered_id = lru_cache(maxsize=4096)(_cut_id)
_remembered = lru_cache(maxsize=4096)(_cut_all)


def _cut(word: str) -> Sequence[str]:
    """The tokens of one word, as blanks delimit it."""
    return _remembered_word(word) if len(word) <= MAX_TOKEN else _cut_word(word)


def _cut_word(word: str) -> tuple[str, ...]:
    inner = word.strip(_AROUND_ADDRESS)
    if _ADDRESS.fullmatch(inner) and (address := _address(inner) or _address(inner.rstrip(".:"))) is not None:
        return (address,)
    bare = word.strip(_AROUND)
    if _GROUPED.fullmatch(bare):
        return (bare.replace(",", "")[:MAX_TOKEN],)
    lower = _folded(bare)
    tokens = _GUID.findall(lower)
    if tokens:
        lower = _GUID.sub(" ", lower)
    elif _OPAQUE.match(bare):
        return (lower[:MAX_TOKEN],)
    if "." in lower and (
        inside := [address for text in _INSIDE.findall(lower) if (address := _address(text)) is not None]
    ):
        tokens += inside
        lower = _INSIDE.sub(" ", lower)
    tokens += [piece[:MAX_TOKEN] for piece in _WORD.findall(lower) if len(piece) > 1 or not piece.isascii()]
    return tuple([token for token in tokens if token not in _STOP])


#: Most words of texts that machines write come again and again.
_remembered_word = lru_cache(maxsize=4096)(_cut_word)


def _folded(word: str) -> str:
    """In lower case; without accents, which not every keyboard has."""
    if word.isascii():
        return word.lower()
    plain = "".join(letter for letter in normalize("NFKD", word) if not combining(letter))
    return normalize("NFC", plain).casefold()


def _address(word: str) -> str | None:
    bare, _, port = word.rpartition(":")
    with_port = port.isdigit() and ("]" in word or word.count(":") == 1)
    address = spelling.address((bare if with_port else word).strip("[]"))
    return None if address is None else spelling.ordered_address(address)


def _unique(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(terms))
