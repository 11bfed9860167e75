"""Around every route: notes what was done before the first byte of the answer leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_api import problems
from aoc_api.access.note import note_of
from aoc_api.audit.acts import Act, Action, action_of
from aoc_api.audit.spool import SpoolFull
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from aoc_api.audit.trail import AuditTrail
    from aoc_common.clock import Clock

_log = logs.get(__name__)

_FULL: Final = "What is read or changed has to be noted in the audit trail, and there is no room for it."
_BAD: Final = 400
#: What `Guard` answers to credentials that are none, or are not believed.
_REFUSED: Final = frozenset({400, 401, 403})
#: Of a request whose credentials were refused, whatever it was for.
_SIGN_IN: Final = Action("sign-in", "sign-in")


class Recorder:
    """Notes the requests to handlers that are `audited`; one that cannot be noted is not answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        services = scope["app"].state.services
        request = _Request(scope, send, services.audit, services.clock)
        try:
            await self._app(scope, receive, request.send)
        finally:
            if request.streaming:  # its client went away, or it failed
                request.note(request.status, "broken off")


class _Request:
    """One request, as its answer passes."""

    def __init__(self, scope: Scope, send: Send, trail: AuditTrail, clock: Clock) -> None:
        self._scope = scope
        self._send = send
        self._trail = trail
        self._clock = clock
        self.status = 0
        self.streaming = False
        self._refused = False

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer, once what has to be noted is."""
        if self._refused:
            return
        note = note_of(self._scope)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.streaming = note.streamed and self.status < _BAD
            try:
                self.note(self.status, "begun" if self.streaming else "")
            except SpoolFull as error:
                self._refused = True
                self.streaming = False
                _log.error("audit_trail.full", error=str(error))
                await problems.respond("not-noted", _FULL, headers=problems.RETRY)(self._scope, _nothing, self._send)
                return
        elif self.streaming and not message.get("more_body", False):
            self.note(self.status, "whole")
            self.streaming = False
        await self._send(message)

    def note(self, status: int, ended: str) -> None:
        """Note the request, if it is one that is. Raises `SpoolFull`."""
        note, action = note_of(self._scope), self._action(status)
        if action is None:
            return
        client = self._scope.get("client")
        address = client[0] if client else ""
        about = note.about
        if action.kind == "sign-in" and status >= _BAD:
            if (left_out := self._trail.failures.left_out(address)) is None:
                return
            about = f"{left_out} others like it were not noted since the last one that was" if left_out else about
        act = Act(
            action=action,
            at=self._clock.now(),
            status=status,
            request_id=self._scope.get("aoc.request_id", ""),
            tenant=note.tenant,
            principal=note.principal,
            address=address,
            asked=f"{self._scope['method']} {self._scope['path']}?{self._scope['query_string'].decode('latin-1')}",
            rows=note.rows,
            about=about,
            digest=note.digest,
            ended=ended,  # type: ignore[arg-type]  # one of three words
        )
        self._trail.note(act)

    def _action(self, status: int) -> Action | None:
        route = self._scope.get("route")
        if route is None and status in _REFUSED:  # `Guard` lets nobody through to a route
            return _SIGN_IN
        return action_of(getattr(route, "endpoint", None))


def cannot_note() -> problems.Problem:
    """The problem of a request that cannot be noted."""
    return problems.Problem("not-noted", _FULL, headers=problems.RETRY)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
