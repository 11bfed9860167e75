"""Rules as files: of a file, a folder, a Git checkout or a zip. Everything is bounded, and nothing is unpacked."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from aoc_common.errors import BadConfiguration
from aoc_common.gateway.rules import LONGEST_TEXT, RuleOverlay
from aoc_rules.attributes import attributes_of
from aoc_rules.catalogue import checked, documents_of
from aoc_rules.exceptions import exceptions_of
from aoc_rules.library import identity_of
from aoc_rules.sigma.bounds import DOCUMENT_BYTES
from aoc_rules.sigma.faults import RuleRefused
from aoc_rules.sigma.yaml_documents import documents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sigma.correlations import SigmaCorrelationRule
    from sigma.rule import SigmaRule

    from aoc_common.store.rules import RuleException

_SUFFIXES: Final = (".yml", ".yaml")
#: Files that are read, and bytes of all of them.
_MOST_FILES: Final = 10_000
_MOST_BYTES: Final = 64 * 1024 * 1024
#: The file of an export that says what is not a matter of a rule's text.
OVERLAYS: Final = "overlays.yml"
_OVERLAY_KEYS: Final = ("attributes", "enabled", "severity")
_FILTER: Final = re.compile(r"^filter:", re.MULTILINE)
#: Faults of one file that are told.
_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule of a file. `where`: its file."""

    id: str
    text: str
    where: str
    sigma: SigmaRule | SigmaCorrelationRule = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Files:
    """What files say. `overlays`: rule -> what `_OVERLAY_KEYS` names. `faults`: file, and what is wrong in it."""

    rules: dict[str, FileRule] = field(default_factory=dict)
    exceptions: dict[str, tuple[RuleException, ...]] = field(default_factory=dict)
    overlays: dict[str, dict[str, object]] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)


def read_files(path: Path, author: str, now: datetime) -> Files:
    """All rules of a path. Raises `BadConfiguration` for one that is not there, or is too large."""
    found = Files()
    for name, content in _contents(path):
        try:
            text = content.decode("utf-8-sig").replace("\r\n", "\n")
            if Path(name).name == OVERLAYS:
                found.overlays.update(_overlays(text, name))
            else:
                _read(found, text, name, author, now)
        except RuleRefused as error:
            told = error.faults[:_MOST_TOLD]
            found.faults.append((name, "; ".join(_located(one.place, one.reason) for one in told)))
        except ValueError as error:
            found.faults.append((name, f"cannot be read: {error}"))
    return found


def read_text(path: Path) -> str:
    """The text of one rule. Raises `BadConfiguration` for a file that is none."""
    try:
        text = _head(path).decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: cannot be read: {error}") from None
    if len(text) > LONGEST_TEXT:
        raise BadConfiguration(f"{path}: {_too_long(text)}")
    return text


def _read(found: Files, text: str, name: str, author: str, now: datetime) -> None:
    for number, document in enumerate(documents_of(text)):
        if _FILTER.search(document):
            for rule, exceptions in exceptions_of(document, name, author, now).items():
                lasting = [one for one in exceptions if one.holds(now)]
                held = found.exceptions.get(rule, ())
                if twice := {one.id for one in held} & {one.id for one in lasting}:
                    found.faults.append((name, f"another file has an exception with the id {min(twice)}, too"))
                elif lasting:
                    found.exceptions[rule] = (*held, *lasting)
            continue
        where = name if number == 0 else f"{name}, document {number + 1}"
        sigma = checked(document, where)
        identity = identity_of(sigma)
        if sigma.id is None:
            found.faults.append((where, "id: a rule needs an id, a UUID"))
        elif len(document) > LONGEST_TEXT:
            found.faults.append((where, _too_long(document)))
        elif identity in found.rules:
            found.faults.append((where, f"the id {identity} is that of {found.rules[identity].where}, too"))
        else:
            found.rules[identity] = FileRule(identity, document, where, sigma)


def _overlays(text: str, name: str) -> dict[str, dict[str, object]]:
    held = {str(rule): said for document in documents(text, name) for rule, said in document.items()}
    for rule, said in held.items():
        if not isinstance(said, dict) or not said.keys() <= frozenset(_OVERLAY_KEYS):
            raise ValueError(f"{rule}: expected {' and '.join(_OVERLAY_KEYS)}")
        try:
            RuleOverlay.model_validate(said)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ValueError(f"{rule}: {first['loc'][0]}: {first['msg']}") from None
        _check_attributes(rule, said.get("attributes", {}))
        if "attributes" in said:  # as a gateway tells of them: days are texts there
            said["attributes"] = json.loads(json.dumps(said["attributes"], default=str))
    return held


def _check_attributes(rule: str, said: dict[str, object]) -> None:
    """Raises `ValueError` for what no rule may say, whatever it says beside."""
    try:
        attributes_of(rule, {"aoc": {name: value for name, value in said.items() if value is not None}})
    except RuleRefused as error:
        fault = error.faults[0]
        raise ValueError(f"{rule}: {_located(fault.place, fault.reason)}") from None


def _too_long(text: str) -> str:
    return f"{len(text):,} characters; a gateway takes a rule of at most {LONGEST_TEXT:,}"


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    count = size = 0
    for name, content in _each(path):
        count, size = count + 1, size + len(content)
        if count > _MOST_FILES or size > _MOST_BYTES:
            raise BadConfiguration(f"{path}: more than {_MOST_FILES:,} files or {_MOST_BYTES:,} bytes of rules")
        yield name, content


def _each(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            inner = file.relative_to(path)
            if file.suffix in _SUFFIXES and file.is_file() and not _is_hidden(inner):
                yield str(inner), _head(file)
    elif not path.is_file():
        raise BadConfiguration(f"{path}: there is no such file or folder")
    elif zipfile.is_zipfile(path):
        yield from _of_zip(path)
    else:
        yield path.name, _head(path)


def _of_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names of members are only shown; of each no more is unpacked than a rule may have, whatever it says of itself."""
    name = ""
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > 10 * _MOST_FILES:
                raise BadConfiguration(f"{path}: more than {10 * _MOST_FILES:,} members")
            for member in archive.infolist():
                inner = PurePosixPath(member.filename)
                if member.is_dir() or inner.suffix not in _SUFFIXES or _is_hidden(inner):
                    continue
                name = member.filename[:200]
                if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                    raise BadConfiguration(f"{path}: {name}: is compressed in a way that is not read")
                with archive.open(member) as file:
                    content = file.read(DOCUMENT_BYTES + 1)
                yield member.filename, content
    except (RuntimeError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:  # e.g. with a password
        raise BadConfiguration(f"{path}: {name}: {error}") from None


def _is_hidden(inner: PurePath) -> bool:
    """Whether a file is not a rule's by its name: of Git, of a workflow, of a Mac's archive."""
    return any(part.startswith(".") and part != ".." for part in inner.parts)


def _head(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(DOCUMENT_BYTES + 1)


def _located(place: str, reason: str) -> str:
    return f"{place}: {reason}" if place else reason
