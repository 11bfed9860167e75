"""The Dockerfile: what it installs, as whom it runs, and how it stops."""

from __future__ import annotations

import re
import subprocess
import tomllib

from aoc_cli.deployment.images import IMAGES, Image
from composed import DOCKER, ROOT
from each import each

TEXT = (DOCKER / "Dockerfile").read_text()
LINES = [line for line in TEXT.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
FIRST_STAGE, LAST_STAGE = (
    [line for line in stage.splitlines() if line] for stage in "\n".join(LINES).split("FROM ${BASE}")[1:]
)
#: Names of distributions differ in case and in - and _.
_SEPARATORS = re.compile(r"[-_.]+")


def canonical(requirement: str) -> str:
    return _SEPARATORS.sub("-", re.split(r"[\[<>=!~ ;]", requirement)[0]).lower()


@each("image", IMAGES.values(), ids=lambda image: image.name)
def test_an_image_installs_what_its_own_lock_has_and_its_members_need(image: Image) -> None:
    locked = {
        canonical(line)
        for line in (ROOT / "requirements" / f"{image.name}.lock").read_text().splitlines()
        if "==" in line
    }
    needed = {
        canonical(requirement)
        for member in image.members
        for requirement in tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]["dependencies"]
    }
    own = {member.rpartition("/")[2].replace("_", "-") for member in image.members if member.startswith("libs/")}
    own |= {f"aoc-{member.rpartition('/')[2]}" for member in image.members if member.startswith("services/")}

    assert {name for name in needed if name.startswith("aoc-")} <= own
    assert {name for name in needed if not name.startswith("aoc-")} <= locked


def test_everything_is_installed_by_hash_or_from_what_was() -> None:
    installs = [line for line in FIRST_STAGE for line in re.findall(r"pip --python \S+ (?:install|wheel) [^&]*", line)]

    assert len(installs) == 4
    assert all("--require-hashes" in install or "--no-index" in install for install in installs)
    assert any("--require-hashes" in install and "requirements/${SERVICE}.lock" in install for install in installs)
    assert all("--hash=sha256:" in path.read_text() for path in (ROOT / "requirements").glob("*.lock"))


def test_the_last_stage_installs_and_runs_nothing() -> None:
    assert [line.split()[0] for line in LAST_STAGE if line.split()[0] in {"RUN", "ADD"}] == []
    assert [line for line in LAST_STAGE if line.startswith("COPY")] == [
        "COPY --from=build /opt/aoc /opt/aoc",
        # An empty directory, for the owner of the volume that comes there.
        "COPY --from=build --chown=10001:10001 /state /var/lib/aoc",
    ]


def test_a_container_runs_as_a_numbered_user_that_is_not_root() -> None:
    user = next(line for line in LAST_STAGE if line.startswith("USER"))

    assert re.fullmatch(r"USER [1-9]\d{3,}:[1-9]\d{3,}", user)


def test_a_signal_reaches_the_service_itself() -> None:
    """Exec form: with a shell in between, SIGTERM would end the shell, and the service would be killed."""
    instructions = {line.split()[0]: line for line in LAST_STAGE}

    assert instructions["ENTRYPOINT"].startswith('ENTRYPOINT ["')
    assert instructions["STOPSIGNAL"] == "STOPSIGNAL SIGTERM"
    assert re.search(r'CMD \["/opt/aoc/bin/python",', instructions["HEALTHCHECK"])


def test_the_base_is_pinned_by_a_tag_and_can_be_given_with_a_digest() -> None:
    base = next(line for line in LINES if line.startswith("ARG BASE="))

    assert re.fullmatch(r"ARG BASE=docker\.io/library/python:3\.\d+-slim-\w+", base)
    assert len(re.findall(r"^FROM \$\{BASE\}", TEXT, re.MULTILINE)) == len(re.findall("^FROM", TEXT, re.MULTILINE)) == 2


def test_what_belongs_to_one_installation_gets_into_no_image() -> None:
    """A list of what is let in: secrets, data and caches beside it stay outside whatever they are called."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

    assert ignored[0] == "*"
    assert {line for line in ignored if line.startswith("!")} == {
        "!libs", "!services", "!requirements/*.lock", "!deploy/docker/healthcheck.py",
    }  # fmt: skip


def test_what_belongs_to_one_installation_is_never_committed() -> None:
    tracked = subprocess.check_output(["git", "ls-files", "deploy/docker/private"], cwd=ROOT, text=True)

    assert tracked == ""
    assert "deploy/docker/private/" in (ROOT / ".gitignore").read_text().splitlines()
