"""The two ways in which work can fail, and their leaves.

`Transient` may succeed when tried again; `Permanent` never will. Code raises one of them; only `bus.policy`
decides what that means for a message (a delayed redelivery, or the dead letter stream).
"""

from __future__ import annotations


class AocError(Exception):
    """Base of every error that this project raises on purpose."""


class Transient(AocError):  # noqa: N818  # the field's term for it; `TransientError` says nothing more
    """Worth trying again. `retry_after` is in seconds where the other side named it."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(AocError):  # noqa: N818
    """Will fail again however often it is tried."""


class Unreachable(Transient):
    """A server did not answer, broke the connection or answered 5xx."""


class TimedOut(Transient):
    """A server stopped working on what took longer than it may. Asking for less would do."""


class Throttled(Transient):
    """The other side asked us to slow down."""


class Postponed(Transient):
    """Nothing failed: the work is wanted later. `retry_after` says when."""


class Unfinished(Postponed):
    """Of a batch, these messages are wanted later (`undone`: their places in it); the others are handled."""

    def __init__(self, message: str, undone: frozenset[int] = frozenset(), *, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.undone = undone


class Backpressure(Transient):
    """A stream is full and refuses a publish. Nothing is dropped: the publisher keeps its place and waits."""


class TooLarge(Transient):
    """A message is larger than its stream takes at this moment.

    The limit has changed since it was made: made anew, and cut by the present one, it fits.
    """


class Malformed(Permanent):
    """Input that cannot be read."""


class Unreadable(Malformed):
    """A message that this version cannot read: given up also where other permanent errors are tried again."""


class Refused(Permanent):
    """The other side understood the request and will not serve it.

    `status` is the HTTP status; `code` is the other side's own error code, e.g. `AF20030`.
    """

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NotFound(Permanent):
    """What was asked for does not exist (or not for this tenant)."""


class BadConfiguration(Permanent):
    """A setting is wrong. Stops a start with one line that names it."""
