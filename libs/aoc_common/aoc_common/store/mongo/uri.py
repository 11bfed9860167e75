"""Connection strings: checked before the driver sees them, so that no message has a part of a password in it.

What is wrong with one is mostly a password that was not percent-encoded. The driver then takes a part of it for a host,
a port, a database or an option, and names that part: in its error, or later whenever that host does not answer.
"""

from __future__ import annotations

import re
from typing import Final

from aoc_common.errors import BadConfiguration

_SETTING: Final = "AOC_MONGO__URI"
_HOST: Final = r"(?:\[[^\]@/?]+\]|[\w.%-]+)(?::\d{1,5})?"
_OPTIONS: Final = r"[A-Za-z]+=[^@&;]*(?:[&;][A-Za-z]+=[^@&;]*)*[&;]?"
#: An `@` stands before the hosts and nowhere else.
_FORM: Final = re.compile(
    rf"mongodb(?:\+srv)?://(?:[^@/?]*@)?{_HOST}(?:,{_HOST})*(?:/[^@?]*)?(?:\?(?P<options>{_OPTIONS})?)?"
)
#: Options whose values are secrets.
_SECRET: Final = re.compile(r"(?i)password|properties|token")
_HINT: Final = (
    "is no connection string like mongodb://user:password@host:27017/?authSource=admin "
    "(in user, password and options, / ? # [ ] @ : and % are written %2F %3F %23 %5B %5D %40 %3A %25)"
)


def check(uri: str) -> None:
    """Raise `BadConfiguration` for what has not the form of a connection string."""
    if _FORM.fullmatch(uri) is None:
        raise BadConfiguration(f"{_SETTING}: {_HINT}")


def has_secret_options(uri: str) -> bool:
    """Whether an option of it is a secret, so that what the driver says of its options may be a part of one."""
    form = _FORM.fullmatch(uri)
    return form is None or _SECRET.search(form["options"] or "") is not None


def refused(uri: str, error: Exception) -> BadConfiguration:
    """Why the driver does not take a connection string that has passed `check`; its words where they are safe."""
    if has_secret_options(uri):
        return BadConfiguration(f"{_SETTING}: {_HINT}, or an option of it is wrong")
    return BadConfiguration(f"{_SETTING}: {error}")
