"""Around every route: notes what was done before the first byte of the answer leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from aoc_api import problems
from aoc_api.access.note import note_of
from aoc_api.audit.acts import Act, Action, action_of
from aoc_api.audit.full import cannot_note
from aoc_api.audit.spool import SpoolFull
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from aoc_api.audit.trail import AuditTrail
    from aoc_common.clock import Clock

_log = logs.get(__name__)

_BAD: Final = 400
_UNAUTHENTICATED: Final = 401
_FAILED: Final = 500
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
        note, client = note_of(scope), scope.get("client")
        note.request_id, note.address = scope.get("aoc.request_id", ""), client[0] if client else ""
        request = _Request(scope, send, services.audit, services.clock)
        with services.audit.admitted() as note.room:
            try:
                await self._app(scope, receive, request.send)
            except ClientDisconnect:
                raise  # before anything was done
            except Exception:
                request.note_failure()
                raise
            finally:
                request.note_end()


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
                full = cannot_note()
                await problems.respond(full.slug, full.detail, headers=full.headers)(self._scope, _nothing, self._send)
                return
        elif self.streaming and not message.get("more_body", False):
            self.note(self.status, "whole")
            self.streaming = False
        await self._send(message)

    def note_failure(self) -> None:
        """Note that the request failed unexpectedly: what it did until then may be done."""
        if not self.status:
            self._note_at_last(_FAILED, "")

    def note_end(self) -> None:
        """Note that an answer was broken off: its client went away, or it failed."""
        if self.streaming:
            self._note_at_last(self.status, "left" if note_of(self._scope).endless else "broken off")

    def _note_at_last(self, status: int, ended: str) -> None:
        try:
            self.note(status, ended)
        except SpoolFull as error:
            _log.error("audit_trail.full", error=str(error))  # how the request ends is not changed by it

    def note(self, status: int, ended: str) -> None:
        """Note the request, if it is one that is. Raises `SpoolFull`."""
        note = note_of(self._scope)
        if note.credentials_refused:
            # The answer may be for everybody, and then says nothing of them.
            action: Action | None = _SIGN_IN
            status = max(status, _UNAUTHENTICATED)
        else:
            action = action_of(getattr(self._scope.get("route"), "endpoint", None))
        if action is None:
            return
        about = note.about
        if note.principal is None:
            # Anybody can send these, as many as he likes: sign-ins, and what is sent to be believed by its signature.
            if status < _BAD:
                return  # nobody was signed in, and nothing was done
            if (left_out := self._trail.failures.left_out(note.address)) is None:
                return
            if left_out:
                about = f"{about}; {left_out} others were not noted since the last that was".removeprefix("; ")
        act = Act(
            action=action,
            at=self._clock.now(),
            status=status,
            request_id=note.request_id,
            tenant=note.tenant,
            principal=note.principal,
            address=note.address,
            asked=self._asked(),
            rows=note.rows,
            about=about,
            digest=note.digest,
            ended=ended,  # type: ignore[arg-type]  # one of these words
        )
        self._trail.note(act)

    def _asked(self) -> str:
        """`GET /api/events?tenant=contoso`."""
        query = self._scope["query_string"].decode("latin-1")
        return f"{self._scope['method']} {self._scope['path']}{'?' if query else ''}{query}"


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
