"""Why MongoDB cannot be used, in one short line that names what to look at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError

if TYPE_CHECKING:
    from pymongo.errors import PyMongoError

_SETTING: Final = "AOC_MONGO__URI"
#: What the driver adds: its own options, and what it thinks of every server, at length.
_ADDED: Final = re.compile(r" \(configured timeouts|, Timeout: |, Topology Description: |, full error: ")
#: Of a list of servers the driver tells one after the other, and with each why.
_SERVER: Final = re.compile(r"(?P<host>[^\s,]+:\d+): (?P<why>.+)")
_NUMBER: Final = re.compile(r"\[Errno -?\d+\] ")
_LONGEST: Final = 200
#: Unauthorized, AuthenticationFailed.
_NOT_ALLOWED: Final = 13
_NOT_KNOWN: Final = 18


def why_unavailable(error: PyMongoError) -> str | None:
    """What hinders every operation alike: no server, or one that does not take us. None for any other error."""
    if isinstance(error, OperationFailure):
        if error.code == _NOT_KNOWN:
            return f"MongoDB: authentication failed ({_SETTING}: user, password, authSource)"
        if error.code == _NOT_ALLOWED:
            text = _ADDED.split(str(error))[0].split(" to execute command")[0]
            return f"MongoDB: {text[:_LONGEST]} ({_SETTING}: the user and its roles)"
        return None
    if isinstance(error, AutoReconnect):
        text = _NUMBER.sub("", _ADDED.split(str(error))[0])
        if match := _SERVER.fullmatch(text):
            return f"MongoDB at {match['host']}: {match['why'][:_LONGEST]} ({_SETTING})"
        if isinstance(error, ServerSelectionTimeoutError):
            return f"MongoDB: {text[:_LONGEST]} ({_SETTING})"
    return None
