"""What operations mean: OCSF class and activity, severity, and the words of the message. Tables to read and extend.

One module a workload. Operations are looked up after `key()`: trimmed, case-folded, dots dropped, dashes and blanks
made one kind. `{target}` in a phrase is the first target, `{role}` and other names come from the mapper; a phrase
without what it needs falls back to "ran <operation> on <target>".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from aoc_common.contracts import spelling
from aoc_normalizer.ocsf import ACCOUNT_CHANGE, API_ACTIVITY, ENTITY_MANAGEMENT, OTHER
from aoc_normalizer.operations import collaboration, entra, exchange, files, intune, security
from aoc_normalizer.operations.base import Meaning

_DASHES: Final = re.compile(r"[\s\u2010-\u2015\u2212_-]+")


@lru_cache(maxsize=4096)
def key(operation: str) -> str:
    """How an operation is looked up."""
    return _DASHES.sub(" ", operation.replace(".", " ").casefold()).strip()


#: How an operation is stored and shown.
shown: Final = lru_cache(maxsize=4096)(spelling.operation)

TABLE: Final[dict[str, Meaning]] = {
    **entra.TABLE,
    **exchange.TABLE,
    **files.TABLE,
    **collaboration.TABLE,
    **security.TABLE,
    **intune.TABLE,
}

_VERBS: Final = {
    "add": 1,
    "new": 1,
    "create": 1,
    "invite": 1,
    "get": 2,
    "search": 2,
    "view": 2,
    "read": 2,
    "export": 2,
    "list": 2,
    "set": 3,
    "update": 3,
    "patch": 3,
    "change": 3,
    "edit": 3,
    "assign": 3,
    "start": 3,
    "stop": 3,
    "remove": 4,
    "delete": 4,
    "purge": 4,
    "enable": 8,
    "disable": 9,
}
_PAST: Final = {
    "add": "added",
    "create": "created",
    "delete": "deleted",
    "remove": "removed",
    "set": "set",
    **dict.fromkeys(("update", "patch", "change", "edit"), "changed"),
}
#: `Create DeviceCompliancePolicy`, as Intune names what it does.
_VERB_AND_NOUN: Final = re.compile(r"^([A-Za-z]+) ([A-Z][A-Za-z]+)$")
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LAST_API_VERB: Final = 4
_CMDLET: Final = re.compile(r"^[A-Z][a-z]+-[A-Z]\w+$")


@lru_cache(maxsize=4096)
def meaning(operation: str) -> Meaning:
    """The meaning of an operation; for one that the table lacks, what its verb says."""
    normal = key(operation)
    found = TABLE.get(normal)
    if found is not None:
        return found
    verb = _VERBS.get(normal.partition(" ")[0])
    if verb is None:
        return Meaning(API_ACTIVITY, OTHER)
    if verb == _VERBS["get"]:
        return Meaning(API_ACTIVITY, verb)
    if _CMDLET.match(operation) or verb > _LAST_API_VERB:
        return Meaning(ENTITY_MANAGEMENT, verb)
    if normal.endswith(" user"):
        return Meaning(ACCOUNT_CHANGE, OTHER)
    return Meaning(ENTITY_MANAGEMENT, verb, phrase=_phrase(operation))


def _phrase(operation: str) -> str | None:
    """`created device compliance policy {target}`, where an operation is a verb and a noun."""
    found = _VERB_AND_NOUN.match(operation)
    past = _PAST.get(found[1].casefold()) if found else None
    return f"{past} {_WORDS.sub(' ', found[2]).lower()} {{target}}" if found and past else None
