"""Credentials of an application: what a change of its `KeyDescription` added and removed, in words.

Entra writes each as `[KeyIdentifier=..., KeyType=Password, KeyUsage=Verify, DisplayName=backup]`, in a list before and
one after the change.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_normalizer.draft import Change

_PROPERTY: Final = "keydescription"
_TYPE: Final = re.compile(r"KeyType=(\w{1,40})")
_NAME: Final = re.compile(r"DisplayName=([^\]]{1,80})")
_TYPES: Final = {
    "password": "a password",
    "asymmetricx509cert": "a certificate",
    "x509certanddpkcs12": "a certificate",
    "symmetric": "a key",
}
#: Credentials that are named, and looked at.
_NAMED: Final = 3
_MOST: Final = 50


def described(changes: Iterable[Change]) -> str | None:
    """`adding a password (backup) and removing a certificate`; None where no credential changed."""
    for change in changes:
        if change.name.casefold() == _PROPERTY:
            old, new = _listed(change.old), _listed(change.new)
            parts = [
                f"{verb} {' and '.join(_worded(key) for key in keys[:_NAMED])}"
                for verb, keys in (
                    ("adding", [key for key in new if key not in old]),
                    ("removing", [key for key in old if key not in new]),
                )
                if keys
            ]
            return " and ".join(parts) or None
    return None


def _listed(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [text for item in islice(listed, _MOST) if (text := values.text(item)) is not None]


def _worded(key: str) -> str:
    kind, name = _TYPE.search(key), _NAME.search(key)
    what = _TYPES.get(kind[1].casefold(), "a credential") if kind else "a credential"
    return f"{what} ({name[1].strip()})" if name and name[1].strip() else what
