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
#: Of a batch: a daemon that ends a connection, whyever, is asked again.
TRIES = 3
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

    async def outcomes(who: str, first: int) -> tuple[set[str], set[str]]:
        """Ids that were accepted, and why others were not. A batch that is to come again does, a few times."""
        sink = Syslog(SyslogOptions(
            host="localhost", port=daemon.port, allowed_networks=("127.0.0.0/8", "::1/128"), timeout_s=20,
            tls=TlsOptions(
                ca_file=files.certificate, client_certificate=tmp_path / f"{who}.pem",
                client_key=tmp_path / f"{who}.key",
            ),
        ))  # fmt: skip
        accepted, words = set[str](), set[str]()
        for batch in range(TIMES):
            begin = first + batch * EACH
            left = [item(number) for number in range(begin, begin + EACH)]
            for _ in range(TRIES):
                made = list(zip(left, await deliver(sink, left), strict=True))
                accepted |= {one.entry.id for one, outcome in made if isinstance(outcome, Accepted)}
                words |= {outcome.words for _, outcome in made if isinstance(outcome, Retry)}
                left = [one for one, outcome in made if isinstance(outcome, Retry)]
        await sink.close()
        return accepted, words

    def all_of(first: int) -> set[str]:
        return {item(number).entry.id for number in range(first, first + TIMES * EACH)}

    def lacking(ids: set[str]) -> set[str]:
        text = "\n".join(daemon.lines())
        return {one for one in ids if one not in text}

    async def has(ids: set[str]) -> None:
        with daemon.told():
            await eventually(lambda: not lacking(ids))

    with running(name, driver, checks, tmp_path / "work", files) as daemon:
        friend, _ = await asyncio.to_thread(uvloop.run, outcomes("friend", 1))
        await has(friend)
        stranger, words = await asyncio.to_thread(uvloop.run, outcomes("stranger", 5_000))
        await has(friend | stranger)

        assert friend == all_of(1)
        assert stranger == (all_of(5_000) if checks in ANYBODY else set())
        assert checks in ANYBODY or (words and lacking(all_of(5_000)) == all_of(5_000))
