"""A dead letter: a message that a service gave up on, whole, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: Header of a message that was published again: the key of the dead letter that it was.
LETTER: Final = "Aoc-Letter"
#: Header of a raw page that is tried again in another slice: the id that it had (`RawPage.id`), by which the events
#: that its first try stored are known.
PAGE_BEFORE: Final = "Aoc-Page-Before"

_RETRIED: Final = "retried"


def retried_slice(tenant: str, source: str, key: str) -> str:
    """The slice in which something is tried again whose own slice is closed for good."""
    return f"{tenant}/{source}/{_RETRIED}/{key[-24:]}"


def is_retried(slice_id: str) -> bool:
    """Whether it is a `retried_slice`."""
    return f"/{_RETRIED}/" in slice_id


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be handled.

    `key` is the same however often, and by whichever replica, the message is given up. `stream` and `sequence`: where
    it stood. `source` and `slice_id` are empty where the message does not tell them; `tenant` is then `unknown`.
    `headers` and `body` are the message's own. `retry_of`: the key of an earlier letter that it claims to be a retry
    of; any publisher can claim that.
    """

    key: str
    service: str
    tenant: str
    source: str
    slice_id: str
    stream: str
    sequence: int
    subject: str
    reason: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime
    retry_of: str = ""
