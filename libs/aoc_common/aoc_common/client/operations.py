"""Which operations of docs/reference/openapi.json the client has, and why it has not the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

type Operation = tuple[str, str]
"""Method and path as OpenAPI has them: `("GET", "/api/events/{event_id}")`."""

_HOOKS: Final = "Microsoft calls it, and signs what it sends"
_PAGES: Final = "a browser opens it"
#: Operation -> why there is no method for it.
NOT_OFFERED: Final[Mapping[Operation, str]] = {
    ("POST", "/api/webhooks/graph"): _HOOKS,
    ("POST", "/api/webhooks/o365"): _HOOKS,
    ("POST", "/api/webhooks/tickets/{system}"): "for ticket systems, which sign what they send (docs/howto/tickets.md)",
    ("GET", "/auth/login"): _PAGES,
    ("GET", "/auth/callback"): _PAGES,
    ("GET", "/auth/link"): _PAGES,
    ("POST", "/auth/logout"): "it ends the session of a browser, which a client has not",
    (
        "GET",
        "/api/events/stream",
    ): "for any reader of Server-Sent Events (docs/howto/live-tail.md)",
    ("GET", "/api/fetch-audit-logs"): "for scripts that can only GET; `system.fetch` asks for the same",
}
_MARK: Final = "__aoc_operation__"


def operation[F: Callable[..., object]](method: str, path: str) -> Callable[[F], F]:
    """Mark what asks for an operation."""

    def mark(function: F) -> F:
        setattr(function, _MARK, (method, path))
        return function

    return mark


def operation_of(function: object) -> Operation | None:
    """The operation that a method asks for; None: it asks for none by itself."""
    found: Operation | None = getattr(function, _MARK, None)
    return found
