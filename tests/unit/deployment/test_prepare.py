"""deploy/docker/prepare: secrets are made once, each in a file, and read by nobody else on the machine."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from aoc_cli.deployment import bus
from aoc_collector.sources import SOURCES
from aoc_common.tenants.file import read_tenants
from composed import DOCKER, ROOT, composed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the script reads, in a directory of its own."""
    shutil.copytree(DOCKER, tmp_path / "deploy" / "docker", ignore=shutil.ignore_patterns("private"))
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    return tmp_path


def prepare(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = checkout / "deploy" / "docker" / "prepare"
    return subprocess.run([str(script), *arguments], capture_output=True, text=True, check=False)


def secrets(checkout: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (checkout / "deploy/docker/private/secrets").iterdir()}


def test_every_secret_of_the_compose_file_is_made(checkout: Path) -> None:
    assert prepare(checkout).returncode == 0

    made = secrets(checkout)
    assert made.keys() == composed()["secrets"].keys()
    random = [text for name, text in made.items() if name != "nats-passwords" and not name.endswith("-uri")]
    assert len(set(random)) == len(random)
    assert all(len(text) == 48 for text in random)


def test_what_follows_from_a_secret_has_it(checkout: Path) -> None:
    prepare(checkout)

    texts = secrets(checkout)
    assert texts["mongo-aoc-uri"] == f"mongodb://aoc:{texts['mongo-aoc']}@mongo:27017/?authSource=admin"
    assert sorted(texts["nats-passwords"].splitlines()) == sorted(
        f'NATS_PASSWORD_{user.upper()}: "{texts[f"nats-{user}"]}"' for user in bus.USERS
    )


def test_a_second_run_changes_nothing_and_makes_what_is_missing(checkout: Path) -> None:
    prepare(checkout)
    before = secrets(checkout)
    (checkout / "deploy/docker/private/secrets/cursor-key").unlink()

    assert prepare(checkout).returncode == 0
    after = secrets(checkout)
    assert {name for name in before if before[name] != after[name]} == {"cursor-key"}


def test_what_a_killed_run_left_is_no_secret(checkout: Path) -> None:
    prepare(checkout)
    before = secrets(checkout)
    (checkout / "deploy/docker/private/secrets/.nats-api.new").write_text("half")
    (checkout / "deploy/docker/private/secrets/nats-stranger").write_text("of another version")

    assert prepare(checkout).returncode == 0
    assert secrets(checkout)["nats-passwords"] == before["nats-passwords"]


def test_only_the_owner_gets_at_the_files_which_any_user_in_a_container_can_read(checkout: Path) -> None:
    """Compose mounts them as they are: their owner is whoever ran the script, and no user of a container."""
    prepare(checkout, "--simulator")

    private = checkout / "deploy/docker/private"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    for name in ("secrets", "tenants"):
        assert stat.S_IMODE((private / name).stat().st_mode) == 0o755
        assert {stat.S_IMODE(path.stat().st_mode) for path in (private / name).iterdir()} == {0o644}


def test_without_tenants_the_collector_is_idle(checkout: Path) -> None:
    prepare(checkout)

    assert read_tenants(checkout / "deploy/docker/private/tenants/tenants.json", SOURCES) == ()


@pytest.mark.slow
def test_the_simulated_tenants_are_a_tenants_file_with_its_secrets(checkout: Path) -> None:
    prepare(checkout)
    assert prepare(checkout, "--simulator").returncode == 0

    tenants = checkout / "deploy/docker/private/tenants"
    read = read_tenants(tenants / "tenants.json", SOURCES)
    assert {tenant.name for tenant in read} == {"contoso", "fabrikam"}
    for tenant in read:
        assert tenant.client_secret is not None
        assert (tenants / tenant.client_secret.removeprefix("file:/run/tenants/")).exists()
    assert prepare(checkout, "--simulator").returncode == 0


@pytest.mark.slow
def test_simulated_tenants_do_not_replace_ones_own(checkout: Path) -> None:
    prepare(checkout)
    file = checkout / "deploy/docker/private/tenants/tenants.json"
    file.write_text(json.dumps([{"name": "ours"}]))

    refused = prepare(checkout, "--simulator")
    assert (refused.returncode, "has tenants of your own" in refused.stderr) == (2, True)
    assert json.loads(file.read_text()) == [{"name": "ours"}]


def test_an_argument_that_it_does_not_know_is_refused_before_anything_is_made(checkout: Path) -> None:
    refused = prepare(checkout, "--simulate")

    assert (refused.returncode, "--simulate" in refused.stderr) == (2, True)
    assert not (checkout / "deploy/docker/private").exists()
