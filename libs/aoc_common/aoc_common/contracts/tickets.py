"""A ticket: what stands for an alert in somebody else's system. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from aoc_common.contracts.printable import CONTROL

#: Characters.
LONGEST_TICKET: Final = 200
LONGEST_TICKET_URL: Final = 2_000
#: A system's name, which is that of the route by which it is told.
SYSTEM_PATTERN: Final = r"^[a-z0-9-]{1,40}$"
_SPACE: Final = re.compile(r"\s")


#: For how long an alert knows what its ticket told it: a message is believed from five minutes before to five after its
#: time. And so many at most.
HEARD_FOR: Final = timedelta(minutes=15)
MOST_HEARD: Final = 100


@dataclass(frozen=True, slots=True)
class TicketMessage:
    """A message by which a ticket changed an alert, by its id, and when it came."""

    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket by its id, as its system has it.

    `system`: the name of the system; None: nobody has said. `url`: where people see it, http or https. Neither is
    verified: others write them.
    """

    id: str
    url: str | None = None
    system: str | None = None

    @property
    def words(self) -> str:
        """All that is known of it, on one line."""
        return " ".join(part for part in (self.system, self.id, self.url) if part)


def check_id(text: str) -> str:
    """The id of a ticket. Raises `ValueError` for what is none."""
    plain = text.strip()
    if not 1 <= len(plain) <= LONGEST_TICKET:
        raise ValueError(f"has to have 1 to {LONGEST_TICKET} characters")
    if CONTROL.search(plain):
        raise ValueError("is no plain text: it has characters that nobody sees")
    return plain


def check_url(text: str) -> str:
    """The address of a ticket. Raises `ValueError` for what is none, or is neither http nor https."""
    if len(text) > LONGEST_TICKET_URL or CONTROL.search(text) or _SPACE.search(text):
        raise ValueError(f"has to be an address of at most {LONGEST_TICKET_URL:,} characters")
    parts = urlsplit(text)  # raises ValueError itself, for a host that is none
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("has to begin with https:// or http://, and to name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or a password")
    return text


def read(said: Any, system: str) -> Ticket | None:
    """The ticket in JSON of somebody else, `{"id": ..., "url": ...}`; None where it holds none that can be used.

    An address that cannot be used is left out: the id is what counts. A number is an id, too.
    """
    if not isinstance(said, dict):
        return None
    identity, url = said.get("id"), said.get("url")
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if not isinstance(identity, str):
        return None
    try:
        checked = check_id(identity)
    except ValueError:
        return None
    try:
        return Ticket(checked, check_url(url) if isinstance(url, str) else None, system)
    except ValueError:
        return Ticket(checked, None, system)
