"""What can go wrong with a request to the gateway. No message has a secret in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.errors import AocError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.gateway.events import FieldError


class GatewayError(AocError):
    """Base of all of them."""


class Disconnected(GatewayError):  # noqa: N818  # what happened
    """The gateway did not answer in time, or the connection broke; it was tried again as often as may be."""


class Unexpected(GatewayError):  # noqa: N818  # the same
    """The answer is none of a gateway's: something else listens there, or it is of another version."""


class NotVerified(GatewayError):  # noqa: N818  # the same
    """An export came in full, and its count or its digest is not what the gateway has noted of it."""


class ExportFailed(GatewayError):  # noqa: N818  # the same
    """The gateway could not make an export in the background. The text says why, and what to do."""


class Problem(GatewayError):  # noqa: N818  # RFC 9457's term
    """A problem that the gateway answered with (RFC 9457).

    - `type`: its kind, e.g. `invalid-parameters`. `status`: of HTTP. `title`: the kind in words.
    - `detail`: what was wrong this time. `errors`: the parameters that are wrong.
    - `advice`: what to do about problems of this kind; empty when the gateway could not be asked.
    - `request_id`: by which the gateway's log and audit trail know the request.
    - `retry_after`: seconds after which it may be asked again, where it said so.
    """

    def __init__(
        self,
        kind: str,
        status: int,
        title: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        advice: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        faults = "".join(f" {error.name}: {error.detail}." for error in errors)
        # Details end with their own full stop, and errors may not.
        super().__init__(f"{detail}{faults.replace('..', '.')}" + (f" (request {request_id})" if request_id else ""))
        self.type = kind
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.advice = advice
        self.request_id = request_id
        self.retry_after = retry_after


class Invalid(Problem):
    """400, 413, 422 and the like: the request is wrong, and will be however often it is sent."""


class NotSignedIn(Problem):
    """401: no token or key, or one that is none, has ended or was revoked."""


class NotAllowed(Problem):
    """403: it is known who asks, and he may not."""


class Absent(Problem):
    """404: it is not there, or not for who asks."""


class Conflict(Problem):
    """409, 412, 428: it does not go with what there is now; somebody else has changed it, say."""


class TooOften(Problem):
    """429: and it still was after waiting as long as may be."""


class Unavailable(Problem):
    """500 and above: the gateway or something that it needs does not work now."""


_OF_STATUS: Final[dict[int, type[Problem]]] = {
    401: NotSignedIn,
    403: NotAllowed,
    404: Absent,
    409: Conflict,
    412: Conflict,
    428: Conflict,
    429: TooOften,
}
_FAULTS: Final = 500


def class_of(status: int) -> type[Problem]:
    """The class of a problem with this status."""
    return _OF_STATUS.get(status, Unavailable if status >= _FAULTS else Invalid)
