"""Errors as RFC 9457 problem documents: the one place that decides what a failure looks like to a client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from starlette.exceptions import HTTPException
from starlette.responses import Response

from aoc_api.bodies import RepeatedMember
from aoc_common.contracts.query.grammar import QueryError
from aoc_common.errors import NotFound, TimedOut, Transient
from aoc_common.gateway.events import FieldError, ProblemDocument
from aoc_common.telemetry import logs
from aoc_common.validation import in_words

_log = logs.get(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_S: Final = 5
#: Headers of what can be done later.
RETRY: Final[Mapping[str, str]] = {"Retry-After": str(_RETRY_AFTER_S)}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, its title and what a client can do about it."""

    status: int
    title: str
    help: str


KINDS: Final[Mapping[str, Kind]] = {
    "bad-request": Kind(400, "Bad request", "The request cannot be read as HTTP or holds a value of the wrong kind."),
    "cursor-invalid": Kind(
        400,
        "Invalid cursor",
        "A cursor is opaque and signed. Pass next_cursor of the page before, unchanged; start again without a cursor "
        "when the gateway was restarted without a fixed AOC_API__CURSOR_KEY.",
    ),
    "cursor-foreign": Kind(
        400,
        "Cursor of another search",
        "A cursor continues one search. Send it with the same tenant and filters; only page_size may change.",
    ),
    "repeated": Kind(
        400,
        "Said twice",
        "A parameter, or a member of a JSON object, stands twice. Its readers would disagree about which one counts: "
        "send it once. Only parameters that are lists may be repeated.",
    ),
    "ambiguous-credentials": Kind(
        400,
        "Several credentials",
        "A request shows who sends it once: an access token or an API key in one Authorization header, or the cookie "
        "of a session. Several could be of different persons.",
    ),
    "unauthenticated": Kind(
        401,
        "Not signed in",
        "Send an access token or an API key as `Authorization: Bearer ...`, or sign in with a browser at /auth/login: "
        "docs/howto/let-people-in.md. GET /api/config/auth says which ways there are.",
    ),
    "cross-site": Kind(
        403,
        "From another site",
        "A request with the cookie of a session must come from a page of this gateway, and one that changes anything "
        "needs the header X-CSRF-Token with `csrf_token` of GET /api/me. Programs send an API key or a token instead.",
    ),
    "forbidden": Kind(
        403,
        "Not allowed",
        "Your role does not cover this, or not for this tenant. An administrator can grant it: docs/howto/access.md.",
    ),
    "last-superadmin": Kind(
        409,
        "The last superadmin",
        "Without this grant nobody could change who may do what. Grant somebody else superadmin over everything, "
        "without an end, before.",
    ),
    "nothing-hidden": Kind(
        409,
        "Nothing is hidden",
        "No privacy rule of the tenant hides anything from you, or you have lifted it already.",
    ),
    "not-allowed": Kind(
        403,
        "Not allowed here",
        "The tenants file is changed by hand; more tenants than one take a licence: docs/howto/licence.md.",
    ),
    "bad-settings": Kind(
        422,
        "Settings of a tenant that cannot be",
        "The detail names the setting; docs/reference/tenants.md has all of them.",
    ),
    "check-failed": Kind(
        422,
        "The check of the tenant failed",
        "The member `errors` names what was found, and what to do. `check=false` saves it all the same; that is noted.",
    ),
    "rule-refused": Kind(
        422,
        "The rule cannot be used",
        "`detail` says at which line and why. How rules are written: docs/howto/rules.md. `aoc rules lint FILE` "
        "says the same, and needs no gateway.",
    ),
    "conflict": Kind(409, "Not as it is now", "Read it again: somebody was faster, or it is being deleted."),
    "too-many-kept": Kind(
        409, "Too many of yours", "Remove some that you need no more: how many one may keep is bounded."
    ),
    "name-taken": Kind(
        409,
        "The name is taken",
        "You keep another one of that name already; upper and lower case make no difference. Give this one another "
        "name, or change or remove that one.",
    ),
    "changed": Kind(
        412, "Changed by another one", "Read the tenant again, and send the change with its new ETag in If-Match."
    ),
    "revision-needed": Kind(428, "If-Match is needed", "Send the ETag of the tenant as you have read it in If-Match."),
    "notes-full": Kind(
        409,
        "No more notes",
        "An event has at most 30 tags and 100 comments, an alert 100 notes. Remove some tags or comments.",
    ),
    "bulk-changed": Kind(
        409,
        "Not what was counted",
        "Changing many events or alerts begins with a count. Count again: the token is old or of another request, or "
        "others match by now.",
    ),
    "no-file": Kind(
        409,
        "No file yet, or never",
        "The export is waiting or running, or has failed: GET /api/exports/{export_id} says which, how far it is, and "
        "why. Fetch the file when its state is `done`.",
    ),
    "no-such-range": Kind(
        416, "No such bytes", "The file is shorter than the first byte that Range asks for: Content-Range has its size."
    ),
    "not-found": Kind(404, "Not found", "Nothing is here, or not in this tenant. Events also leave after retention."),
    "method-not-allowed": Kind(405, "Method not allowed", "The Allow header lists the methods of this address."),
    "too-slow": Kind(
        408,
        "Too slow",
        "The body of a request must come within AOC_API__LIMITS__BODY_S, and at AOC_API__LIMITS__BODY_BYTES_PER_S.",
    ),
    "too-large": Kind(413, "Too large", "No body of a request may be larger than a mebibyte."),
    "webhook-refused": Kind(
        403,
        "Not believed",
        "A notification of Microsoft must carry the secret that its subscription was made with, a ticket system's "
        "message a signature that is not older than five minutes. The gateway's log says what was wrong; "
        "docs/howto/webhooks.md and docs/howto/tickets.md say how they are set up.",
    ),
    "misdirected": Kind(
        421,
        "Not a name of this gateway",
        "Address the gateway as localhost, 127.0.0.1 or [::1], or by a name of AOC_API__PUBLIC_HOSTS; requests under "
        "another name are refused, since a web page could send them (DNS rebinding).",
    ),
    "insecure": Kind(
        403,
        "Without TLS",
        "Only this machine may speak plain HTTP with the gateway, under its own name. From elsewhere use https; a "
        "proxy in front must be listed in AOC_API__TRUSTED_PROXIES, and send X-Forwarded-Proto.",
    ),
    "invalid-parameters": Kind(
        422, "Invalid parameters", "The member `errors` names each parameter and what is wrong with it."
    ),
    "too-many": Kind(
        429,
        "Too many at once",
        "So many requests of this caller are worked on already (AOC_API__LIMITS__REQUESTS_PER_CALLER, or "
        "EXPORTS_PER_CALLER). Try again after the seconds in Retry-After.",
    ),
    "too-often": Kind(
        429,
        "Too often",
        "More requests came than are taken in a while (AOC_API__RATES__*): of this caller, or, before it is known who "
        "asks, of this address. Try again after the seconds in Retry-After; RateLimit says how much is left.",
    ),
    "internal": Kind(
        500, "Internal error", "A fault of the gateway. Its log has the details under the trace id of the answer."
    ),
    "busy": Kind(
        503, "Busy", "The gateway works on as many requests as it may. Try again after the seconds in Retry-After."
    ),
    "took-too-long": Kind(
        503,
        "Took too long",
        "The database has stopped working on this. Ask for less: a shorter time (start, end), a filter more "
        "(operation, actor, ip), a whole word in place of a beginning, a smaller page_size. The same again helps only "
        "where the database was busy; try that after the seconds in Retry-After.",
    ),
    "not-now": Kind(
        503,
        "Not possible now",
        "NATS does not answer, or the sign-in service whose keys vouch for a notification or an access token. Try "
        "again after the seconds in Retry-After; see /health.",
    ),
    "not-noted": Kind(
        503,
        "Cannot be noted",
        "Whatever is read or changed is noted in the audit trail. MongoDB has not taken any of it for so long that "
        "AOC_API__AUDIT__SPOOL is full, or the disk is. Try again after the seconds in Retry-After; see /health.",
    ),
    "unavailable": Kind(
        503, "Store unavailable", "MongoDB does not answer. Try again after the seconds in Retry-After; see /health."
    ),
}
#: Of what uses the store much.
BUSY: Final = ("too-many", "busy", "took-too-long", "unavailable")
_BY_STATUS: Final = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    413: "too-large",
}


