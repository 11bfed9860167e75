"""The health check of a container asks the port that the service was told, and says what is wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from aoc_cli.local.ports import free_port
from composed import DOCKER

if TYPE_CHECKING:
    from collections.abc import Iterator


class Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = self.server.ready and self.path == "/readyz"  # type: ignore[attr-defined]
        body = b'{"checks":{"mongo":"ok"}}' if ready else b'{"checks":{"mongo":"away"}}'
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def check(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"HEALTH_PORT_SETTING": "AOC_HEALTH__PORT", "HEALTH_PORT": "1", "HEALTH_PATH": "/readyz"} | variables
    argv = [sys.executable, "-I", str(DOCKER / "healthcheck.py")]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("ready", "status", "word"), [(True, 0, "ok"), (False, 1, "away")])
def test_a_container_is_healthy_when_its_service_is_ready(service, ready, status, word) -> None:
    service.ready = ready

    completed = check(AOC_HEALTH__PORT=str(service.server_port))

    assert (completed.returncode, word in completed.stdout) == (status, True)


def test_without_a_setting_the_port_is_that_of_the_image(service) -> None:
    service.ready = True

    assert check(HEALTH_PORT=str(service.server_port)).returncode == 0


def test_a_service_that_does_not_answer_is_not_healthy() -> None:
    port = free_port()

    completed = check(AOC_HEALTH__PORT=str(port))

    assert (completed.returncode, completed.stderr) == (1, "")
    assert completed.stdout.startswith(f"no answer at port {port}: ")
