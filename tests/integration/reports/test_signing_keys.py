"""The signing key is made, published and replaced so that neither a race nor a crash leaves two keys, or none."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE

import pytest

from aoc_cli.attach import System
from aoc_cli.doctor import keys as doctor_keys
from aoc_cli.local.stack import DataDirectory
from aoc_cli.reports import keys
from aoc_cli.reports.form import public_bytes
from aoc_cli.reports.keys import KeyState, OwnKey
from aoc_collector.findings import Grade
from aoc_common import private
from aoc_common.contracts.report_keys import thumbprint
from aoc_common.errors import BadConfiguration
from aoc_common.settings import MongoSettings, NatsSettings
from aoc_common.store.mongo.report_keys import MongoKeyRegister
from reporting import OURS, THEIRS, pem

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.fixture
def register(database) -> MongoKeyRegister:
    return MongoKeyRegister(database)


@pytest.fixture
def nats_settings() -> NatsSettings:
    return NatsSettings(url="nats://127.0.0.1:1")


@pytest.fixture
def own(tmp_path) -> OwnKey:
    return OwnKey(tmp_path / "secrets")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def current(own, register, at=NOW) -> str:
    return thumbprint(public_bytes(await own.current(register, at)))


async def in_use(register) -> list[str]:
    return [key.kid for key in await register.published() if key.retired_at is None]


async def test_a_key_is_made_at_first_use_for_its_owner_alone_and_published(own, register) -> None:
    before = os.umask(0)
    try:
        made = [await current(own, register) for _ in range(2)]
    finally:
        os.umask(before)

    assert made[0] == made[1]
    assert await in_use(register) == [made[0]]
    assert (mode(own.path), mode(own.path.parent)) == (0o600, 0o700)
    assert own.state() == KeyState(made[0], changing=False)


async def test_a_key_of_the_version_before_goes_on_signing(own, register) -> None:
    own.path.parent.mkdir(mode=0o700)
    own.path.touch(mode=0o600)
    own.path.write_text(pem(OURS))

    assert await current(own, register) == thumbprint(public_bytes(OURS))


async def test_a_rotated_key_stays_published_with_the_time_of_its_retirement(own, register) -> None:
    first = await current(own, register)
    old, new = await own.rotate(register, LATER)

    assert (first, await current(own, register)) == (old, new)
    assert [(key.kid, key.published_at, key.retired_at) for key in await register.published()] == [
        (new, LATER, None),
        (old, NOW, LATER),
    ]
    assert mode(own.path) == 0o600
    assert pem_of(own) != pem(OURS)
    assert sorted(path.name for path in own.path.parent.iterdir()) == [".lock", "report-key"]


def pem_of(own: OwnKey) -> str:
    return own.path.read_text()


STEPS = ["unlink", "open", "fsync", "replace", "publish", "retire"]


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("used", [False, True], ids=["a new directory", "a directory with a key"])
async def test_a_kill_at_any_step_leaves_one_key_that_is_published(
    own, register, monkeypatch, step, when, turn, used
) -> None:
    first = await current(own, register) if used else None
    with monkeypatch.context() as patched:
        _kill_at(patched, step, turn, when)
        with suppress(Killed):
            await own.rotate(register, LATER)
    at_last = await current(own, register, LATER + timedelta(hours=1))
    published = {key.kid: key.retired_at for key in await register.published()}

    assert await in_use(register) == [at_last]
    assert own.state() == KeyState(at_last, changing=False)
    assert first is None or first == at_last or published[first] is not None
    assert sorted(path.name for path in own.path.parent.iterdir() if not path.name.endswith(".new")) == [
        ".lock",
        "report-key",
    ]
    assert {mode(path) for path in own.path.parent.iterdir()} == {0o600}


def _kill_at(patched: pytest.MonkeyPatch, step: str, turn: int, when: str) -> None:
    """Raise `Killed` before or after this step is taken for the `turn`-th time."""
    calls = 0
    owner = {"unlink": Path, "replace": Path, "publish": MongoKeyRegister, "retire": MongoKeyRegister}.get(step, os)
    name = step
    original = getattr(owner, name)

    def killed() -> bool:
        nonlocal calls
        calls += 1
        return calls == turn + 1

    def patched_step(*arguments, **options):
        dies = killed()
        if dies and when == "before":
            raise Killed
        result = original(*arguments, **options)
        if dies:
            raise Killed
        return result

    async def patched_awaitable(*arguments, **options):
        dies = killed()
        if dies and when == "before":
            raise Killed
        result = await original(*arguments, **options)
        if dies:
            raise Killed
        return result

    patched.setattr(owner, name, patched_awaitable if owner is MongoKeyRegister else patched_step)


async def test_no_report_is_signed_with_a_retired_key_after_a_change_that_was_cut_short(
    own, register, monkeypatch
) -> None:
    first = await current(own, register)
    with monkeypatch.context() as patched:
        _kill_at(patched, "retire", 0, "after")
        with pytest.raises(Killed):
            await own.rotate(register, LATER)

    assert await in_use(register) == [thumbprint(public_bytes(keys.load(own.next.read_text(), "x")))]
    assert own.state() == KeyState(first, changing=True)
    assert await current(own, register) != first


_MAKER = """
import sys
from pathlib import Path
from aoc_cli.local.stack import DataDirectory
sys.stdin.readline()
for number in range(20):
    print(DataDirectory(Path(sys.argv[1]) / str(number)).secret("a-password").read_text())