class Problem(Exception):  # noqa: N818  # RFC 9457's term
    """A request that is answered with a problem document. `reason`: a word for the log, when several look alike."""

    def __init__(
        self,
        slug: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.slug = slug
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers


def respond(
    slug: str, detail: str, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The response of a problem."""
    kind = KINDS[slug]
    document = ProblemDocument(
        type=f"/problems/{slug}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        trace_id=trace_id(),
        errors=list(errors) or None,
    )
    body = document.model_dump_json(exclude_none=True)
    return Response(body, kind.status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def forbidden(detail: str) -> Problem:
    """The problem of somebody who lacks a role."""
    return Problem("forbidden", detail)


def unauthenticated(
    detail: str = "Sign in: docs/howto/let-people-in.md says how.", reason: str | None = None
) -> Problem:
    """The problem of a request that does not show who sends it. `reason`: what was wrong with what it shows."""
    # RFC 6750, section 3: the error is named only when something was shown.
    challenge = 'Bearer realm="aoc"' + (', error="invalid_token"' if reason else "")
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": challenge}, reason=reason)


def took_too_long(wait_s: float | None = None) -> Response:
    """The answer to a request for which more had to be looked at than there was time for."""
    wait = max(1, round(wait_s or _RETRY_AFTER_S))
    detail = "This took longer than it may. Ask for less: a shorter time, or a filter more."
    return respond("took-too-long", detail, headers={"Retry-After": str(wait)})


def store_away(error: Transient) -> Response:
    """The answer to a request that needs the store while it is away, or takes longer than it may."""
    if isinstance(error, TimedOut):
        _log.warning("store.timed_out", error=str(error))
        return took_too_long(error.retry_after)
    _log.warning("store.unavailable", error=str(error))
    wait = max(1, round(error.retry_after or _RETRY_AFTER_S))
    return respond("unavailable", "The event store does not answer.", headers={"Retry-After": str(wait)})


def invalid(name: str, detail: str, location: str = "query") -> Problem:
    """The problem of a parameter that pydantic finds no fault with."""
    return Problem("invalid-parameters", f"Invalid: {name}.", [FieldError(location=location, name=name, detail=detail)])


def repeated(name: str, location: str = "query") -> Problem:
    """The problem of a repeated parameter or member."""
    error = FieldError(location=location, name=name, detail="stands twice")
    return Problem("repeated", f"Said twice: {name}.", [error])


def not_now(detail: str) -> Problem:
    """The problem of what can be done later, e.g. when the bus is back."""
    return Problem("not-now", detail, headers=RETRY)


def responses(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """How these problems are declared in the OpenAPI document of a route."""
    declared: dict[int | str, dict[str, Any]] = {}
    for slug in slugs:
        kind = KINDS[slug]
        titles = declared.get(kind.status, {}).get("description")
        declared[kind.status] = {
            "description": f"{titles}; {kind.title.lower()}" if titles else kind.title,
            "model": ProblemDocument,
        }
    return declared


def trace_id() -> str | None:
    """The trace that this request belongs to."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def install(app: FastAPI) -> None:
    """Answer every expected failure of `app` with a problem. Unexpected ones are `middleware`'s.

    `Malformed` is one of these: what cannot be read lies in the store more often than in a request, and is nobody's
    business. Whoever reads a request says himself what is wrong with it.
    """
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RepeatedMember, _repeated)
    app.add_exception_handler(Transient, _transient)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(QueryError, _query_error)


# Starlette types handlers by `Exception`; each is registered for one class, which the annotations below rely on.


async def _problem(_request: Request, error: Any) -> Response:
    return respond(error.slug, error.detail, error.errors, error.headers)


async def _invalid(_request: Request, error: Any) -> Response:
    errors = [_field_error(item) for item in error.errors()]
    names = ", ".join(dict.fromkeys(item.name for item in errors))
    return respond("invalid-parameters", f"Invalid: {names}.", errors)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    where, *names = (str(part) for part in item["loc"])
    if item["type"] == "json_invalid" or not names:
        # Of a body that is no JSON, pydantic names the character at which it stopped.
        names = [where]
    detail = "unknown parameter" if item["type"] == "extra_forbidden" else in_words(item)
    return FieldError(location=where, name=".".join(names)[:100], detail=detail)


async def _http(_request: Request, error: Any) -> Response:
    if error.status_code >= KINDS["internal"].status:
        _log.error("request.failed", error=str(error.detail))
        return respond("internal", "The gateway failed to answer.")
    slug = _BY_STATUS.get(error.status_code, "bad-request")
    detail = "There is nothing at this address." if slug == "not-found" else f"{error.detail}."
    headers = dict(error.headers or {})
    if "GET" in (allowed := headers.get("Allow", "").split(", ")):
        headers["Allow"] = ", ".join(sorted({*allowed, "HEAD"}))
    return respond(slug, detail, headers=headers)


async def _repeated(_request: Request, error: Any) -> Response:
    twice = repeated(error.name, "body")
    return respond(twice.slug, twice.detail, twice.errors)


async def _transient(_request: Request, error: Any) -> Response:
    return store_away(error)


async def _not_found(_request: Request, error: Any) -> Response:
    return respond("not-found", str(error))


async def _query_error(_request: Request, error: Any) -> Response:
    wrong = invalid(error.of or "q", f"at character {error.position + 1}: {error.why}")
    return respond(wrong.slug, wrong.detail, wrong.errors)
