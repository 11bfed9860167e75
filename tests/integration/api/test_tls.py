"""The gateway as a process that speaks TLS, whose certificate is replaced while it runs."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys

import pytest

from aoc_cli.local.ports import LOOPBACK, free_port
from certificates import pair

pytestmark = pytest.mark.slow


@pytest.fixture
def files(tmp_path):
    """Where certificate and key are."""
    return tmp_path / "certificate.pem", tmp_path / "key.pem"


def put(files, name: str) -> str:
    """Write a new pair; the certificate."""
    for file, content in zip(files, pair(name), strict=True):
        file.write_bytes(content)
    return files[0].read_text().strip()


@pytest.fixture
def port(tmp_path, files):
    """Where a gateway speaks TLS, whose servers are away."""
    port = free_port()
    put(files, "first.example")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    settings = {
        "AOC_API__HOST": LOOPBACK,
        "AOC_API__PORT": str(port),
        "AOC_API__TLS__CERTIFICATE": str(files[0]),
        "AOC_API__TLS__KEY": str(files[1]),
        "AOC_NATS__URL": "nats://127.0.0.1:1",
        "AOC_MONGO__URI": "mongodb://127.0.0.1:1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "aoc_api"], env=clean | settings, cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    yield port
    process.kill()
    process.wait()


async def test_a_new_certificate_is_shown_without_a_restart(port, files, eventually) -> None:
    def shows(certificate: str) -> bool:
        try:
            return ssl.get_server_certificate((LOOPBACK, port)).strip() == certificate
        except OSError:
            return False

    first = files[0].read_text().strip()
    await eventually(lambda: shows(first))
    second = put(files, "second.example")

    assert first != second
    await eventually(lambda: shows(second), 30)