"""


@pytest.mark.slow
def test_processes_that_make_a_secret_at_once_get_the_same(tmp_path) -> None:
    command = [sys.executable, "-c", _MAKER, str(tmp_path)]
    makers = [subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) for _ in range(3)]
    for maker in makers:  # each is ready, or soon
        maker.stdin.write("\n")
        maker.stdin.flush()
    secrets = [maker.communicate(timeout=60)[0].splitlines() for maker in makers]

    assert secrets[0] == secrets[1] == secrets[2]
    assert len(set(secrets[0])) == 20
    assert {mode(path) for path in tmp_path.glob("*/secrets/*")} == {0o600}


def test_what_a_killed_process_left_half_written_never_becomes_the_secret(tmp_path) -> None:
    directory = tmp_path / "secrets"
    directory.mkdir()
    (directory / ".a-password.new").write_text("half")
    (directory / ".a-password.new").chmod(0o644)
    secret = DataDirectory(tmp_path).secret("a-password")

    assert secret.read_text() != "half"
    assert mode(secret) == 0o600


def test_a_link_that_somebody_left_is_not_written_through(tmp_path) -> None:
    directory, elsewhere = tmp_path / "secrets", tmp_path / "elsewhere"
    directory.mkdir()
    (directory / ".a-password.new").symlink_to(elsewhere)
    DataDirectory(tmp_path).secret("a-password")

    assert not elsewhere.exists()


def test_a_directory_that_another_command_holds_is_waited_for_and_then_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(private, "_PATIENCE_S", 0.1)
    with (
        private.locked(tmp_path),
        pytest.raises(BadConfiguration, match="another command has held it"),
        private.locked(tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "rights", "message"),
    [
        (pem(OURS), 0o640, "others may read this private key: chmod 600 it"),
        (pem(OURS), 0o602, "others may read this private key: chmod 600 it"),
        ("", 0o600, "no private key"),
        ("-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n", 0o600, "no private key"),
        ("\xff", 0o600, "no private key"),
    ],
)
async def test_a_key_that_is_exposed_or_none_is_refused_by_its_path_and_never_repeated(
    own, register, text, rights, message
) -> None:
    own.path.parent.mkdir()
    own.path.write_text(text)
    own.path.chmod(rights)
    with pytest.raises(BadConfiguration) as refused:
        await own.current(register, NOW)

    assert str(refused.value).startswith(f"{own.path}: {message}")
    assert "s3cret" not in str(refused.value)


async def test_a_key_by_reference_is_published_and_refused_once_it_is_retired(tmp_path, register, monkeypatch) -> None:
    directory = DataDirectory(tmp_path / "data")
    monkeypatch.setenv("OURS", pem(OURS))
    monkeypatch.setenv("THEIRS", pem(THEIRS))
    monkeypatch.setenv("AOC_REPORTS__KEY", "env:OURS")
    configured = await keys.signer(directory, None, register, NOW)
    named = await keys.signer(directory, "env:THEIRS", register, LATER)
    kids = [thumbprint(public_bytes(key)) for key in (configured, named)]
    await register.retire(kids[0], LATER)

    assert kids == [thumbprint(public_bytes(key)) for key in (OURS, THEIRS)]
    assert await in_use(register) == kids[1:]
    assert not directory.path.exists()
    with pytest.raises(
        BadConfiguration, match=f"the key {kids[0]} was retired at 2026-11-23T09:00:00Z: sign with another"
    ):
        await keys.signer(directory, None, register, LATER)


async def test_the_doctor_looks_at_the_key_that_signs_here(
    tmp_path, own, register, mongo_settings, nats_settings, monkeypatch
) -> None:
    system = System(nats_settings, mongo_settings, DataDirectory(tmp_path))
    nothing = await doctor_keys.check(system, None)
    kid = await current(own, register)
    made = await doctor_keys.check(system, None)
    own.path.chmod(0o644)
    exposed = await doctor_keys.check(system, None)
    named = tmp_path / "named.pem"
    named.write_text(pem(OURS))
    named.chmod(0o644)
    monkeypatch.setenv("AOC_REPORTS__KEY", f"file:{named}")
    referenced = await doctor_keys.check(system, None)
    away = await doctor_keys.check(
        replace(system, mongo=MongoSettings(uri="mongodb://127.0.0.1:1", timeout_s=0.1)), None
    )

    assert [(finding.grade, finding.found) for finding in nothing] == [
        (Grade.OK, "none yet: it is made with the first report")
    ]
    assert [(finding.grade, finding.found.split()[0]) for finding in made] == [(Grade.OK, kid)]
    assert [finding.grade for finding in exposed] == [Grade.FAIL]
    assert [finding.grade for finding in referenced] == [Grade.OK, Grade.WARN, Grade.WARN]
    assert "is not published" in referenced[1].found
    assert away == []


@pytest.mark.parametrize("text", ["", "no key", "s3cret"])
async def test_what_is_no_key_is_refused_by_the_name_of_its_setting(tmp_path, register, monkeypatch, text) -> None:
    monkeypatch.setenv("KEY", text)
    with pytest.raises(BadConfiguration, match=r"^--key: no private key in PEM without a passphrase$"):
        await keys.signer(DataDirectory(tmp_path), "env:KEY", register, NOW)
