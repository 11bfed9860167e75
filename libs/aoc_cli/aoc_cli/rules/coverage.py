"""Which techniques of ATT&CK rules look for, as a layer of the ATT&CK Navigator (format 4.5)."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TECHNIQUE: Final = re.compile(r"(?:attack\.)?(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)
#: Rules of one technique from which on it has the full colour, and titles that are named.
_FULL: Final = 5
_NAMED: Final = 20


def techniques(rules: Iterable[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
    """Technique -> titles of the rules that look for it. `rules`: title and tags."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for title, tags in rules:
        for match in filter(None, (_TECHNIQUE.fullmatch(tag) for tag in tags)):
            found[match[1].upper()].append(title)
    return dict(sorted(found.items()))


def layer(found: dict[str, list[str]], name: str) -> dict[str, Any]:
    """The layer: how many rules look for each technique, and which."""
    return {
        "name": name,
        "versions": {"layer": "4.5", "navigator": "5.1.0", "attack": "17"},
        "domain": "enterprise-attack",
        "description": "Techniques that rules of AOC look for, by the number of rules.",
        "filters": {"platforms": ["SaaS", "IaaS", "Identity Provider", "Office Suite"]},
        "sorting": 3,
        "hideDisabled": False,
        "techniques": [
            {
                "techniqueID": technique,
                "score": len(titles),
                "comment": "\n".join(sorted(titles)[:_NAMED]),
                "enabled": True,
                "showSubtechniques": "." in technique,
            }
            for technique, titles in found.items()
        ],
        "gradient": {"colors": ["#ffe9c7", "#2f9e6e"], "minValue": 0, "maxValue": _FULL},
        "legendItems": [],
    }
