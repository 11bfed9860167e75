"""What PowerShell prints in place of objects: `@{errorCode=0; ...}`, or no more than the name of their type.

ConvertTo-Json does it with what lies deeper than its `-Depth` (two levels by default), Export-Csv with every object.
What is printed has lost what lies in it, so such a record is not whole.

Source: Microsoft's documentation of ConvertTo-Json and Export-Csv.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of names of types those that no service writes into a record; `Microsoft.Compute` is a resource provider.
_TYPES: Final = re.compile(
    rb'["=](?:System\.(?:Object\[\]|Collections\.|Management\.Automation\.)|Deserialized\.\w+\.'
    rb"|Microsoft\.(?:Graph\.(?:Beta\.)?PowerShell\.Models\.|Open\.(?:AzureAD|MSGraph)\.|Azure\.(?:Commands|PowerShell)\.\w+\.|Exchange\.Data\.\w+\.))"
)
_OBJECTS: Final = re.compile(rb'"@\{\w+=')
_TYPE: Final = re.compile(
    r"^(?:System|Microsoft|Deserialized)(?:\.[A-Za-z0-9_]{1,80}){1,12}(?:`\d\[[\w.,]{0,200}\]|\[\])?$"
)
#: `@{errorCode=0; failureReason=Other.}`: an object that PowerShell has made a text of.
_HASH: Final = re.compile(r"(?:^@\{|; )([A-Za-z][\w.@]{0,63})=")
#: Levels of a record in which printed objects are looked for; PowerShell prints what lies deeper than a few.
_LEVELS: Final = 8
_NESTED: Final = frozenset({dict, list})


def is_cut(record: Mapping[str, Any], raw: bytes) -> bool:
    """Whether something of a record is lost, since PowerShell has printed it. `raw`: its JSON text.

    `@{...}` in a member of its own has all that the object had; inside of an object it stands for what was too deep.
    """
    # Every record is asked; four searches for bytes cost less than a loop over them.
    if b'"@{' not in raw and b"System." not in raw and b"Microsoft." not in raw and b"Deserialized." not in raw:
        return False
    if _TYPES.search(raw):
        return True
    return not _NESTED.isdisjoint(map(type, record.values())) and _OBJECTS.search(raw) is not None


def is_type(text: str) -> bool:
    """Whether a text is the name of a type, and nothing of what the object holds."""
    return _TYPE.match(text) is not None


def of_hash(text: str) -> dict[str, Any]:
    """`@{a=1; b=c}`. A value that holds `; b=` itself cannot be told from one that ends there."""
    marks = list(_HASH.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text.removesuffix("}"))]
    return {mark[1]: text[mark.end() : end] for mark, end in zip(marks, ends, strict=False)}


def expanded(record: dict[str, Any]) -> dict[str, Any]:
    """A record with the objects that were printed inside of its members. Members themselves are texts of a row."""
    return {
        name: _inside(value, _LEVELS) if isinstance(value, (dict, list)) else value for name, value in record.items()
    }


def _inside(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        if value.startswith("@{") and value.endswith("}"):
            return of_hash(value)
        return None if is_type(value) else value
    if levels == 0:
        return value
    if isinstance(value, list):
        return [_inside(item, levels - 1) for item in value]
    if isinstance(value, dict):
        return {name: _inside(item, levels - 1) for name, item in value.items()}
    return value
