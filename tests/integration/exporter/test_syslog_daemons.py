"""What daemons of syslog take by TLS, and whom they refuse, is told as it is.

They come from the system: `apt install rsyslog rsyslog-gnutls rsyslog-openssl`, or `apt install syslog-ng-core`.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvloop

from aoc_common.outbound.web import TlsOptions
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.outcome import Accepted, Retry
from aoc_exporter.sinks.syslog import Syslog, SyslogOptions
from certificates import pair
from siem_entries import item
from syslog_daemons import Daemon, Files, found, rsyslog, rsyslog_driver, syslog_ng

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Batches of each client.
TIMES = 15
EACH = 20
#: Daemon, its driver of TLS, and how it looks at clients.
SETTINGS = [
    ("rsyslog", "gtls", "anon"), ("rsyslog", "gtls", "x509/certvalid"),
    ("rsyslog", "ossl", "anon"), ("rsyslog", "ossl", "x509/certvalid"),
    ("syslog-ng", "", "required-trusted"), ("syslog-ng", "", "optional-untrusted"),
]  # fmt: skip
ANYBODY = {"anon", "optional-untrusted"}


@contextmanager
def running(name: str, driver: str, checks: str, work: Path, files: Files) -> Iterator[Daemon]:
    """A daemon; the test is skipped where the system has none."""
    if not found("rsyslogd" if name == "rsyslog" else "syslog-ng"):
        pytest.skip(f"needs {name}")
    if name == "rsyslog" and rsyslog_driver(driver) is None:
        pytest.skip(f"needs rsyslog's driver {driver}")
    work.mkdir()
    with rsyslog(work, driver, checks, files) if name == "rsyslog" else syslog_ng(work, checks, files) as daemon:
        yield daemon


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "driver", "checks"), SETTINGS, ids=["-".join(one).replace("/", "-") for one in SETTINGS]
)
async def test_a_daemon_has_what_was_accepted_and_who_is_refused_is_told_so(
    tmp_path: Path, eventually, name: str, driver: str, checks: str
) -> None:
    for who in ("localhost", "friend", "stranger"):
        certificate, key = pair(who)
        (tmp_path / f"{who}.pem").write_bytes(certificate)
        (tmp_path / f"{who}.key").write_bytes(key)
    files = Files(tmp_path / "localhost.pem", tmp_path / "localhost.key", tmp_path / "friend.pem")

    async def outcomes(who: str, first: int) -> set[type]:
        sink = Syslog(SyslogOptions(
            host="localhost", port=daemon.port, allowed_networks=("127.0.0.0/8", "::1/128"), timeout_s=20,
            tls=TlsOptions(
                ca_file=files.certificate, client_certificate=tmp_path / f"{who}.pem",
                client_key=tmp_path / f"{who}.key",
            ),
        ))  # fmt: skip
        made: list[object] = []
        for batch in range(TIMES):
            begin = first + batch * EACH
            made += await deliver(sink, [item(number) for number in range(begin, begin + EACH)])
        await sink.close()
        return set(map(type, made))

    def written(first: int) -> int:
        text = "\n".join(daemon.lines())
        return sum(item(number).entry.id in text for number in range(first, first + TIMES * EACH))

    with running(name, driver, checks, tmp_path / "work", files) as daemon:
        friend = await asyncio.to_thread(uvloop.run, outcomes("friend", 1))
        await eventually(lambda: written(1) == TIMES * EACH)
        stranger = await asyncio.to_thread(uvloop.run, outcomes("stranger", 5_000))
        if checks in ANYBODY:
            await eventually(lambda: written(5_000) == TIMES * EACH)

        assert friend == {Accepted}
        assert stranger == ({Accepted} if checks in ANYBODY else {Retry})
        assert checks in ANYBODY or written(5_000) == 0
