"""What a request is called: in its answer, in every line of the log and in its span."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

if TYPE_CHECKING:
    from starlette.datastructures import Headers

REQUEST: Final = "X-Request-Id"
#: What a caller calls a piece of work that takes several requests, perhaps of several services.
CORRELATION: Final = "X-Correlation-Id"
#: Ids as programs make them. Nothing that a log, a terminal or a header would take for more than a name.
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


@dataclass(frozen=True, slots=True)
class RequestIds:
    """`request`: ours, made anew for each. `correlation`: the caller's, or the same as ours."""

    request: str
    correlation: str

    def named(self) -> dict[str, str]:
        """As the log names them."""
        return {"request_id": self.request, "correlation_id": self.correlation}


def ids_of(headers: Headers) -> RequestIds:
    """The ids of a request. One of a caller that is none, or one of several, is replaced."""
    ours, sent = uuid4().hex, headers.getlist(CORRELATION)
    theirs = sent[0] if len(sent) == 1 and _ID.fullmatch(sent[0]) else ours
    return RequestIds(ours, theirs)
