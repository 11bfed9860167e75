"""What operations mean: OCSF class and activity, severity, and the words of the message. Tables to read and extend.

One module a workload; `scopes` says whose records can carry which. Operations are looked up after `key()`: trimmed,
case-folded, dots dropped, dashes and blanks made one kind, what nobody sees left out. `{target}` in a phrase is the
first target, `{role}` and other names come from the mapper; a phrase without what it needs falls back to "ran
<operation> on <target>".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling
from aoc_normalizer.draft import INFORMATIONAL
from aoc_normalizer.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, ENTITY_MANAGEMENT, OTHER
from aoc_normalizer.operations import collaboration, entra, exchange, files, intune, security
from aoc_normalizer.operations.base import Meaning

if TYPE_CHECKING:
    from aoc_normalizer.operations.scopes import Scope

_DASHES: Final = re.compile(r"[\s\u2010-\u2015\u2212_-]+")


@lru_cache(maxsize=4096)
def key(operation: str) -> str:
    """How an operation is looked up."""
    return _DASHES.sub(" ", spelling.folded(operation).replace(".", " ").casefold()).strip()


#: How an operation is stored and shown.
shown: Final = lru_cache(maxsize=4096)(spelling.operation)

_MODULES: Final = {
    "entra": entra.TABLE,
    "exchange": exchange.TABLE,
    "files": files.TABLE,
    "collaboration": collaboration.TABLE,
    "security": security.TABLE,
    "intune": intune.TABLE,
}
TABLE: Final[dict[str, Meaning]] = {key: found for table in _MODULES.values() for key, found in table.items()}

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
def is_foreign(operation: str, scope: Scope) -> bool:
    """Whether an operation has a meaning only for other services than those of a scope."""
    normal = key(operation)
    return scope is not None and normal in TABLE and all(normal not in _MODULES[module] for module in scope)


def is_special(operation: str) -> bool:
    """Whether an operation's own meaning has a class or severity that another service's record could pretend to."""
    found = TABLE.get(key(operation))
    return found is not None and (found.class_uid != API_ACTIVITY or found.severity != INFORMATIONAL)


@lru_cache(maxsize=4096)
def meaning(operation: str, scope: Scope = None) -> Meaning:
    """The meaning of an operation within a scope; for one that the tables lack, what its verb says.

    Of another service's operation the verb counts alone, for an activity without a class of its own.
    """
    normal = key(operation)
    verb = _VERBS.get(normal.partition(" ")[0])
    if is_foreign(operation, scope):
        return Meaning(API_ACTIVITY, verb if verb is not None and verb <= _LAST_API_VERB else OTHER)
    return TABLE.get(normal) or _of_verb(operation, verb, scope)


def _of_verb(operation: str, verb: int | None, scope: Scope) -> Meaning:
    normal = key(operation)
    if verb is None:
        return Meaning(API_ACTIVITY, OTHER)
    if verb == _VERBS["get"]:
        return Meaning(API_ACTIVITY, verb)
    if _CMDLET.match(operation) or verb > _LAST_API_VERB:
        return Meaning(ENTITY_MANAGEMENT, verb)
    if normal.endswith(" user") and (scope is None or "entra" in scope):
        return Meaning(ACCOUNT_CHANGE, OTHER)
    return Meaning(ENTITY_MANAGEMENT, verb, phrase=_phrase(operation))


def _phrase(operation: str) -> str | None:
    """`created device compliance policy {target}`, where an operation is a verb and a noun."""
    found = _VERB_AND_NOUN.match(operation)
    past = _PAST.get(found[1].casefold()) if found else None
    return f"{past} {_WORDS.sub(' ', found[2]).lower()} {{target}}" if found and past else None
