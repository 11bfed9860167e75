"""Daemons of syslog as distributions have them, on ports and folders of their own."""

from __future__ import annotations

import shutil
import socket
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of lines in its file that are no messages of a client, the last ones that a failure shows.
_SHOWN: Final = 20
#: A socket that listens, in the system's table of them.
_LISTEN: Final = "0A"
_ENV: Final = {"PATH": "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin"}
#: Its own messages go to its file, too, so that this is open before a client comes: its driver `ossl` before 2026
#: closes each connection twice, and loses a file that is opened in between (rsyslog, pull request 6375).
_RSYSLOG: Final = """
global(workDirectory="{work}" processInternalMessages="on"
       DefaultNetstreamDriver="{driver}" DefaultNetstreamDriverCAFile="{authority}"
       DefaultNetstreamDriverCertFile="{certificate}" DefaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" StreamDriver.Name="{driver}" StreamDriver.Mode="1" StreamDriver.AuthMode="{checks}")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="whole" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{work}/taken" template="whole")
"""
_SYSLOG_NG: Final = """
@version: {version}
source taken {{
  syslog(ip("127.0.0.1") port({port}) transport("tls")
         tls(key-file("{key}") cert-file("{certificate}") ca-file("{authority}") peer-verify({checks})));
}};
destination file {{ file("{work}/taken" template("$SDATA $MSG\\n")); }};
log {{ source(taken); destination(file); }};
"""


@dataclass(frozen=True)
class Daemon:
    """A daemon at work. `taken`: the file that it writes; `said`: what it says of itself."""

    port: int
    taken: Path
    said: Path

    def lines(self) -> list[str]:
        """What it has written."""
        return self.taken.read_text().splitlines() if self.taken.exists() else []

    @contextmanager
    def told(self) -> Iterator[None]:
        """What fails within the context shows what the daemon says."""
        try:
            yield
        except BaseException as error:
            lines = self.lines()
            own = "\n".join([line for line in lines if not line.startswith("<")][-_SHOWN:])
            error.add_note(f"the daemon has written {len(lines)} lines, and says:\n{self.said.read_text()}\n{own}")
            raise


@dataclass(frozen=True)
class Files:
    """PEM files: of the daemon, and of the authority whose clients it knows."""

    certificate: Path
    key: Path
    authority: Path


def found(command: str) -> str | None:
    """Where a daemon is."""
    return shutil.which(command) or shutil.which(command, path=_ENV["PATH"])


def rsyslog_driver(name: str) -> Path | None:
    """The library of an rsyslog's driver of TLS."""
    return next(Path("/usr").glob(f"lib*/**/rsyslog/lmnsd_{name}.so"), None)


@contextmanager
def rsyslog(work: Path, driver: str, checks: str, files: Files) -> Iterator[Daemon]:
    """An rsyslog. `checks`: its `StreamDriver.AuthMode`."""
    port = _free_port()
    config = work / "rsyslog.conf"
    config.write_text(_RSYSLOG.format(work=work, driver=driver, checks=checks, port=port, **vars(files)))
    command: list[str | Path] = [found("rsyslogd") or "", "-n", "-f", config, "-i", work / "pid"]
    daemon = Daemon(port, work / "taken", work / "said")
    with _running(command, port, work):
        until(lambda: bool(daemon.lines()), words=daemon.said.read_text)
        yield daemon


@contextmanager
def syslog_ng(work: Path, checks: str, files: Files) -> Iterator[Daemon]:
    """A syslog-ng. `checks`: its `peer-verify`."""
    port, command = _free_port(), found("syslog-ng") or ""
    told = subprocess.run([command, "--version"], env=_ENV, capture_output=True, text=True, check=True).stdout
    version = told.partition("Config version:")[2].split()[0]
    config = work / "syslog-ng.conf"
    config.write_text(_SYSLOG_NG.format(work=work, version=version, checks=checks, port=port, **vars(files)).lstrip())
    options = [f"--persist-file={work}/persist", f"--pidfile={work}/pid", f"--control={work}/control"]
    with _running([command, "--foreground", "--no-caps", f"--cfgfile={config}", *options], port, work):
        yield Daemon(port, work / "taken", work / "said")


@contextmanager
def _running(command: list[str | Path], port: int, work: Path) -> Iterator[None]:
    with (work / "said").open("wb") as said, subprocess.Popen(command, env=_ENV, stdout=said, stderr=said) as daemon:
        try:
            until(lambda: daemon.poll() is not None or _listens(port), words=(work / "said").read_text)
            assert daemon.poll() is None, (work / "said").read_text()
            yield
        finally:
            daemon.terminate()
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(10)
            daemon.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    """Whether something does, by what the system says: a connection that comes to nothing is a failure to a daemon."""
    sockets = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(local.endswith(f":{port:04X}") and state == _LISTEN for _, local, _, state, *_ in sockets)
