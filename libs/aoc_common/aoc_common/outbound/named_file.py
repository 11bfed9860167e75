"""Files of the operator's with what is set up by name, sinks or routes: YAML, one key and a list.

Whoever has such a file is who runs the machine. What cannot be used is one line, which names the entry and its field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import yaml

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes of a file.
_LONGEST: Final = 1024**2
#: Names that are repeated; anything else may be a secret in the wrong place.
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,40}")

type Read[T] = Callable[[object, str], T]
"""Reads one entry. The text says where it stands. Raises `BadConfiguration`."""


def content(file: Path, where: str) -> bytes:
    """What is in a file. Blocks. Raises `BadConfiguration`."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_LONGEST + 1)
    except OSError as error:
        raise BadConfiguration(f"{where}: {error.strerror}") from None
    if len(text) > _LONGEST:
        raise BadConfiguration(f"{where}: longer than {_LONGEST:,} bytes")
    return text


def entries[T](text: bytes, where: str, kind: str, most: int, read: Read[T]) -> list[T]:
    """The entries of a text, `kind` and an s its only key: each of a name of its own, `most` of them at most.

    Raises `BadConfiguration`.
    """
    listed = _listed(_parsed(text, where), where, kind)
    names = [_name(entry) for entry in listed]
    labels = [f"{kind} {name or number}" for number, name in enumerate(names, 1)]
    made = [read(entry, f"{where}: {label}") for entry, label in zip(listed, labels, strict=True)]
    if doubled := next((name for name in names if name and names.count(name) > 1), None):
        raise BadConfiguration(f"{where}: {kind} {doubled} is there twice")
    if len(made) > most:
        raise BadConfiguration(f"{where}: {len(made)} {kind}s; {most} are the most")
    return made


def _parsed(text: bytes, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise BadConfiguration(f"{where}: no YAML{line}") from None


def _listed(parsed: Any, where: str, kind: str) -> list[object]:
    key = f"{kind}s"
    if not isinstance(parsed, dict) or parsed.keys() != {key} or not isinstance(parsed[key], list):
        raise BadConfiguration(f"{where}: expected `{key}:` and a list of {key}")
    return list(parsed[key])


def _name(entry: object) -> str | None:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else None
