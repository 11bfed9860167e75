"""What an identity provider answers to `aoc login`: an object, or an error that names the address."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from aoc_cli.access.credentials import get_json
from aoc_cli.local.ports import free_port
from aoc_common.errors import AocError, BadConfiguration, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gateway(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append((self.path, self.headers["Authorization"]))
        status, body = server.answer
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Any]:
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.asked = []  # type: ignore[attr-defined]
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (302, b'{"name": "mallory"}', BadConfiguration, "302 Found"),
        (204, b"", Unreachable, "JSONDecodeError"),
        (401, b'{"detail": "the key is revoked"}', BadConfiguration, "401 the key is revoked"),
        (200, b'["kim"]', BadConfiguration, "200 OK"),
        (502, b"<html>", Unreachable, "JSONDecodeError"),
    ],
)
def test_what_is_no_answer_of_a_provider_is_an_error_that_names_the_address(
    gateway, status: int, body: bytes, error: type[AocError], words: str
) -> None:
    gateway.answer = status, body
    address = f"http://127.0.0.1:{gateway.server_port}"

    with pytest.raises(error) as raised:
        get_json(f"{address}/api/me")

    assert f"{address}/api/me: " in str(raised.value)
    assert words in str(raised.value)
    assert gateway.asked == [("/api/me", None)]


def test_an_answer_is_returned_and_nobody_there_is_an_error(gateway) -> None:
    gateway.answer = 200, b'{"name": "kim"}'

    assert get_json(f"http://127.0.0.1:{gateway.server_port}/api/me") == {"name": "kim"}
    with pytest.raises(Unreachable, match="/api/me: ConnectError"):
        get_json(f"http://127.0.0.1:{free_port()}/api/me")
