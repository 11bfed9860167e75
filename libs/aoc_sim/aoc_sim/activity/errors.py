"""The Management API's error bodies. Source of the codes: office-365-management-activity-api-reference.md, "Errors"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.responses import json_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response


class ActivityError(Exception):
    """A request is answered with this error: `{"error": {"code", "message"}}`."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers

    def answer(self) -> Response:
        """The response."""
        body = {"error": {"code": self.code, "message": self.message}}
        return json_answer(body, status=self.status, headers=self.headers)


def not_permitted(granted: frozenset[str], role: str) -> ActivityError:
    """AF10001."""
    text = f"The token's permissions ({', '.join(sorted(granted))}) lack {role}."
    return ActivityError(403, "AF10001", text)


def missing(name: str) -> ActivityError:
    """AF20001."""
    return ActivityError(400, "AF20001", f"Parameter missing: {name}.")


def wrong_type(name: str, expected: str) -> ActivityError:
    """AF20002."""
    return ActivityError(400, "AF20002", f"Parameter {name} has the wrong type; expected: {expected}.")


def past_expiration(value: str) -> ActivityError:
    """AF20003."""
    return ActivityError(400, "AF20003", f"The expiration {value} lies in the past.")


def other_tenant(url: str, token: str) -> ActivityError:
    """AF20010."""
    return ActivityError(403, "AF20010", f"The URL names tenant {url}, the access token tenant {token}.")


def unknown_tenant(url: str) -> ActivityError:
    """AF20011."""
    return ActivityError(400, "AF20011", f"Tenant {url} does not exist, or is deleted.")


def not_a_guid(url: str) -> ActivityError:
    """AF20013."""
    return ActivityError(400, "AF20013", f"The tenant {url} in the URL is no GUID.")


def bad_content_type() -> ActivityError:
    """AF20020."""
    return ActivityError(400, "AF20020", "There is no such content type.")


def webhook_refused(address: str, reason: str) -> ActivityError:
    """AF20021."""
    return ActivityError(400, "AF20021", f"The webhook {address} could not be validated. {reason}")


def no_subscription() -> ActivityError:
    """AF20022."""
    return ActivityError(400, "AF20022", "There is no subscription for this content type.")


def disabled(who: str) -> ActivityError:
    """AF20023."""
    return ActivityError(400, "AF20023", f"The subscription was disabled by {who}.")


def bad_window() -> ActivityError:
    """AF20030."""
    text = "Give both startTime and endTime or neither, at most 24 hours apart, the start at most 7 days ago."
    return ActivityError(400, "AF20030", text)


def bad_next_page(value: str) -> ActivityError:
    """AF20031."""
    return ActivityError(400, "AF20031", f"Not a valid nextPage: {value}.")


def no_content(key: str) -> ActivityError:
    """AF20050."""
    return ActivityError(404, "AF20050", f"The content {key} does not exist.")


def expired(key: str) -> ActivityError:
    """AF20051."""
    return ActivityError(400, "AF20051", f"The content {key} has expired: nothing older than 7 days can be had.")


def bad_content_id(key: str) -> ActivityError:
    """AF20052."""
    return ActivityError(400, "AF20052", f"The content id {key} is invalid.")


def throttled(
    method: str, publisher: str, *, status: int = 429, retry_after_s: int | str | None = None
) -> ActivityError:
    """AF429, as HTTP 429 or, as users have seen, 403."""
    headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return ActivityError(status, "AF429", f"Too many requests. Method={method}, PublisherId={publisher}", headers)


def broken(status: int, retry_after: str | None = None) -> ActivityError:
    """AF50000."""
    headers = None if retry_after is None else {"Retry-After": retry_after}
    return ActivityError(status, "AF50000", "The service failed. Send the request again.", headers)
