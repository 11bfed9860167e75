"""YAML of somebody else's as documents: bounded in size, depth and number, and without a key twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from aoc_rules.sigma import bounds
from aoc_rules.sigma.faults import Fault, RuleRefused

if TYPE_CHECKING:
    from collections.abc import Hashable

_BASE: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]  # its base is chosen at run time
    """Safe, and strict about keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """A map. Raises `yaml.YAMLError` for a key that it has twice: YAML would keep the last and drop the first."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = getattr(key, "value", None)
            if isinstance(name, str) and name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {name[:100]!r} twice", key.start_mark)
            if isinstance(name, str):
                seen.add(name)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


def documents(text: str | bytes, name: str) -> list[dict[str, Any]]:
    """The YAML documents of a file of rules; empty ones are passed over.

    `name` stands for the file in what is raised. Raises `RuleRefused` for what is no YAML, not a map, too large or too
    deep, with the line where the parser says it.
    """
    size = len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else len(text)
    if size > bounds.DOCUMENT_BYTES:
        raise _refused(name, f"{size:,} bytes of YAML; at most {bounds.DOCUMENT_BYTES:,} are taken")
    try:
        _check_events(text, name)
        found = [document for document in yaml.load_all(text, _Loader) if document is not None]  # safe
    except yaml.YAMLError as error:
        raise _refused(name, _reason(error)) from None
    except (ValueError, RecursionError, OverflowError) as error:  # e.g. a date that is none, brackets without end
        raise _refused(name, f"no YAML that can be read: {error}") from None
    for number, document in enumerate(found, 1):
        if not isinstance(document, dict):
            raise _refused(name, f"document {number} is a {type(document).__name__}; a rule is a map")
    return found


def _check_events(text: str | bytes, name: str) -> None:
    """Before anything is made of it: the number of documents and their depth, and no anchors.

    A few lines of anchors make gigabytes. Raises `RuleRefused`, and `yaml.YAMLError` for what is no YAML.
    """
    count = depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent):
            mark = event.start_mark
            line = f", line {mark.line + 1}" if mark is not None else ""
            raise _refused(name, f"anchors and aliases (`&`, `*`) are not taken{line}")
        count += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if count > bounds.DOCUMENTS:
            raise _refused(name, f"more than {bounds.DOCUMENTS:,} documents in one file")
        if depth > bounds.DEPTH:
            raise _refused(name, f"document {count} is deeper than {bounds.DEPTH} maps and lists")


def _reason(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"no YAML that can be read: {problem}" + (f", line {mark.line + 1}" if mark is not None else "")


def _refused(name: str, reason: str) -> RuleRefused:
    return RuleRefused([Fault(name, "", reason)])
