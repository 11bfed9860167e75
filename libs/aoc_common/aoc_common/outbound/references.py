"""Secrets of a destination: its settings hold references, and what may be referred to is the operator's to say."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from aoc_common.errors import BadConfiguration
from aoc_common.settings import resolve_secret


@dataclass(frozen=True, slots=True)
class SecretPlaces:
    """What may be referred to: variables that begin with `prefix`, files below `directories`.

    `setting`: the variable by which the operator names the directories.
    """

    prefix: str
    directories: tuple[Path, ...]
    setting: str


def resolved(model: type[BaseModel], options: Mapping[str, Any], allowed: SecretPlaces, where: str) -> dict[str, Any]:
    """Options of a kind of destination with secrets instead of references. Raises `BadConfiguration`."""
    given = dict(options)
    for name, field in model.model_fields.items():
        if name not in given or given[name] is None:
            continue
        kinds = _kinds(field.annotation)
        place = f"{where}.{name}"
        if SecretStr in kinds:
            given[name] = secret(given[name], allowed, place)
        elif any(_is_secrets(kind) for kind in kinds) and isinstance(given[name], Mapping):
            given[name] = {key: secret(one, allowed, f"{place}.{key}") for key, one in given[name].items()}
        elif (inner := _model(kinds)) is not None and isinstance(given[name], Mapping):
            given[name] = resolved(inner, given[name], allowed, place)
    return given


def secret(reference: object, allowed: SecretPlaces, where: str) -> str:
    """What a reference leads to. Raises `BadConfiguration`, which repeats nothing that may be a secret itself."""
    kind, _, name = reference.partition(":") if isinstance(reference, str) else ("", "", "")
    if kind == "env" and name.startswith(allowed.prefix):
        return resolve_secret(f"env:{name}", where)
    if kind == "env":
        raise BadConfiguration(f"{where}: env: names of variables begin with {allowed.prefix}")
    if kind == "file" and within(Path(name), allowed.directories):
        return resolve_secret(f"file:{name}", where)
    if kind == "file":
        listed = ", ".join(map(str, allowed.directories)) or "none"
        raise BadConfiguration(f"{where}: file: has to be in one of {allowed.setting} ({listed})")
    raise BadConfiguration(f"{where}: must be a reference: env:NAME or file:PATH")


def within(path: Path, directories: tuple[Path, ...]) -> bool:
    """Whether a path leads into one of these directories, whatever links and `..` there are in it."""
    real = path.resolve()
    return path.is_absolute() and any(real.is_relative_to(directory.resolve()) for directory in directories)


def _kinds(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _is_secrets(kind: object) -> bool:
    return isinstance(get_origin(kind), type) and get_args(kind)[-1:] == (SecretStr,)


def _model(kinds: tuple[object, ...]) -> type[BaseModel] | None:
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
