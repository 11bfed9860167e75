"""Microsoft's errors: how they are read, which mean throttling, and of what class a failure is.

Sources: entra-docs, reference-error-codes.md; graph-docs, errors.md and resource-error-codes.md;
office-365-management-activity-api-reference.md, "Errors".
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

import orjson

from aoc_common.contracts.troubles import UNREADABLE, Trouble
from aoc_common.errors import BadConfiguration, Refused, Throttled, Unreachable
from aoc_common.http import plain, too_many_requests

_AADSTS: Final = re.compile(r"^(AADSTS\d+)")
#: The Management API throttles with 403, too.
_THROTTLED: Final = "AF429"
#: Texts of errors for a tenant without the licence; compared in lower case.
_NOT_LICENSED: Final = (
    "nonpremiumtenant",
    "premium license",
    "premium licence",
    "premiumlicense",
    "not licensed",
    "not have a valid license",
    "tenant is not provisioned",
    "no valid license",
)
#: AF20023: the subscription was disabled. AF20022: there is none.
_DISABLED: Final = frozenset({"AF20022", "AF20023"})
_NO_PERMISSION: Final = frozenset({"AF10001"})


def read_error(body: bytes) -> tuple[str, str]:
    """Code and message of an error body of Graph, of the Management API or of the token endpoint; empty if unread."""
    try:
        document: Any = orjson.loads(plain(body))
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    error = document.get("error")
    if isinstance(error, dict):
        return str(error.get("code") or ""), str(error.get("message") or "")
    if isinstance(error, str):
        text = str(document.get("error_description") or "")
        aadsts = _AADSTS.match(text)
        return (aadsts[1] if aadsts else error), text
    return str(document.get("code") or ""), str(document.get("Message") or document.get("message") or "")


def throttles(status: int, code: str) -> bool:
    """Whether an answer asks for fewer requests."""
    return too_many_requests(status, code) or (status == HTTPStatus.FORBIDDEN and code == _THROTTLED)


def classify(error: BaseException) -> Trouble:
    """The class of a failure. The cause of an error counts where it is more specific."""
    match error:
        case Refused():
            return _refused(error)
        case Throttled():
            return Trouble.THROTTLED
        case BadConfiguration():
            # At run time it is the secret or the certificate that cannot be read.
            return Trouble.CREDENTIALS
        case Unreachable():
            return classify(error.__cause__) if isinstance(error.__cause__, Refused) else Trouble.UNREACHABLE
    return Trouble.OTHER


def code_of(error: BaseException) -> str:
    """Microsoft's own code of a failure, `UNREADABLE` of a credential that cannot be read; else empty."""
    if isinstance(error, BadConfiguration):
        return UNREADABLE
    if isinstance(error, Refused):
        return error.code
    return code_of(error.__cause__) if isinstance(error.__cause__, Refused) else ""


def _refused(refused: Refused) -> Trouble:
    if refused.code.startswith("AADSTS") or refused.status == HTTPStatus.UNAUTHORIZED:
        return Trouble.CREDENTIALS
    if refused.code in _DISABLED:
        return Trouble.SUBSCRIPTION_DISABLED
    text = f"{refused.code} {refused}".lower()
    if any(words in text for words in _NOT_LICENSED):
        return Trouble.NOT_LICENSED
    if refused.status == HTTPStatus.FORBIDDEN or refused.code in _NO_PERMISSION:
        return Trouble.NO_PERMISSION
    return Trouble.OTHER
