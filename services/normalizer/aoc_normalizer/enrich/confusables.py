"""Display names that equal an administrator's: anybody may call himself so. Pure.

Two names are equal here when a reader may take one for the other: without regard to case, width, accents, blanks,
punctuation and what is invisible, and with letters of other scripts that look like Latin ones read as these. It is less
than Unicode's confusables (UTS 39), and enough for a name in a sentence; one too many is only shown with its id.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from aoc_common.contracts.directory import key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_normalizer.draft import Party

#: A Latin letter, and what is read as it after case folding: Cyrillic, Greek, Armenian and other Latin letters, digits.
_READ_AS: Final[Mapping[str, str]] = {
    "a": "\u0430\u03b1",
    "b": "\u0432\u03b2",
    "c": "\u0441\u03f2",
    "d": "\u0501\u0111",
    "e": "\u0435\u03b5",
    "g": "\u0261\u0581",
    "h": "\u04bb\u043d\u0570\u0127",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    # A capital I and a small l are the same in many typefaces.
    "l": "i\u0456\u03b9\u0131\u04cf\u01c0\u01431|",
    "m": "\u043c",
    "n": "\u03b7\u0578\u043f",
    "o": "\u043e\u03bf\u03c3\u0585\u00f80",
    "p": "\u0440\u03c1",
    "q": "\u051b\u0566",
    "r": "\u0433",
    "s": "\u0455",
    "t": "\u0442\u03c4\u0167",
    "u": "\u057d\u03c5",
    "v": "\u03bd",
    "w": "\u051d",
    "x": "\u0445\u03c7",
    "y": "\u0443\u03b3",
}
_LATIN: Final = {ord(one): latin for latin, several in _READ_AS.items() for one in several}
#: Two letters that are read as one.
_PAIRS: Final = (("rn", "m"), ("vv", "w"))
#: A display name has 256 characters at most.
_LONGEST: Final = 256


@lru_cache(maxsize=8192)
def folded(name: str) -> str:
    """A name as it is read."""
    whole = normalize("NFKD", normalize("NFKC", name[:_LONGEST]).casefold())
    letters = "".join(letter for letter in whole.translate(_LATIN) if letter.isalnum())
    for pair, one in _PAIRS:
        letters = letters.replace(pair, one)
    return letters


class ConfusableNames:
    """Tells who has an administrator's name. `administrators`: object id -> display names."""

    def __init__(self, administrators: Mapping[str, Iterable[str]]) -> None:
        ids: defaultdict[str, set[str]] = defaultdict(set)
        for one, names in administrators.items():
            for name in names:
                if read := folded(name):
                    ids[read].add(one)
        self._ids = dict(ids)

    def disambiguated(self, party: Party, object_id: str | None) -> Party:
        """The same party; one that has an administrator's name and is not surely he has its id behind it.

        `object_id`: who it is by the directory. Where two administrators share a name, both have.
        """
        if party.name is None or not self._ids or (ids := self._ids.get(folded(party.name))) is None:
            return party
        mine = object_id or party.uid
        if mine is not None and ids == {key(mine)}:
            return party
        return party._replace(name=f"{party.name} ({mine or party.upn or 'no id'})")


NO_ADMINISTRATORS: Final = ConfusableNames({})
