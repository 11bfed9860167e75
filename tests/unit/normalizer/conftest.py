"""The official OCSF schema, compiled once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.contracts.event import Event


@cache
def _schema() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))


@cache
def _validator(class_uid: int) -> Draft202012Validator:
    name = _schema().lookup_class_name_from_uid(class_uid=class_uid)
    return Draft202012Validator(_schema().get_class_schema(class_name=name, profiles=["cloud"]))


@pytest.fixture(scope="session")
def ocsf_faults() -> Callable[[Event], list[str]]:
    """What the official schema says against the event as it leaves the system; empty when it is valid."""

    def faults(event: Event) -> list[str]:
        whole: Any = orjson.loads(event.message())
        return [
            f"{'/'.join(str(step) for step in error.absolute_path)}: {error.message[:200]}"
            for error in _validator(event.class_uid).iter_errors(whole)
        ]

    return faults
