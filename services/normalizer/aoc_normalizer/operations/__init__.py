"""What operations mean: OCSF class and activity, severity, and the words of the message. Tables to read and extend.

One module a service: `Create` of Exchange is not that of Dynamics. `scopes` says, from a record's workload and record
type, in which modules to look, and in which order. Operations are looked up after `key()`: trimmed, case-folded, dots
dropped, dashes and blanks made one kind, what nobody sees left out. `{target}` in a phrase is the first target, other
names (`{role}`) come from the mapper; without what it needs the meaning's other words count. An operation that no table
has is told by its own words where it is a verb and a noun (`grammar`), else as "ran <operation> on <target>".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import spelling
from aoc_normalizer.draft import INFORMATIONAL
from aoc_normalizer.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, ENTITY_MANAGEMENT, OTHER
from aoc_normalizer.operations import (
    apps,
    dynamics,
    endpoint,
    entra,
    exchange,
    files,
    grammar,
    intune,
    power_platform,
    responses,
    security,
    teams,
    viva_engage,
)
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

#: Module -> operation -> meaning. Where a record says of no service to which it belongs, the first module counts.
MODULES: Final[dict[str, dict[str, Meaning]]] = {
    "entra": entra.TABLE,
    "exchange": exchange.TABLE,
    "mailbox": exchange.MAILBOX,
    "files": files.TABLE,
    "teams": teams.TABLE,
    "power_platform": power_platform.TABLE,
    "apps": apps.TABLE,
    "security": security.TABLE,
    "intune": intune.TABLE,
    "viva_engage": viva_engage.TABLE,
    "dynamics": dynamics.TABLE,
    "endpoint": endpoint.TABLE,
    "responses": responses.TABLE,
}
_EVERYTHING: Final = tuple(MODULES)

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
_LAST_API_VERB: Final = 4
_CMDLET: Final = re.compile(r"^[A-Z][a-z]+-[A-Z]\w+$")


@lru_cache(maxsize=4096)
def is_foreign(operation: str, scope: Scope) -> bool:
    """Whether an operation has a meaning only for other services than those of a scope. `Create` is anybody's."""
    normal = key(operation)
    if scope is None or grammar.is_verb(normal):
        return False
    return _found(normal, scope) is None and _found(normal, _EVERYTHING) is not None


def is_special(operation: str) -> bool:
    """Whether an operation has anywhere a class or severity that another service's record could pretend to."""
    normal = key(operation)
    return any(
        (found := table.get(normal)) is not None
        and (found.class_uid != API_ACTIVITY or found.severity != INFORMATIONAL)
        for table in MODULES.values()
    )


def _found(normal: str, modules: tuple[str, ...]) -> Meaning | None:
    return next((found for module in modules if (found := MODULES[module].get(normal)) is not None), None)


@lru_cache(maxsize=4096)
def meaning(operation: str, scope: Scope = None) -> Meaning:
    """The meaning of an operation within a scope; for one that the tables lack, what its words say.

    Of another service's operation the verb counts alone, for an activity without a class of its own.
    """
    normal = key(operation)
    verb = _VERBS.get(normal.partition(" ")[0])
    if is_foreign(operation, scope):
        return Meaning(API_ACTIVITY, verb if verb is not None and verb <= _LAST_API_VERB else OTHER)
    found = _found(normal, _EVERYTHING if scope is None else scope) or security.of_family(normal, scope)
    if found is None:
        return _of_words(operation, verb, scope)
    if found.phrase is not None and found.otherwise is None and (words := grammar.of(operation)) is not None:
        return found._replace(otherwise=words.otherwise)
    return found


def _of_words(operation: str, verb: int | None, scope: Scope) -> Meaning:
    phrase, otherwise = grammar.of(operation) or (None, None)
    class_uid, activity_id = _of_verb(operation, verb, scope)
    return Meaning(class_uid, activity_id, INFORMATIONAL, phrase, otherwise)


def _of_verb(operation: str, verb: int | None, scope: Scope) -> tuple[int, int]:
    if verb is None:
        return API_ACTIVITY, OTHER
    if verb == _VERBS["get"]:
        return API_ACTIVITY, verb
    if _CMDLET.match(operation) or verb > _LAST_API_VERB:
        return ENTITY_MANAGEMENT, verb
    if key(operation).endswith(" user") and (scope is None or "entra" in scope):
        return ACCOUNT_CHANGE, OTHER
    return ENTITY_MANAGEMENT, verb
