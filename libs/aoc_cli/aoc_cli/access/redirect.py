"""Where the browser comes back to a terminal: a port of this machine that answers one request (RFC 8252, 7.3)."""

from __future__ import annotations

import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from aoc_cli.local.ports import LOOPBACK
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds in which a person has to sign in.
PATIENCE_S: Final = 300.0
_PATH: Final = "/"
_HEAD: Final = (
    '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><title>AOC</title>'
)
_DONE: Final = f"{_HEAD}<p>You can close this page and go back to the terminal.</p>"
_STRANGE: Final = f"{_HEAD}<p>This is not the answer that the terminal waits for.</p>"


class Redirect:
    """Listens on a free port of loopback until left.

    The address is `http://localhost:PORT/`: of this kind Entra ID takes any port for a public client (entra-docs,
    reply-url.md, "Localhost exceptions").
    """

    def __init__(self, state: str) -> None:
        self._state = state
        self._answer: dict[str, str] | None = None
        listener = self

        class _Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                accepted = listener._take(self.path)
                body = (_DONE if accepted else _STRANGE).encode()
                self.send_response(200 if accepted else 400)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", "default-src 'none'")
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Nothing: the address holds a code."""

        self._server = HTTPServer((LOOPBACK, 0), _Handler)

    @property
    def uri(self) -> str:
        """The address that the provider sends the browser to."""
        return f"http://localhost:{self._server.server_port}{_PATH}"

    def wait(self) -> Mapping[str, str]:
        """The provider's answer to this sign-in. Raises `BadConfiguration` when it does not come in time."""
        deadline = time.monotonic() + PATIENCE_S
        try:
            while self._answer is None:
                self._server.timeout = deadline - time.monotonic()
                if self._server.timeout <= 0:
                    raise BadConfiguration(
                        f"nobody signed in within {PATIENCE_S / 60:.0f} minutes; run aoc login again"
                    )
                with suppress(OSError):
                    self._server.handle_request()
        finally:
            self.close()
        return self._answer

    def close(self) -> None:
        """Listen no more."""
        self._server.server_close()

    def _take(self, target: str) -> bool:
        """Whether a request holds the answer to this sign-in. A stranger's request changes nothing."""
        parts = urlsplit(target)
        answer = {name: values[0] for name, values in parse_qs(parts.query).items() if len(values) == 1}
        if parts.path != _PATH or answer.get("state") != self._state or not answer.keys() & {"code", "error"}:
            return False
        self._answer = answer
        return True
